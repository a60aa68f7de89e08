/** Files of rows, read and checked: what `train`, `score`, `generate` and `data check` start from. */
import { DataError } from '../support/errors.ts';
import {
  type Parsed,
  parseConversationRow,
  parsePreferenceRow,
  parsePromptRow,
  type RowProblem,
} from './parse-row.ts';
import { type DataRecord, readRecords } from './records.ts';
import type { ConversationRow, PreferenceRow, PromptRow } from './row.ts';

export interface ReadOptions {
  /** `error`: the first invalid row throws; `skip`: invalid rows are left out and listed. */
  readonly invalidRows: 'error' | 'skip';
}

export interface SkippedRow extends RowProblem {
  /** Counted from 1. */
  readonly row: number;
  /** The line of a JSONL file, counted from 1. */
  readonly line?: number;
}

export interface RowsFile<Row> {
  readonly file: string;
  readonly rows: readonly Row[];
  readonly skipped: readonly SkippedRow[];
  /** Of the file's bytes. */
  readonly sha256: string;
}

/**
 * Reads preference rows. Broken JSON is an error under both settings of `invalidRows`.
 * @throws {UserError} if the file cannot be read, is broken, has no valid rows, or (under `error`) an
 *   invalid one; the message names file, row and field.
 */
export function readPreferenceRows(file: string, options: ReadOptions): Promise<RowsFile<PreferenceRow>> {
  return readRows(file, options, parsePreferenceRow);
}

/** As `readPreferenceRows`, for rows of which only the prompt is needed. */
export function readPromptRows(file: string, options: ReadOptions): Promise<RowsFile<PromptRow>> {
  return readRows(file, options, parsePromptRow);
}

/** As `readPreferenceRows`, for rows with one response. */
export function readConversationRows(file: string, options: ReadOptions): Promise<RowsFile<ConversationRow>> {
  return readRows(file, options, parseConversationRow);
}

async function readRows<Row>(
  file: string,
  { invalidRows }: ReadOptions,
  parse: (value: unknown, index: number) => Parsed<Row> | RowProblem,
): Promise<RowsFile<Row>> {
  const { records, sha256 } = await readRecords(file);
  const rows: Row[] = [];
  const skipped: SkippedRow[] = [];
  for (const record of records) {
    const result = parse(record.value, record.row - 1);
    if ('row' in result) rows.push(result.row);
    else skipped.push(skippedRow(record, result));
  }
  const first = skipped[0];
  if (first !== undefined && invalidRows === 'error') throw invalidRowsError(file, skipped);
  if (rows.length === 0) throw new DataError({ file }, `no valid rows: all ${skipped.length} are invalid`);
  return { file, rows, skipped, sha256 };
}

export function skippedRow({ row, line }: DataRecord, { field, problem }: RowProblem): SkippedRow {
  return { row, ...(line === undefined ? {} : { line }), field, problem };
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
