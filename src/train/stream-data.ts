/**
 * The stream's rows as the engine takes them, read, checked and encoded before anything is trained or
 * written: a response too long in the last task's test file stops the run now, not in two hours.
 */
import { countOverlap } from '../data/overlap.ts';
import type { RowsFile } from '../data/read-rows.ts';
import type { PreferenceRow } from '../data/row.ts';
import { loadTask } from '../data/task.ts';
import { findRuleJudge } from '../eval/judges/index.ts';
import type { RuleJudge } from '../eval/judges/judge.ts';
import type { RunConfig } from './config/schema.ts';
import type { TextSide } from './environment.ts';
import { loadNeutralRows, type NeutralRows } from './neutral.ts';
import {
  checkJudge,
  encodeTaskRows,
  type TaskRows,
  textRoom,
  untoldOf,
  withoutTelling,
} from './task-rows.ts';

export interface StreamTask {
  readonly name: string;
  /** Scores greedy answers to the test prompts; `null`: log-prob scores only. */
  readonly judge: RuleJudge | null;
  /** Texts of its rows, and answers to them, are shown and written nowhere. */
  readonly private: boolean;
  readonly train: TaskRows;
  readonly test: TaskRows;
}

export interface StreamData {
  readonly tasks: readonly StreamTask[];
  /** `null` where general ability is not measured. */
  readonly neutral: NeutralRows | null;
  /** The most tokens of prompt and longer response that a row may have; all rows keep to it. */
  readonly maxLength: number;
  /** Prompts that lost their beginning to fit. */
  readonly cutPrompts: number;
  /** Invalid rows left out under `invalid_rows: skip`. */
  readonly skippedRows: number;
}

export interface LoadStreamOptions {
  /** Put in front of every prompt: the rows' own tokens have less room. */
  readonly softTokens: number;
  readonly log: (line: string) => void;
}

/**
 * @throws {UserError} for a file or row that cannot be used, naming file, row and field.
 */
export async function loadStream(
  config: RunConfig,
  text: TextSide,
  { softTokens, log }: LoadStreamOptions,
): Promise<StreamData> {
  let cutPrompts = 0;
  let skippedRows = 0;
  const { maxPositions } = text;
  if (maxPositions < config.max_length) {
    log(
      `warning: max_length ${config.max_length} is beyond the base's ${maxPositions} positions, which hold instead`,
    );
  }
  const maxLength = textRoom(config.max_length, text, softTokens);

  const encode = (source: RowsFile<PreferenceRow>, limit: number | null, isPrivate: boolean): TaskRows => {
    const invalidRows = config.invalid_rows;
    const options = { text, maxLength, invalidRows, limit, use: 'encoded', log } as const;
    const rows = encodeTaskRows(source, { ...options, ...untoldOf(isPrivate) });
    cutPrompts += rows.cutPrompts;
    skippedRows += rows.skippedRows;
    return rows;
  };
  const load = async (entry: RunConfig['tasks'][number]): Promise<StreamTask> => {
    const { name, private: isPrivate } = entry;
    const files = await loadTask(entry, { folder: '.', invalidRows: config.invalid_rows });
    const train = encode(files.train, entry.train_rows, isPrivate);
    const test = encode(files.test, entry.test_rows, isPrivate);
    const overlap = countOverlap(train.rows, test.rows);
    if (overlap > 0) {
      const share = `${overlap} of ${test.rows.length} test rows`;
      log(`warning: task ${name}: ${share} have a prompt of its training rows`);
    }
    const judge = entry.judge === null ? null : findRuleJudge(entry.judge);
    if (judge) checkJudge(judge, test);
    return { name, private: isPrivate, judge, train, test };
  };

  const tasks: StreamTask[] = [];
  for (const entry of config.tasks) tasks.push(await withoutTelling(entry.private, () => load(entry)));
  const neutralOptions = { text, softTokens, invalidRows: config.invalid_rows, log };
  const neutral = config.general && (await loadNeutralRows(config.general, neutralOptions));
  return { tasks, neutral, maxLength, cutPrompts, skippedRows };
}
