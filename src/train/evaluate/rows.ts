/**
 * The tasks' rows as they are scored, all read and checked before anything is generated. Of a private task's
 * rows messages say where something is wrong, never what stands there.
 */
import { readPreferenceRows } from '../../data/read-rows.ts';
import type { PreferenceRow } from '../../data/row.ts';
import { findRuleJudge } from '../../eval/judges/index.ts';
import type { RuleJudge } from '../../eval/judges/judge.ts';
import { DataError, UserError } from '../../support/errors.ts';
import type { TextSide } from '../environment.ts';
import { judgedPrompt, type TaskRows } from '../stream-data.ts';
import type { EvaluationTask } from './tasks.ts';

export interface LoadedTask extends Omit<EvaluationTask, 'judge' | 'test'> {
  readonly judge: RuleJudge | null;
  readonly test: TaskRows;
}

export interface LoadOptions {
  /** The most tokens of prompt and longer response; what the base has positions for holds if it is less. */
  readonly maxLength: number;
  readonly invalidRows: 'error' | 'skip';
  readonly log: (line: string) => void;
}

const UNTOLD = 'invalid; the task is private, so what is wrong is not shown';

/** @throws {UserError} for a file or row that cannot be used, naming file, row and field. */
export async function loadTask(
  task: EvaluationTask,
  text: TextSide,
  options: LoadOptions,
): Promise<LoadedTask> {
  const judge = task.judge === null ? null : findRuleJudge(task.judge);
  try {
    const test = await loadRows(task, text, options);
    if (judge) for (const row of test.rows) checkJudge(judge, test.file, row);
    return { ...task, judge, test };
  } catch (error) {
    if (!task.private || !(error instanceof DataError)) throw error;
    const { row, line } = error.location;
    throw row === undefined && line === undefined ? error : new DataError(error.location, UNTOLD);
  }
}

async function loadRows(
  task: EvaluationTask,
  text: TextSide,
  { maxLength, invalidRows, log }: LoadOptions,
): Promise<TaskRows> {
  const limit = task.test_rows;
  const { file, sha256, rows: all, skipped } = await readPreferenceRows(task.test, { invalidRows });
  const encodedRows = text.encodeRows(all, { file, maxLength, invalidRows, limit });
  const { encoded, kept, cutPrompts } = encodedRows;
  if (encoded.length === 0) throw new DataError({ file }, 'no rows are left that can be scored');
  const rows = kept.map((position) => all[position]!);
  // Rows behind the last one taken were not wanted: they are not missing.
  const end = encoded.length === limit ? rows.at(-1)!.index : Number.POSITIVE_INFINITY;
  const leftOut = [...skipped, ...encodedRows.skipped].filter(({ row }) => row <= end);
  for (const { row, field, problem } of leftOut.sort((a, b) => a.row - b.row)) {
    const where = field === '' ? '' : `field "${field}": `;
    log(`${file}: row ${row} is left out: ${where}${task.private ? UNTOLD : problem}`);
  }
  if (limit !== null && encoded.length < limit) {
    log(`warning: ${file}: only ${encoded.length} rows can be used; ${limit} were asked for`);
  }
  if (cutPrompts > 0) log(`${file}: ${cutPrompts} prompts cut at the left to fit ${maxLength} tokens`);
  return { file, sha256, rows, encoded, cutPrompts, skippedRows: leftOut.length };
}

/** A judge that cannot read some row says so now, not after an hour of answers. */
function checkJudge(judge: RuleJudge, file: string, row: PreferenceRow): void {
  try {
    judge.score(row.chosen, judgedPrompt(row));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new DataError({ file, row: row.index + 1 }, `the judge ${judge.name}: ${error.message}`);
  }
}
