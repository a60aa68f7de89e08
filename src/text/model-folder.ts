/**
 * The text side of a model folder in Hugging Face layout: `tokenizer.json` and `tokenizer_config.json`,
 * read and checked. Tokenizer and chat template are built from what stands here.
 */
import { join } from 'node:path';
import * as z from 'zod';
import { DataError } from '../support/errors.ts';
import { errorCode } from '../support/file-error.ts';
import { parseJsonFile, readTextFile } from '../support/json.ts';

/** A special token is written as its text, or as an object that has the text as `content`. */
const specialToken = z
  .union([z.string(), z.object({ content: z.string() }).transform((token) => token.content)])
  .nullish();

const namedTemplate = z.object({ name: z.string(), template: z.string() });

const tokenizerConfig = z.object({
  bos_token: specialToken,
  eos_token: specialToken,
  unk_token: specialToken,
  sep_token: specialToken,
  pad_token: specialToken,
  cls_token: specialToken,
  mask_token: specialToken,
  chat_template: z.union([z.string(), z.array(namedTemplate)]).nullish(),
});

export type TokenizerConfig = z.infer<typeof tokenizerConfig>;

/** The names under which chat templates find the special tokens, as transformers passes them. */
export const SPECIAL_TOKEN_NAMES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;

/** @throws {DataError} for a missing file, broken JSON, or a field of another type than expected. */
export async function readTokenizerConfig(folder: string): Promise<TokenizerConfig> {
  const file = join(folder, 'tokenizer_config.json');
  const parsed = tokenizerConfig.safeParse(await parseJsonFile(file));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.map(String).join('.');
  throw new DataError(field ? { file, field } : { file }, issue?.message ?? 'not a tokenizer configuration');
}

/** A text file's content; undefined where there is no such file. */
export async function readTextIfThere(file: string): Promise<string | undefined> {
  try {
    return await readTextFile(file);
  } catch (error) {
    if (error instanceof Error && errorCode(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}
