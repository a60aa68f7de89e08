/**
 * The stream's rows as the engine takes them, read, checked and encoded before anything is trained or
 * written: a response too long in the last task's test file stops the run now, not in two hours.
 */
import { countOverlap } from '../data/overlap.ts';
import type { RowsFile } from '../data/read-rows.ts';
import type { PreferenceRow } from '../data/row.ts';
import { loadTasks } from '../data/task.ts';
import { findRuleJudge } from '../eval/judges/index.ts';
import type { RuleJudge } from '../eval/judges/judge.ts';
import type { RunConfig } from './config/schema.ts';
import type { TextSide } from './environment.ts';
import { checkJudge, encodeTaskRows, type TaskRows } from './task-rows.ts';

export interface StreamTask {
  readonly name: string;
  /** Scores greedy answers to the test prompts; `null`: log-prob scores only. */
  readonly judge: RuleJudge | null;
  readonly train: TaskRows;
  readonly test: TaskRows;
}

export interface StreamData {
  readonly tasks: readonly StreamTask[];
  /** Prompts that lost their beginning to fit `max_length`. */
  readonly cutPrompts: number;
  /** Invalid rows left out under `invalid_rows: skip`. */
  readonly skippedRows: number;
}

/**
 * @throws {UserError} for a file or row that cannot be used, naming file, row and field.
 */
export async function loadStream(
  config: RunConfig,
  text: TextSide,
  log: (line: string) => void,
): Promise<StreamData> {
  let cutPrompts = 0;
  let skippedRows = 0;
  const maxLength = Math.min(config.max_length, text.maxPositions);
  if (maxLength < config.max_length) {
    log(
      `warning: max_length ${config.max_length} is beyond the base's ${maxLength} positions, which hold instead`,
    );
  }

  const encode = (source: RowsFile<PreferenceRow>, limit: number | null): TaskRows => {
    const invalidRows = config.invalid_rows;
    const rows = encodeTaskRows(source, { text, maxLength, invalidRows, limit, use: 'encoded', log });
    cutPrompts += rows.cutPrompts;
    skippedRows += rows.skippedRows;
    return rows;
  };

  const loaded = await loadTasks(config.tasks, { folder: '.', invalidRows: config.invalid_rows });
  const tasks = loaded.map((task): StreamTask => {
    const train = encode(task.train, task.train_rows);
    const test = encode(task.test, task.test_rows);
    const overlap = countOverlap(train.rows, test.rows);
    if (overlap > 0) {
      const share = `${overlap} of ${test.rows.length} test rows`;
      log(`warning: task ${task.name}: ${share} have a prompt of its training rows`);
    }
    const judge = task.judge === null ? null : findRuleJudge(task.judge);
    if (judge) checkJudge(judge, test);
    return { name: task.name, judge, train, test };
  });
  return { tasks, cutPrompts, skippedRows };
}
