/**
 * Parquet, a row group at a time. The library believes what a file says, and a damaged one can say that it holds
 * billions of values: it works in a thread of its own with a limit on memory, whose end is an error and not the
 * program's.
 */
import { stat } from 'node:fs/promises';
import { DataError } from '../../support/errors.ts';
import { ParquetThread, type RowGroup } from './parquet-thread.ts';
import type { Batches } from './record.ts';

export const PARQUET_MAGIC = Buffer.from('PAR1');

/** What the thread may take, in MB, beside so many times what the largest row group says it unpacks to. */
const LEAST_MEMORY = 256;
const MEMORY_FACTOR = 4;
const MEGABYTE = 2 ** 20;
/** In MB; row groups are held whole. */
const LARGEST_GROUP = 1024;

/**
 * `onBytes` is told of a row's share of the file with every row.
 * @throws {DataError} for a file that is damaged, or whose row groups are too large to hold.
 */
export async function* readParquet(file: string, onBytes: (bytes: number) => void): Batches {
  const groups = await groupsOf(file);
  const bytesOfRow = (await stat(file)).size / groups.reduce((sum, { rows }) => sum + rows, 0);
  const largest = groups.reduce((most, { bytes }) => Math.max(most, bytes), 0) / MEGABYTE;
  if (largest > LARGEST_GROUP) {
    const problem = `a row group of ${Math.ceil(largest)} MB, unpacked; at most ${LARGEST_GROUP} MB`;
    throw new DataError({ file }, `${problem}, write it with smaller ones`);
  }
  const thread = new ParquetThread(file, LEAST_MEMORY + Math.ceil(largest * MEMORY_FACTOR));
  let row = 0;
  try {
    for (const [at, group] of groups.entries()) {
      for (let from = 0; from < group.rows; ) {
        const values = await thread.rows(at, from);
        if (values.length === 0)
          throw new DataError({ file }, 'the Parquet file is damaged: rows are missing');
        const first = row + 1;
        yield values.map((value, offset) => ({ row: first + offset, value }));
        row += values.length;
        onBytes(bytesOfRow * values.length);
        from += values.length;
      }
    }
  } finally {
    await thread.end();
  }
}

async function groupsOf(file: string): Promise<readonly RowGroup[]> {
  const thread = new ParquetThread(file, LEAST_MEMORY);
  try {
    return await thread.groups();
  } finally {
    await thread.end();
  }
}
