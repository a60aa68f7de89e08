/** Answers as text: the engine's tokens, the tokenizer and stop strings put together. */

import type { Engine, Generated, GenerateOptions } from '../engine/engine.ts';
import type { Adapter } from '../model/adapter.ts';
import { UserError } from '../support/errors.ts';
import { AnswerText } from '../text/answer-text.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

export interface GenerateTextOptions extends Omit<GenerateOptions, 'onToken' | 'stopTokens'> {
  /** Tokens that end an answer (`readEndTokens`). */
  readonly endTokens: readonly number[];
  /** Texts that end an answer; that of a special token counts as the token. */
  readonly stop?: readonly string[];
  /** Called with new text of an answer as it becomes certain. */
  readonly onText?: (answer: number, text: string) => void;
}

export interface GeneratedText {
  /** Without special tokens and without the stop string. */
  readonly text: string;
  /** How many tokens were generated, the one that ended the answer included. */
  readonly tokens: number;
  readonly finishReason: Generated['finishReason'];
  /** How many of them the tokenizer does not have: a model's vocabulary may be padded. */
  readonly unknownTokens: number;
}

/**
 * As `Engine.generate`, from encoded prompts to texts.
 * @throws {UserError} for a stop text of which a special token is a part
 */
export async function generateText(
  engine: Pick<Engine, 'generate'>,
  tokenizer: Tokenizer,
  prompts: readonly Int32Array[],
  adapter: Adapter | null,
  { endTokens, stop = [], onText, ...options }: GenerateTextOptions,
): Promise<readonly GeneratedText[]> {
  const { strings, tokens } = splitStops(stop, tokenizer);
  const texts = Array.from(
    { length: prompts.length * (options.samples ?? 1) },
    () => new AnswerText(tokenizer, strings),
  );
  const stopTokens = [...new Set([...endTokens, ...tokens])];
  const give = (answer: number, text: string) => {
    if (text !== '') onText?.(answer, text);
  };
  const onToken = (answer: number, token: number) => {
    const text = texts[answer] as AnswerText;
    if (!stopTokens.includes(token)) give(answer, text.push(token));
    return text.stopped;
  };
  const generated = await engine.generate(prompts, adapter, { ...options, stopTokens, onToken });
  return generated.map(({ tokens, finishReason }, answer) => {
    const answerText = texts[answer] as AnswerText;
    give(answer, answerText.finish());
    const { text, stopped, unknownTokens } = answerText;
    // The last character may have completed a stop string.
    return { text, tokens: tokens.length, finishReason: stopped ? 'stop' : finishReason, unknownTokens };
  });
}

/**
 * Special tokens are not part of an answer's text: told as a stop string, one is looked for as a token.
 * @throws {UserError} for a stop text of which a special token is a part
 */
export function splitStops(stops: readonly string[], tokenizer: Tokenizer) {
  const strings: string[] = [];
  const tokens: number[] = [];
  for (const stop of stops) {
    const ids = tokenizer.encode(stop);
    const special = ids.filter((id) => tokenizer.isSpecial(id));
    if (special.length === 0) strings.push(stop);
    else if (ids.length === 1) tokens.push(...ids);
    else {
      const found = `the stop text ${JSON.stringify(stop)} has the special token`;
      const token = JSON.stringify(tokenizer.decode(special.slice(0, 1)));
      throw new UserError(`${found} ${token} among others, which no answer's text has; give it alone`);
    }
  }
  return { strings, tokens };
}
