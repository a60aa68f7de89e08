/**
 * The stream's rows as the engine takes them, read, checked and encoded before anything is trained or
 * written: a response too long in the last task's test file stops the run now, not in two hours.
 */
import { countOverlap } from '../data/overlap.ts';
import type { RowsFile } from '../data/read-rows.ts';
import type { PreferenceRow } from '../data/row.ts';
import { loadTasks } from '../data/task.ts';
import { findRuleJudge } from '../eval/judges/index.ts';
import type { JudgedPrompt, RuleJudge } from '../eval/judges/judge.ts';
import { DataError, UserError } from '../support/errors.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { RunConfig } from './config/schema.ts';
import type { TextSide } from './environment.ts';

export interface TaskRows {
  readonly file: string;
  /** Of the file's bytes. */
  readonly sha256: string;
  readonly rows: readonly PreferenceRow[];
  /** `encoded[i]` is `rows[i]`. */
  readonly encoded: readonly EncodedRow[];
  /** Of these rows' prompts, how many lost their beginning; and how many rows were left out as invalid. */
  readonly cutPrompts: number;
  readonly skippedRows: number;
}

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
    const { file, sha256 } = source;
    const options = { file, maxLength, invalidRows: config.invalid_rows, limit };
    const { encoded, kept, cutPrompts: cut, skipped } = text.encodeRows(source.rows, options);
    if (encoded.length === 0) throw new DataError({ file }, 'no rows are left that can be encoded');
    const rows = kept.map((position) => source.rows[position]!);
    // Rows behind the last one taken were not wanted: they are not missing.
    const end = encoded.length === limit ? rows.at(-1)!.index : Number.POSITIVE_INFINITY;
    const leftOut = [...source.skipped, ...skipped].filter(({ row }) => row <= end);
    for (const { row, field, problem } of leftOut.sort((a, b) => a.row - b.row)) {
      log(`${file}: row ${row} is left out: ${field === '' ? '' : `field "${field}": `}${problem}`);
    }
    if (limit !== null && encoded.length < limit) {
      log(`warning: ${file}: only ${encoded.length} rows can be used; ${limit} were asked for`);
    }
    if (cut > 0) log(`${file}: ${cut} prompts cut at the left to fit ${maxLength} tokens`);
    cutPrompts += cut;
    skippedRows += leftOut.length;
    return { file, sha256, rows, encoded, cutPrompts: cut, skippedRows: leftOut.length };
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

/** A judge that cannot read some row says so now, not after hours of training. */
function checkJudge(judge: RuleJudge, { file, rows }: TaskRows): void {
  for (const row of rows) {
    try {
      judge.score(row.chosen, judgedPrompt(row));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new DataError({ file, row: row.index + 1 }, `the judge ${judge.name}: ${error.message}`);
    }
  }
}

/** A row as judges see it. */
export function judgedPrompt({ prompt, chosen }: PreferenceRow): JudgedPrompt {
  return { query: prompt.at(-1)?.content ?? '', reference: chosen };
}

/** A task's test rows as scores name them. */
export function scoredRows({ rows, encoded }: TaskRows) {
  return encoded.map(({ chosen, rejected }, at) => ({
    index: rows[at]!.index,
    chosenTokens: chosen.length,
    rejectedTokens: rejected.length,
  }));
}
