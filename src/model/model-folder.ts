/**
 * A base model, opened and checked: configuration and weights from a folder in Hugging Face layout. The
 * tokenizer in the same folder is read by text/. Engines take what is returned here.
 */
import { join } from 'node:path';
import { sha256 } from '../support/hash.ts';
import { parseJsonFile } from '../support/json.ts';
import { type DecoderConfig, parseDecoderConfig } from './config.ts';
import { cachedSha256 } from './weights/file-hash.ts';
import { type MappableWeights, mappableWeights } from './weights/float32-copy.ts';
import type { ModelOptions, ModelSource } from './weights/model-cache.ts';
import type { SafetensorsEntry } from './weights/safetensors.ts';
import { findWeights } from './weights/weight-files.ts';

export interface ModelFolder {
  /** Holds `config.json` and the tokenizer's files; the weights may lie elsewhere. */
  readonly path: string;
  readonly config: DecoderConfig;
  /** Every tensor the config implies; unless `as-they-are`, float32 at offsets that are multiples of four. */
  readonly weights: ReadonlyMap<string, SafetensorsEntry>;
  /** A hash over configuration and weights: equal ones give equal log-probs for equal tokens. */
  readonly identity: string;
  readonly source: ModelSource;
}

export interface FolderOptions extends ModelOptions {
  /** Where the folder's content came from; the folder itself by default. */
  readonly source?: ModelSource;
  /** Where the float32 copy of half-precision weights goes, made if missing, instead of the cache. */
  readonly float32Folder?: string;
  /** `as-they-are`: for an engine that reads the files itself, nothing is converted. */
  readonly weights?: 'mappable' | 'as-they-are';
}

/**
 * Opens a folder in Hugging Face layout. Half-precision weights are converted once into the cache.
 *
 * @throws UserError naming file and field, for anything missing, damaged or unsupported
 */
export async function openModelFolder(path: string, options: FolderOptions = {}): Promise<ModelFolder> {
  const configFile = join(path, 'config.json');
  const config = parseDecoderConfig(await parseJsonFile(configFile), configFile);
  const found = await findWeights(path, config);
  const hashes = new Map<string, string>();
  for (const { file } of found.values()) {
    if (!hashes.has(file)) hashes.set(file, await cachedSha256(file));
  }
  const source = options.source ?? { kind: 'folder', path };
  const asFound = { weights: found, hashes };
  const kept = options.weights === 'as-they-are' ? asFound : await mappableWeights(asFound, source, options);
  return { path, config, weights: kept.weights, identity: identityOf(config, kept), source };
}

function identityOf(config: DecoderConfig, { weights, hashes }: MappableWeights) {
  const places = [...weights].map(([name, { file, offset }]) => `${name} ${hashes.get(file)} ${offset}`);
  return sha256([JSON.stringify(config), ...places]);
}
