/** Which tokens end an answer, as the model's folder says. */
import { join } from 'node:path';
import * as z from 'zod';
import { DataError } from '../support/errors.ts';
import { parseJson } from '../support/json.ts';
import { readTextIfThere } from './model-folder.ts';
import type { Tokenizer } from './tokenizer.ts';

const endTokens = z.object({ eos_token_id: z.union([z.int(), z.array(z.int())]).nullish() });

/**
 * The tokenizer's end-of-sequence token, which responses are trained to end with, and `eos_token_id` of
 * `generation_config.json` or, where there is no such file, of `config.json`; ascending.
 * @throws {DataError} naming the file, if one is broken
 */
export async function readEndTokens(folder: string, tokenizer: Tokenizer): Promise<readonly number[]> {
  const found = new Set([tokenizer.eosTokenId]);
  for (const name of ['generation_config.json', 'config.json']) {
    const file = join(folder, name);
    const text = await readTextIfThere(file);
    if (text === undefined) continue;
    const parsed = endTokens.safeParse(parseJson(text, file));
    if (!parsed.success) {
      throw new DataError({ file, field: 'eos_token_id' }, 'expected a token id or a list of token ids');
    }
    for (const id of [parsed.data.eos_token_id ?? []].flat()) found.add(id);
    break;
  }
  return [...found].sort((a, b) => a - b);
}
