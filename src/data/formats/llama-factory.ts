/**
 * LlamaFactory's dataset_info.json: which file a data set is, which shape, and under which names. A data set is
 * named `path/dataset_info.json#NAME`. Only sets for preferences (`ranking: true`) and thumbs (`kto_tag`) are rows.
 * [LlamaFactory, data/README.md; src/llamafactory/data/parser.py]
 */
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import * as z from 'zod';
import { DataError } from '../../support/errors.ts';
import { parseJsonFile } from '../../support/json.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { alpacaFormat } from './alpaca.ts';
import type { Format } from './format.ts';
import { sharegptFormat, usualTags } from './sharegpt.ts';
import { unpaired } from './unpaired.ts';

const NAME = 'dataset_info.json';

const names = z.record(z.string(), z.string().nullish());
const entrySchema = z.looseObject({
  file_name: z.string().optional(),
  formatting: z.enum(['alpaca', 'sharegpt']).default('alpaca'),
  ranking: z.boolean().default(false),
  columns: names.default({}),
  tags: names.default({}),
});
type Entry = z.infer<typeof entrySchema>;

/** `path/dataset_info.json`, with or without `#NAME`. */
export function isDatasetInfo(source: string): boolean {
  return basename(source.split('#', 1)[0] ?? '') === NAME;
}

/** @throws {DataError} for an unknown name, and for a set that cannot be read as preferences. */
export async function resolveDataset(source: string): Promise<{ file: string; format: Format }> {
  const [path = '', ...rest] = source.split('#');
  const info = await parseJsonFile(path);
  if (typeof info !== 'object' || info === null || Array.isArray(info)) {
    throw new DataError({ file: path }, 'expected an object of data sets by name');
  }
  const known = Object.keys(info);
  const name = rest.length > 0 ? rest.join('#') : known.length === 1 ? (known[0] as string) : undefined;
  if (name === undefined || !Object.hasOwn(info, name)) {
    const asked = name === undefined ? 'say which data set' : `no data set "${name}"`;
    const hint = name === undefined ? '' : didYouMean(name, known);
    throw new DataError(
      { file: path },
      `${asked}: ${NAME}#NAME, where NAME is one of ${known.join(', ')}.${hint}`,
    );
  }
  const parsed = entrySchema.safeParse((info as Record<string, unknown>)[name]);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new DataError(
      { file: path, field: [name, ...(issue?.path ?? [])].join('.') },
      issue?.message ?? 'invalid',
    );
  }
  return { file: fileOf(parsed.data, path, name), format: formatOf(parsed.data, path, name) };
}

function fileOf({ file_name }: Entry, path: string, name: string): string {
  const field = `${name}.file_name`;
  if (file_name === undefined) {
    throw new DataError(
      { file: path, field },
      'missing; only data sets that are files can be read, download it first',
    );
  }
  const inside = normalize(file_name);
  if (isAbsolute(inside) || inside === '..' || inside.startsWith('..')) {
    throw new DataError({ file: path, field }, `it leads out of the folder of ${NAME}`);
  }
  return join(dirname(path), inside);
}

function formatOf(entry: Entry, path: string, name: string): Format {
  const column = (key: string, usual?: string) => entry.columns[key] ?? usual;
  const optional = (key: string) => (column(key) === undefined ? {} : { [key]: column(key) as string });
  if (!entry.ranking) {
    if (column('kto_tag') === 'kto_tag' || column('kto_tag') === 'label') return unpaired;
    throw new DataError(
      { file: path, field: `${name}.ranking` },
      'not true; expected a data set of preferences',
    );
  }
  const answers = {
    chosen: column('chosen', 'chosen') as string,
    rejected: column('rejected', 'rejected') as string,
  };
  if (entry.formatting === 'alpaca') {
    const prompt = column('prompt', 'instruction') as string;
    // With columns named, those not named are absent; the input has its usual name only where nothing is named.
    const query = Object.keys(entry.columns).length === 0 ? { query: 'input' } : optional('query');
    return alpacaFormat({ prompt, ...query, ...optional('system'), ...optional('history'), ...answers });
  }
  const tags = Object.fromEntries(Object.entries(entry.tags).filter(([, tag]) => typeof tag === 'string'));
  const messages = column('messages', 'conversations') as string;
  return sharegptFormat({ messages, ...optional('system'), ...answers }, { ...usualTags, ...tags });
}
