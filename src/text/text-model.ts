/** Both halves of a model's text side, loaded together. */
import { join } from 'node:path';
import { DataError } from '../support/errors.ts';
import { ChatTemplate } from './chat-template.ts';
import { Tokenizer } from './tokenizer.ts';

/** How a model's conversations are written and cut into tokens. */
export interface TextModel {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  /** Token ids the base knows, counted from 0; left out: every id of the tokenizer. */
  readonly vocabularySize?: number;
}

/**
 * From a model folder in Hugging Face layout.
 *
 * @param vocabularySize of the base that takes the tokens, so that others are refused when they come up
 * @throws {UserError} naming the file and field
 */
export async function loadTextModel(folder: string, vocabularySize?: number): Promise<TextModel> {
  const tokenizer = await Tokenizer.load(folder);
  const template = await ChatTemplate.load(folder);
  if (vocabularySize === undefined) return { tokenizer, template };
  // Every response ends with it: not one row could be used.
  if (tokenizer.eosTokenId >= vocabularySize) {
    const problem = `its id ${tokenizer.eosTokenId} is beyond the model's vocabulary of ${vocabularySize}`;
    const file = join(folder, 'tokenizer_config.json');
    throw new DataError({ file, field: 'eos_token' }, `${problem}: the tokenizer is not this model's`);
  }
  return { tokenizer, template, vocabularySize };
}
