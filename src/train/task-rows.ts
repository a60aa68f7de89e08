/** One file's rows as the engine takes them, with what was left out of them told; and judges tried on them. */
import type { RowsFile } from '../data/read-rows.ts';
import type { PreferenceRow } from '../data/row.ts';
import type { JudgedPrompt, RuleJudge } from '../eval/judges/judge.ts';
import { DataError, UserError } from '../support/errors.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { UnencodableRow } from '../text/segments.ts';
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

export interface TaskRowsOptions {
  readonly text: TextSide;
  /** The most tokens of prompt and longer response. */
  readonly maxLength: number;
  readonly invalidRows: 'error' | 'skip';
  /** The first so many valid rows that can be encoded; null: all. */
  readonly limit: number | null;
  /** What rows are for, in messages. */
  readonly use: 'encoded' | 'scored';
  /** Said instead of what is wrong with a row, where that must not be shown. */
  readonly untold?: string;
  readonly log: (line: string) => void;
}

/**
 * How many tokens of its own a row may have where some of `longest` are soft prompts.
 * @throws {UserError} if that leaves room for no prompt and no response
 */
export function textRoom(
  longest: number,
  { maxPositions }: Pick<TextSide, 'maxPositions'>,
  softTokens: number,
): number {
  const room = Math.min(longest, maxPositions) - softTokens;
  if (room >= 2 || softTokens === 0) return room;
  const problem = `${softTokens} tokens of soft prompts leave no room for a row`;
  throw new UserError(`max_length ${Math.min(longest, maxPositions)}: ${problem}`);
}

/** @throws {DataError} for a row that cannot be used, or if none is left. */
export function encodeTaskRows(source: RowsFile<PreferenceRow>, options: TaskRowsOptions): TaskRows {
  const { file, sha256, notes } = source;
  const { text, maxLength, invalidRows, limit, use, untold, log } = options;
  for (const note of notes) log(note);
  const result = text.encodeRows(source.rows, { file, maxLength, invalidRows, limit });
  const { encoded, kept, cutPrompts } = result;
  if (encoded.length === 0) throw new DataError({ file }, `no rows are left that can be ${use}`);
  const rows = kept.map((position) => source.rows[position]!);
  // Rows behind the last one taken were not wanted: they are not missing.
  const end = encoded.length === limit ? rows.at(-1)!.index : Number.POSITIVE_INFINITY;
  const leftOut = [...source.skipped, ...result.skipped].filter(({ row }) => row <= end);
  tellLeftOut(file, leftOut, log, untold);
  if (limit !== null && encoded.length < limit) {
    log(`warning: ${file}: only ${encoded.length} rows can be used; ${limit} were asked for`);
  }
  if (cutPrompts > 0) log(`${file}: ${cutPrompts} prompts cut at the left to fit ${maxLength} tokens`);
  return { file, sha256, rows, encoded, cutPrompts, skippedRows: leftOut.length };
}

/** A line for each row that is left out, in the file's order; `untold` stands for what is wrong with it. */
export function tellLeftOut(
  file: string,
  rows: readonly UnencodableRow[],
  log: (line: string) => void,
  untold?: string,
): void {
  for (const { row, field, problem } of rows.toSorted((a, b) => a.row - b.row)) {
    const where = field === '' ? '' : `field "${field}": `;
    log(`${file}: row ${row} is left out: ${where}${untold ?? problem}`);
  }
}

const UNTOLD = 'invalid; the task is private, so what is wrong is not shown';

/** What `encodeTaskRows` says of a private task's rows. */
export function untoldOf(isPrivate: boolean): Pick<TaskRowsOptions, 'untold'> {
  return isPrivate ? { untold: UNTOLD } : {};
}

/** Loads a task's rows; of a private one's errors say where something is wrong, never what stands there. */
export async function withoutTelling<T>(isPrivate: boolean, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isPrivate || !(error instanceof DataError)) throw error;
    const { row, line } = error.location;
    throw row === undefined && line === undefined ? error : new DataError(error.location, UNTOLD);
  }
}

/** A judge that cannot read some row says so now, not after hours of work. @throws {DataError} naming the row. */
export function checkJudge(judge: RuleJudge, { file, rows }: TaskRows): void {
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
