/**
 * Finds a model folder's weights: one `model.safetensors`, or shards listed by an index. Gives each
 * tensor's place, checked against what the config expects.
 */
import { existsSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, UserError } from '../../support/errors.ts';
import { fileError } from '../../support/file-error.ts';
import { parseJsonFile } from '../../support/json.ts';
import type { DecoderConfig } from '../config.ts';
import { takeExpected } from './expected-tensors.ts';
import { readSafetensorsHeader, type SafetensorsEntry } from './safetensors.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

/**
 * The tensors `config` needs, by name, in the model's order. Their files are named without links: a
 * download cache keeps a model as a folder of links, and the runtime maps nothing that a link leads to.
 *
 * @throws UserError for no weights, a damaged file, or a missing or ill-shaped tensor, by name
 */
export async function findWeights(
  folder: string,
  config: DecoderConfig,
): Promise<Map<string, SafetensorsEntry>> {
  return withoutLinks(takeExpected(config, await readEntries(folder), folder));
}

async function withoutLinks(
  weights: ReadonlyMap<string, SafetensorsEntry>,
): Promise<Map<string, SafetensorsEntry>> {
  const files = new Map<string, string>();
  for (const { file } of weights.values()) {
    if (!files.has(file)) files.set(file, await realpath(file));
  }
  return new Map([...weights].map(([name, entry]) => [name, { ...entry, file: files.get(entry.file)! }]));
}

async function readEntries(folder: string): Promise<Map<string, SafetensorsEntry>> {
  if (existsSync(join(folder, SINGLE_FILE))) {
    return new Map(readSafetensorsHeader(join(folder, SINGLE_FILE)).entries);
  }
  const index = join(folder, INDEX_FILE);
  if (!existsSync(index)) return refuseFolder(folder);
  const places = await readShardIndex(index);
  const headers = new Map<string, ReadonlyMap<string, SafetensorsEntry>>();
  for (const shard of new Set(places.values())) {
    headers.set(shard, readSafetensorsHeader(join(folder, shard)).entries);
  }
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, shard] of places) {
    const entry = headers.get(shard)?.get(name);
    if (entry === undefined)
      throw new DataError({ file: index, field: name }, `"${shard}" holds no such tensor`);
    entries.set(name, entry);
  }
  return entries;
}

/**
 * The map from tensor to shard in an index file. A shard's name can't lead out of the folder.
 *
 * @throws DataError naming the file and the entry at fault
 */
export async function readShardIndex(file: string): Promise<Map<string, string>> {
  const json = await parseJsonFile(file);
  const map = typeof json === 'object' && json !== null && 'weight_map' in json ? json.weight_map : undefined;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new DataError({ file, field: 'weight_map' }, 'expected an object from tensor to file name');
  }
  return new Map(
    Object.entries(map).map(([name, shard]): [string, string] => {
      if (typeof shard !== 'string' || !/^[\w-][\w.-]*\.safetensors$/.test(shard)) {
        throw new DataError(
          { file, field: `weight_map.${name}` },
          `${JSON.stringify(shard)}; expected the name of a .safetensors file in the same folder`,
        );
      }
      return [name, shard];
    }),
  );
}

async function refuseFolder(folder: string): Promise<never> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw fileError(error, folder, 'read');
  }
  const others = names.filter((name) => /\.(bin|pt|pth|gguf|safetensors|h5|msgpack)$/.test(name)).slice(0, 5);
  throw new UserError(
    `${folder}: holds neither ${SINGLE_FILE} nor ${INDEX_FILE}` +
      (others.length > 0 ? `; other files that may be weights: ${others.join(', ')}` : ''),
  );
}
