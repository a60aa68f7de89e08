/** `--traces`: what Langfuse's scores are about, from its tables of traces and observations, or from its API. */
import * as z from 'zod';
import { openRecords } from '../../../data/files/open.ts';
import { DataError } from '../../../support/errors.ts';
import type { Exchange } from './importer.ts';
import { exchangeOf } from './langfuse-exchange.ts';

const row = z.looseObject({ id: z.string().min(1) });

/**
 * By id, of all files; they stay in memory.
 * @throws {DataError} for a record without an id, input or output, or a file that is no records
 */
export async function readTraces(
  files: readonly string[],
  onBytes: (bytes: number) => void,
): Promise<ReadonlyMap<string, Exchange>> {
  const exchanges = new Map<string, Exchange>();
  for (const file of files) {
    const { batches } = await openRecords(file, onBytes);
    for await (const batch of batches) {
      for (const { value, problem, row: number } of batch) {
        const where = { file, row: number };
        if (problem) throw new DataError(where, problem.problem);
        const parsed = row.safeParse(value);
        if (!parsed.success)
          throw new DataError({ ...where, field: 'id' }, 'missing; expected the id of a trace');
        for (const field of ['input', 'output']) {
          if (!(field in parsed.data))
            throw new DataError({ ...where, field }, 'missing; is this a table of traces?');
        }
        exchanges.set(parsed.data.id, exchangeOf(parsed.data));
      }
    }
  }
  return exchanges;
}
