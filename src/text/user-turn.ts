/** What a model's template writes around a user's turn: with it the model itself can be let say what users ask. */
import { UserError } from '../support/errors.ts';
import type { TextModel } from './text-model.ts';

export interface UserTurn {
  /** Everything up to where the user's text begins, and from its end to where the answer begins. */
  readonly before: Int32Array;
  readonly after: Int32Array;
}

/** No template has reason to change it, or writes it by itself. */
const PLACEHOLDER = 'PLACEHOLDERxFORxTHExTURN';

/** @throws {UserError} for a template that does not write a user's text as it is, once. */
export function userTurn({ tokenizer, template }: TextModel): UserTurn {
  const message = { role: 'user', content: PLACEHOLDER };
  const parts = template.render([message], { addGenerationPrompt: true }).split(PLACEHOLDER);
  const [before, after] = parts;
  if (parts.length !== 2 || !before || !after) {
    throw new UserError("the chat template does not write a user's text between a beginning and an end");
  }
  return { before: tokenizer.encode(before), after: tokenizer.encode(after) };
}
