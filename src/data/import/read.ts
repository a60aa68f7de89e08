/** Published files of a data set as checked rows, one after another. */
import { DataError } from '../../support/errors.ts';
import { openRecords } from '../files/open.ts';
import { caught, type Fields, InvalidRow, isObject, isProblem } from '../invalid-row.ts';
import { parsePreferenceRow } from '../parse-row.ts';
import type { PreferenceRow } from '../row.ts';
import { type RowResult, skippedRow } from '../row-stream.ts';
import type { Form, Importer } from './importer.ts';

/** @throws {UserError} for a file that cannot be read, is broken, or is of another data set. */
export async function* readPublished(
  importer: Importer,
  files: readonly string[],
  form: Form,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<readonly RowResult<PreferenceRow>[]> {
  for (const file of files) {
    const { batches } = await openRecords(file, onBytes);
    let known = false;
    for await (const batch of batches) {
      known ||= batch.some(({ value }) => isObject(value) && importer.recognise(value));
      if (!known) throw otherDataSet(importer, file, batch[0]?.value);
      yield batch.map((record) => {
        const raw = record.problem ?? caught(() => importer.row(fieldsOf(record.value), form));
        const found = isProblem(raw) ? raw : parsePreferenceRow(raw, record.row - 1);
        return isProblem(found) ? skippedRow(record, found) : found;
      });
    }
  }
}

function fieldsOf(value: unknown): Fields {
  if (isObject(value)) return value;
  throw new InvalidRow('', 'expected an object');
}

function otherDataSet({ name, hub, description }: Importer, file: string, first: unknown): DataError {
  const found = isObject(first)
    ? `its rows have the fields ${Object.keys(first).join(', ')}`
    : 'its rows are no objects';
  return new DataError({ file }, `not as ${hub} publishes it: ${found}; ${name} reads ${description}`);
}
