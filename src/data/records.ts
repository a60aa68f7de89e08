/** A file as a list of raw records, whatever they hold, for what is no preference data: predictions to score. */
import { DataError } from '../support/errors.ts';
import type { DataRecord } from './files/record.ts';
import { openSource } from './source.ts';

/** @throws {UserError} for a file that cannot be read or is broken, {DataError} for one that holds no records. */
export async function readRecords(file: string): Promise<readonly DataRecord[]> {
  const records: DataRecord[] = [];
  const { batches } = await openSource(file);
  for await (const batch of batches) {
    for (const record of batch) {
      if (record.problem)
        throw new DataError({ file, row: record.row, field: record.problem.field }, record.problem.problem);
      records.push(record);
    }
  }
  return records;
}
