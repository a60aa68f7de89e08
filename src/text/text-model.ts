/** Both halves of a model's text side, loaded together. */
import { ChatTemplate } from './chat-template.ts';
import { Tokenizer } from './tokenizer.ts';

/** How a model's conversations are written and cut into tokens. */
export interface TextModel {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
}

/** From a model folder in Hugging Face layout. @throws {UserError} naming the file and field. */
export async function loadTextModel(folder: string): Promise<TextModel> {
  return { tokenizer: await Tokenizer.load(folder), template: await ChatTemplate.load(folder) };
}
