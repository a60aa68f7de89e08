/** Feedback from files of other programs, record by record; a record that was imported before is not stored again. */
import { openRecords } from '../../../data/files/open.ts';
import type { DataRecord } from '../../../data/files/record.ts';
import { DataError } from '../../../support/errors.ts';
import { sha256 } from '../../../support/hash.ts';
import { ApiError } from '../../api-error.ts';
import { parse } from '../../http/parse.ts';
import type { FeedbackStore } from '../feedback-store.ts';
import { feedbackRequestSchema } from '../request.ts';
import type { FeedbackImporter } from './importer.ts';
import { openWebui } from './open-webui.ts';
import { own } from './own.ts';

const IMPORTERS: readonly FeedbackImporter[] = [openWebui, own];

export interface ImportReport {
  readonly format: string;
  readonly records: number;
  readonly stored: number;
  /** Stored by an earlier import. */
  readonly repeated: number;
  readonly left_out: number;
}

export interface ImportOptions {
  readonly onBytes?: (bytes: number) => void;
  /** Told of every record that is left out, and why. */
  readonly onLeftOut: (row: number, reason: string) => void;
}

/** @throws {DataError} for a file of no known form; {UserError} for one that cannot be read */
export async function importFeedback(
  file: string,
  feedback: FeedbackStore,
  { onBytes, onLeftOut }: ImportOptions,
): Promise<ImportReport> {
  const { batches } = await openRecords(file, onBytes);
  let importer: FeedbackImporter | undefined;
  const counts = { records: 0, stored: 0, repeated: 0, left_out: 0 };
  for await (const batch of batches) {
    importer ??= importerOf(file, batch[0]);
    const { name } = importer;
    const results = await Promise.allSettled(batch.map((record) => importOne(record, importer!, feedback)));
    results.forEach((result, at) => {
      counts.records++;
      if (result.status === 'fulfilled') counts[result.value]++;
      else if (result.reason instanceof ApiError) {
        counts.left_out++;
        onLeftOut(batch[at]!.row, result.reason.message);
      } else throw new Error(`importing ${name} failed`, { cause: result.reason });
    });
  }
  return { format: importer?.name ?? '', ...counts };
}

function importerOf(file: string, first: DataRecord | undefined): FeedbackImporter {
  const importer = IMPORTERS.find((one) => one.recognises(first?.value));
  if (importer) return importer;
  const known = IMPORTERS.map(({ describes }) => describes).join('; ');
  throw new DataError({ file, row: 1 }, `not recognised as feedback; known are: ${known}`);
}

/** @throws {ApiError} saying why the record is left out */
async function importOne(
  { value, problem }: DataRecord,
  importer: FeedbackImporter,
  feedback: FeedbackStore,
): Promise<'stored' | 'repeated'> {
  if (problem) throw new ApiError(400, problem.problem);
  const read = importer.read(value);
  if (typeof read === 'string') throw new ApiError(400, read);
  const request = parse(feedbackRequestSchema, read.request);
  // Ids of other programs may be of any length and characters.
  const key = sha256([importer.name, read.id]);
  try {
    const { repeated } = await feedback.add(request, `import:${importer.name}`, key);
    return repeated ? 'repeated' : 'stored';
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'idempotency_key_reused') throw error;
    throw new ApiError(409, 'it has changed since it was imported; what was stored then stays');
  }
}
