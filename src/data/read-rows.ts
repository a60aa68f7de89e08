/** Files of rows, read whole and checked: what `train`, `score` and `generate` start from. */
import { DataError } from '../support/errors.ts';
import { isProblem } from './invalid-row.ts';
import type { ConversationRow, PreferenceRow, PromptRow } from './row.ts';
import {
  openConversationRows,
  openPreferenceRows,
  openPromptRows,
  type RowStream,
  readingNotes,
  type SkippedRow,
} from './row-stream.ts';

export interface ReadOptions {
  /** `error`: the first invalid row throws; `skip`: invalid rows are left out and listed. */
  readonly invalidRows: 'error' | 'skip';
}

export interface RowsFile<Row> {
  readonly file: string;
  readonly rows: readonly Row[];
  readonly skipped: readonly SkippedRow[];
  /** Of the file's bytes. */
  readonly sha256: string;
  /** What to tell about how it was read: its shape, where it is not our own; answers that make no pair. */
  readonly notes: readonly string[];
}

/**
 * Reads preference rows of any shape that is recognised. A broken file is an error under both settings of
 * `invalidRows`.
 * @throws {UserError} if the file cannot be read, is broken, has no valid rows, or (under `error`) an
 *   invalid one; the message names file, row and field.
 */
export async function readPreferenceRows(
  file: string,
  options: ReadOptions,
): Promise<RowsFile<PreferenceRow>> {
  return readRows(await openPreferenceRows(file), options);
}

/** As `readPreferenceRows`, for rows of which only the prompt is needed. */
export async function readPromptRows(file: string, options: ReadOptions): Promise<RowsFile<PromptRow>> {
  return readRows(await openPromptRows(file), options);
}

/** As `readPreferenceRows`, for rows with one response. */
export async function readConversationRows(
  file: string,
  options: ReadOptions,
): Promise<RowsFile<ConversationRow>> {
  return readRows(await openConversationRows(file), options);
}

async function readRows<Row>(stream: RowStream<Row>, { invalidRows }: ReadOptions): Promise<RowsFile<Row>> {
  const { file } = stream;
  const rows: Row[] = [];
  const skipped: SkippedRow[] = [];
  for await (const batch of stream.results) {
    for (const result of batch) {
      if (isProblem(result)) skipped.push(result);
      else rows.push(result.row);
    }
  }
  if (skipped.length > 0 && invalidRows === 'error') throw invalidRowsError(file, skipped);
  if (rows.length === 0) throw noValidRows(file, stream, skipped.length);
  return { file, rows, skipped, sha256: await stream.sha256(), notes: readingNotes(stream) };
}

/** The error for a file that gives no row at all. */
export function noValidRows(file: string, stream: RowStream<unknown>, invalid: number): DataError {
  const { records } = stream.summary();
  if (invalid === records) return new DataError({ file }, `no valid rows: all ${invalid} are invalid`);
  const notes = readingNotes(stream).map((note) => note.replace(`${file}: `, ''));
  return new DataError({ file }, `no rows come of its ${records} records: ${notes.join('; ')}`);
}

/** The error for a list of at least one invalid row: the first in full, the others counted. */
export function invalidRowsError(file: string, invalid: readonly SkippedRow[]): DataError {
  const [first, ...others] = invalid;
  if (first === undefined) throw new RangeError('expected at least one invalid row');
  const { problem, field, ...where } = first;
  const more = others.length === 0 ? '' : ` (and ${others.length} more invalid rows)`;
  const hint = '; invalid rows can be left out with --invalid-rows skip (invalid_rows: skip in a config)';
  return new DataError({ file, ...where, ...(field === '' ? {} : { field }) }, `${problem}${more}${hint}`);
}
