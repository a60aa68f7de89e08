/**
 * The first step of the data's way: a file becomes raw records, a batch at a time, so that it may be larger than
 * memory. What a record must hold is decided further on.
 */
import { DataError } from '../../support/errors.ts';
import { sha256File } from '../../support/hash.ts';
import { openBytes } from './bytes.ts';
import { readCsv } from './csv.ts';
import { readJsonArray } from './json-array.ts';
import { readJsonLines } from './json-lines.ts';
import { PARQUET_MAGIC, readParquet } from './parquet.ts';
import type { Batches } from './record.ts';

export type Container = 'json' | 'jsonl' | 'csv' | 'parquet';

export interface RecordSource {
  readonly container: Container;
  /** gzip, for the text ones. */
  readonly compressed: boolean;
  /** To be gone through once. */
  readonly batches: Batches;
  /** Of the file's bytes; known once `batches` has ended. */
  sha256(): Promise<string>;
}

const SHAPE =
  'expected a JSON array of rows, JSONL with one row (a JSON object) per line, CSV with a line of names, or Parquet';

/**
 * Opens a JSON array, JSONL, CSV or Parquet file; the text ones may be gzip archives, and a byte order mark is
 * passed over. `onBytes` is told of the bytes read.
 * @throws {UserError} here or in `batches`: a file that cannot be read; {DataError}: one that is not UTF-8, is
 *   broken (with row, and the line where there are lines), or holds no rows.
 */
export async function openRecords(
  file: string,
  onBytes: (bytes: number) => void = () => {},
): Promise<RecordSource> {
  const bytes = await openBytes(file, onBytes);
  const { head, compressed } = bytes;
  if (head.subarray(0, 4).equals(PARQUET_MAGIC)) {
    await bytes.chunks().return(undefined);
    if (compressed) throw new DataError({ file }, 'Parquet inside a gzip archive; unpack it first');
    return source('parquet', false, readParquet(file, onBytes), () => sha256File(file));
  }
  const text = head.toString('utf8').replace(/^\ufeff/, '');
  const start = text.match(/\S/)?.[0];
  if (start === undefined) throw new DataError({ file }, `the file is empty; ${SHAPE}`);
  const sha256 = async () => bytes.sha256();
  const chunks = withoutByteOrderMark(bytes.chunks());
  if (start === '[') return source('json', compressed, readJsonArray(chunks, file), sha256);
  if (start !== '{' && !/\.(json|jsonl|ndjson)(\.gz)?$/i.test(file)) {
    return source('csv', compressed, readCsv(chunks, head, file), sha256);
  }
  return source('jsonl', compressed, readJsonLines(chunks, file, SHAPE), sha256);

  function source(container: Container, packed: boolean, batches: Batches, hash: () => Promise<string>) {
    return { container, compressed: packed, batches: withRows(batches, file), sha256: hash };
  }
}

async function* withRows(batches: Batches, file: string): Batches {
  let any = false;
  for await (const batch of batches) {
    any ||= batch.length > 0;
    yield batch;
  }
  if (!any) throw new DataError({ file }, `no rows; ${SHAPE}`);
}

async function* withoutByteOrderMark(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of chunks) {
    yield first && chunk.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? chunk.subarray(3) : chunk;
    first = false;
  }
}
