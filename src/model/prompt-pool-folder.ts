/**
 * Prompt pools on disk: `prompt_pool.json`, the settings, and `prompt_pool.safetensors`, the vectors. PEFT has no
 * such thing: its prompt tuning puts the same prompt in front of everything.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { makeFolder, writeFileAtomic } from '../support/atomic-file.ts';
import { DataError, UserError } from '../support/errors.ts';
import { parseJsonFile } from '../support/json.ts';
import { type PromptPool, type PromptPoolSettings, SOFT_PROMPTS } from './adapter.ts';
import { precisionMetadata, precisionsOf, type TrainedOver } from './base-precision.ts';
import { readSafetensorsHeader, readTensor, writeSafetensors } from './weights/safetensors.ts';

const CONFIG_FILE = 'prompt_pool.json';
const WEIGHTS_FILE = 'prompt_pool.safetensors';
const FORMAT = 'lifealign prompt pool 1';

const count = z.int().positive();
const schema = z.strictObject({
  format: z.literal(FORMAT),
  base_model_name_or_path: z.string().nullable(),
  pool_size: count,
  prompt_length: count,
  top_k: count,
});

/** A pool from a file, with what the file says it was trained on. */
export interface SavedPromptPool extends PromptPool, TrainedOver {
  readonly baseModel: string | null;
}

export function isPromptPoolFolder(folder: string): boolean {
  return existsSync(join(folder, CONFIG_FILE));
}

/** The settings under the names that files and configs have for them. */
export function promptPoolKeys({ poolSize, promptLength, topK }: PromptPoolSettings) {
  return { pool_size: poolSize, prompt_length: promptLength, top_k: topK };
}

/**
 * @throws {UserError} naming file and field or tensor: what is missing, another format, a shape that contradicts
 *   the settings, values that are not finite.
 */
export async function readPromptPool(folder: string): Promise<SavedPromptPool> {
  const configFile = join(folder, CONFIG_FILE);
  const parsed = schema.safeParse(await parseJsonFile(configFile));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue!.path.join('.');
    throw new DataError({ file: configFile, ...(field === '' ? {} : { field }) }, issue!.message);
  }
  const { pool_size: poolSize, prompt_length: promptLength, top_k: topK } = parsed.data;
  if (topK > poolSize) {
    const problem = `${topK}, more than the pool's ${poolSize} prompts`;
    throw new DataError({ file: configFile, field: 'top_k' }, problem);
  }
  const file = join(folder, WEIGHTS_FILE);
  const { entries, metadata } = readSafetensorsHeader(file);
  const entry = entries.get(SOFT_PROMPTS);
  if (!entry) throw new UserError(`${file}: tensor "${SOFT_PROMPTS}" is missing`);
  const [rows, columns = 0, ...more] = entry.shape;
  if (rows !== poolSize * promptLength || columns === 0 || more.length > 0) {
    const found = `tensor "${SOFT_PROMPTS}" has the shape [${entry.shape.join(', ')}]`;
    throw new UserError(`${file}: ${found}; expected ${poolSize} · ${promptLength} rows`);
  }
  const data = readTensor(entry);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    throw new UserError(`${file}: tensor "${SOFT_PROMPTS}" has a value that is not finite at index ${bad}`);
  }
  return {
    settings: { poolSize, promptLength, topK },
    tensors: new Map([[SOFT_PROMPTS, { shape: [rows, columns], data }]]),
    baseModel: parsed.data.base_model_name_or_path,
    ...precisionsOf(metadata),
  };
}

interface PromptPoolWriteOptions {
  readonly baseModel?: string | null;
  readonly basePrecisions?: readonly string[] | undefined;
}

/** Into a folder, made if missing; the same pool gives the same bytes. */
export async function writePromptPool(
  folder: string,
  { settings, tensors }: PromptPool,
  { baseModel = null, basePrecisions }: PromptPoolWriteOptions = {},
): Promise<void> {
  await makeFolder(folder);
  const config = { format: FORMAT, base_model_name_or_path: baseModel, ...promptPoolKeys(settings) };
  const vectors = Array.from(tensors, ([name, { shape, data }]) => ({ name, shape, data }));
  await writeSafetensors(join(folder, WEIGHTS_FILE), vectors, precisionMetadata(basePrecisions));
  await writeFileAtomic(join(folder, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
}
