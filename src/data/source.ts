/** Where rows come from: a file, built-in rows by name, or a data set that a LlamaFactory dataset_info.json names. */
import { sha256 } from '../support/hash.ts';
import { isBuiltinSource, readBuiltinSource } from './builtin/source.ts';
import { openRecords, type RecordSource } from './files/open.ts';
import type { Batches } from './files/record.ts';
import type { Format } from './formats/format.ts';
import { isDatasetInfo, resolveDataset } from './formats/llama-factory.ts';

export interface Source extends Omit<RecordSource, 'container'> {
  /** The file that messages name. */
  readonly file: string;
  readonly container: RecordSource['container'] | 'builtin';
  /** Where something beside the file says what it is. */
  readonly format?: Format;
}

/** @param onBytes told of the bytes read, for progress */
export async function openSource(name: string, onBytes?: (bytes: number) => void): Promise<Source> {
  if (isBuiltinSource(name)) return builtin(name);
  if (!isDatasetInfo(name)) return { file: name, ...(await openRecords(name, onBytes)) };
  const { file, format } = await resolveDataset(name);
  return { file, format, ...(await openRecords(file, onBytes)) };
}

function builtin(name: string): Source {
  const rows = readBuiltinSource(name);
  async function* batches(): Batches {
    yield rows.map((value, at) => ({ row: at + 1, value }));
  }
  const hash = async () => sha256([JSON.stringify(rows)]);
  return { file: name, container: 'builtin', compressed: false, batches: batches(), sha256: hash };
}
