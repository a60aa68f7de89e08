/** What every reader of files makes: raw records, in order, a batch at a time. */
import { isUtf8 } from 'node:buffer';
import { DataError, type DataLocation } from '../../support/errors.ts';
import type { RowProblem } from '../invalid-row.ts';

export interface DataRecord {
  /** Counted from 1; blank lines of a JSONL or CSV file are no rows. */
  readonly row: number;
  /** The line in a JSONL or CSV file, counted from 1. */
  readonly line?: number;
  readonly value: unknown;
  /** Wrong with the record itself, whatever is asked of its fields: a name given twice, a ragged line. */
  readonly problem?: RowProblem;
}

export type Batches = AsyncGenerator<readonly DataRecord[]>;

/** No row of text is longer: past this a quote or bracket was never closed, or the file is something else. */
export const LONGEST_RECORD = 64 * 2 ** 20;

/** @throws {DataError} at `where`. */
export function tooLong(where: DataLocation): never {
  const problem = `the row is longer than ${LONGEST_RECORD / 2 ** 20} MB, or something in it is never closed`;
  throw new DataError(where, problem);
}

/** Wrong bytes would become U+FFFD without a word, and a model would be trained on them. */
export function decodeUtf8(bytes: Buffer, where: DataLocation): string {
  if (!isUtf8(bytes)) throw new DataError(where, 'not UTF-8 text');
  return bytes.toString('utf8');
}
