/** Which shape a file's rows have, told from its first records: one, or an error that names the candidates. */
import { DataError } from '../../support/errors.ts';
import type { DataRecord } from '../files/record.ts';
import { importers } from '../import/index.ts';
import { type Fields, isObject } from '../invalid-row.ts';
import type { Format } from './format.ts';
import { formats } from './index.ts';
import { preference } from './preference.ts';

export interface Recognition {
  readonly format: Format;
  readonly reason: string;
}

/** So many records are looked at. */
export const SAMPLE = 100;

const FORCE = 'lifealign data convert FILE --format NAME --output ROWS.jsonl';
const OWN = ['prompt', 'query', 'chosen', 'rejected'];

/**
 * Records that fit no shape say nothing: they are invalid rows of whatever the others are. Where none says
 * anything, they are read as our own rows, whose messages tell what is missing.
 * @throws {DataError} where records fit two shapes, where they differ in shape, and where no field is known.
 */
export function recognise(file: string, sample: readonly DataRecord[]): Recognition {
  const candidates = new Map<string, Recognition & { row: number }>();
  for (const { row, value } of sample) {
    if (!isObject(value)) continue;
    const fitting = formats.flatMap((format) => {
      const reason = format.recognise?.(value);
      return reason === undefined ? [] : [{ format, reason, row }];
    });
    if (fitting.length > 1) refuse(file, row, 'could be either of', fitting);
    for (const one of fitting) if (!candidates.has(one.format.name)) candidates.set(one.format.name, one);
  }
  const [found, other] = candidates.values();
  if (other !== undefined) refuse(file, other.row, 'the file holds rows of', [...candidates.values()]);
  if (found !== undefined) return { format: found.format, reason: found.reason };
  checkKnownFields(file, sample);
  return { format: preference, reason: 'nothing else was recognised' };
}

function refuse(file: string, row: number, what: string, candidates: readonly Recognition[]): never {
  const named = candidates.map(({ format, reason }) => `${format.name} (${reason})`);
  throw new DataError({ file, row }, `${what} ${named.join(', ')}; say which: ${FORCE}`);
}

function checkKnownFields(file: string, sample: readonly DataRecord[]): void {
  const rows = sample.map(({ value }) => value).filter(isObject);
  const names = new Set(rows.flatMap((fields) => Object.keys(fields)));
  if (names.size === 0 || OWN.some((name) => names.has(name))) return;
  const published = publishedAs(rows);
  const fields = `its rows have the fields ${[...names]
    .slice(0, 12)
    .map((name) => JSON.stringify(name))
    .join(', ')}`;
  const known = formats.map((format) => format.name).join(', ');
  const advice =
    published === undefined
      ? `expected {prompt or query, chosen, rejected} or one of ${known}; columns can be renamed: lifealign data convert FILE --columns prompt=NAME,...`
      : `they look like ${published}; lifealign data import ${published} FILE --output ROWS.jsonl makes rows of it`;
  throw new DataError({ file }, `no format was recognised: ${fields}; ${advice}`);
}

function publishedAs(rows: readonly Fields[]): string | undefined {
  return importers.find((importer) => rows.some((fields) => importer.recognise(fields)))?.name;
}
