/** Feedback from files of other programs, record by record; a record that was imported before is not stored again. */
import { openRecords } from '../../../data/files/open.ts';
import type { DataRecord } from '../../../data/files/record.ts';
import { DataError, UserError } from '../../../support/errors.ts';
import { sha256 } from '../../../support/hash.ts';
import { didYouMean } from '../../../support/nearest-name.ts';
import { ApiError } from '../../api-error.ts';
import { parse } from '../../http/parse.ts';
import type { FeedbackStore } from '../feedback-store.ts';
import { feedbackRequestSchema } from '../request.ts';
import { argilla } from './argilla.ts';
import type { FeedbackImporter, Imported, ImportSettings } from './importer.ts';
import { langfuse } from './langfuse.ts';
import { openWebui } from './open-webui.ts';
import { own } from './own.ts';

/** Ours last: it takes whatever has an id. */
const IMPORTERS: readonly FeedbackImporter[] = [openWebui, langfuse, argilla, own];

export const importerNames: readonly string[] = IMPORTERS.map(({ name }) => name);

export interface ImportReport {
  readonly format: string;
  /** Rows of the file. One may hold several pieces of feedback, which are counted below. */
  readonly records: number;
  readonly stored: number;
  /** Stored by an earlier import. */
  readonly repeated: number;
  readonly left_out: number;
}

export interface ImportOptions {
  /** What the file is, instead of recognising it. */
  readonly from?: string;
  readonly settings?: ImportSettings;
  readonly onBytes?: (bytes: number) => void;
  /** Told of everything that is left out, and why. */
  readonly onLeftOut: (row: number, reason: string) => void;
}

/**
 * @throws {DataError} for a file of no known form, or with nothing in it that could be taken; {UserError} for one that
 *   cannot be read, a form that there is not, and a setting that reaches nothing in this form
 */
export async function importFeedback(
  file: string,
  feedback: FeedbackStore,
  { from, settings = {}, onBytes, onLeftOut }: ImportOptions,
): Promise<ImportReport> {
  let importer = from === undefined ? undefined : importerNamed(from);
  const { batches } = await openRecords(file, onBytes);
  const counts = { records: 0, stored: 0, repeated: 0, left_out: 0 };
  let first: { row: number; reason: string } | null = null;
  const leaveOut = (row: number, reason: string) => {
    counts.left_out++;
    first ??= { row, reason };
    onLeftOut(row, reason);
  };
  for await (const batch of batches) {
    if (counts.records === 0) {
      importer ??= importerOf(file, batch[0]);
      checkSettings(importer, settings);
    }
    const { name } = importer as FeedbackImporter;
    const pieces = batch.flatMap((record) =>
      piecesOf(record, importer as FeedbackImporter, settings).map((piece) => ({ row: record.row, piece })),
    );
    const results = await Promise.allSettled(pieces.map(({ piece }) => importOne(piece, name, feedback)));
    counts.records += batch.length;
    results.forEach((result, at) => {
      const { row } = pieces[at] as { row: number };
      if (result.status === 'fulfilled') counts[result.value]++;
      else if (result.reason instanceof ApiError) leaveOut(row, result.reason.message);
      else throw new Error(`importing ${name} failed`, { cause: result.reason });
    });
  }
  const report = { format: importer?.name ?? '', ...counts };
  if (first !== null && counts.stored + counts.repeated === 0) throw nothingIn(file, first, report);
  return report;
}

function nothingIn(file: string, first: { row: number; reason: string }, { format, left_out }: ImportReport) {
  const [, field, problem] = /^([\w.[\]-]+): (.*)$/s.exec(first.reason) ?? [];
  const count = left_out === 1 ? '' : ` (the first of ${left_out} reasons)`;
  const message = `${problem ?? first.reason}; nothing in the file could be taken as ${format}${count}`;
  return new DataError({ file, row: first.row, ...(field === undefined ? {} : { field }) }, message);
}

function importerNamed(name: string): FeedbackImporter {
  const found = IMPORTERS.find((one) => one.name === name);
  if (found) return found;
  const hint = didYouMean(name, importerNames);
  throw new UserError(`--from ${name}: no such format; there are ${importerNames.join(', ')}.${hint}`);
}

const FLAGS = { traces: '--traces', columns: '--columns', upFrom: '--up-from' } as const;

function checkSettings({ name, takes }: FeedbackImporter, settings: ImportSettings): void {
  const given = (Object.keys(FLAGS) as (keyof ImportSettings)[]).filter((one) => settings[one] !== undefined);
  const idle = given.find((one) => !takes.includes(one));
  if (idle !== undefined)
    throw new UserError(`${FLAGS[idle]}: reaches nothing in a file of ${name}; leave it out`);
}

function importerOf(file: string, first: DataRecord | undefined): FeedbackImporter {
  const importer = IMPORTERS.find((one) => one.recognises(first?.value));
  if (importer) return importer;
  const known = IMPORTERS.map(({ describes }) => describes).join('; ');
  throw new DataError({ file, row: 1 }, `not recognised as feedback; known are: ${known}`);
}

function piecesOf(
  { value, problem }: DataRecord,
  importer: FeedbackImporter,
  settings: ImportSettings,
): readonly (Imported | string)[] {
  return problem ? [problem.problem] : importer.read(value, settings);
}

/** @throws {ApiError} saying why it is left out */
async function importOne(
  piece: Imported | string,
  importer: string,
  feedback: FeedbackStore,
): Promise<'stored' | 'repeated'> {
  if (typeof piece === 'string') throw new ApiError(400, piece);
  const request = parse(feedbackRequestSchema, piece.request);
  // Ids of other programs may be of any length and characters.
  const key = sha256([importer, piece.id]);
  try {
    const { repeated } = await feedback.add(request, `import:${importer}`, key);
    return repeated ? 'repeated' : 'stored';
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'idempotency_key_reused') throw error;
    throw new ApiError(409, 'it has changed since it was imported; what was stored then stays');
  }
}
