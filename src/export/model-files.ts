/** What a model folder holds beside its weights, taken over into the folder of a merged model. */
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FloatFormat } from '../model/weights/float-formats.ts';
import { writeJsonFile } from '../support/atomic-file.ts';
import { DataError } from '../support/errors.ts';
import { fileError } from '../support/file-error.ts';
import { parseJsonFile } from '../support/json.ts';

/** Tokenizer, template, generation settings, and the licence, which goes where the weights go. */
const COPIED =
  /^(generation_config\.json|tokenizer[\w.-]*\.json|tokenizer\.model|special_tokens_map\.json|added_tokens\.json|vocab\.json|merges\.txt|chat_template\.(jinja|json)|(LICENSE|NOTICE)[\w.-]*)$/i;

const GENERATION_CONFIG = 'generation_config.json';

/**
 * Writes everything but weights into `to`. Where the base has no `generation_config.json`, one is written that says
 * what `config.json` says of special tokens: transformers then ends answers where they end here.
 *
 * @throws {UserError} naming the file that cannot be read or written
 */
export async function writeModelFiles(from: string, to: string, format: FloatFormat): Promise<void> {
  const config = await readConfig(from);
  await writeJsonFile(join(to, 'config.json'), withFormat(config, format));
  const names = (await listFolder(from)).filter((name) => COPIED.test(name));
  for (const name of names) await copy(join(from, name), join(to, name));
  if (!names.includes(GENERATION_CONFIG)) {
    await writeJsonFile(join(to, GENERATION_CONFIG), specialTokens(config));
  }
}

/** The format a base's `config.json` names, where it is one that can be written. */
export async function formatOfConfig(folder: string): Promise<unknown> {
  const config = await readConfig(folder);
  return config['dtype'] ?? config['torch_dtype'];
}

async function readConfig(folder: string): Promise<Record<string, unknown>> {
  const file = join(folder, 'config.json');
  const config = await parseJsonFile(file);
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return { ...config };
  throw new DataError({ file }, 'expected an object');
}

/** Under the name the base's file uses; older releases of transformers know `torch_dtype` alone. */
function withFormat(config: Record<string, unknown>, format: FloatFormat): Record<string, unknown> {
  return { ...config, ['dtype' in config ? 'dtype' : 'torch_dtype']: format };
}

function specialTokens(config: Record<string, unknown>): Record<string, unknown> {
  const names = ['bos_token_id', 'eos_token_id', 'pad_token_id'];
  return Object.fromEntries(names.flatMap((name) => (config[name] == null ? [] : [[name, config[name]]])));
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    throw fileError(error, folder, 'read');
  }
}

async function copy(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    throw fileError(error, to, 'write');
  }
}
