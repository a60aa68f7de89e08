/** An answer in the making: what is known of it between two runs of the decoding graph. */
import { UserError } from '../../../support/errors.ts';
import type { Random } from '../../../support/random.ts';
import type { Generated, GenerateOptions } from '../../engine.ts';
import { nextToken } from '../../sampling.ts';

/** A prompt and, while more answers to it wait, the logits after it. */
export interface Prompt {
  readonly tokens: Int32Array;
  logits: Float32Array | null;
}

export class Answer {
  readonly prompt: Prompt;
  readonly tokens: number[] = [];
  finishReason: Generated['finishReason'] | null = null;
  readonly #place: number;
  readonly #limit: number;
  readonly #random: Random;

  /**
   * @param place among all answers
   * @param limit the most tokens it may have, at least 1
   */
  constructor(prompt: Prompt, place: number, limit: number, random: Random) {
    this.prompt = prompt;
    this.#place = place;
    this.#limit = limit;
    this.#random = random;
  }

  /** Tokens the cache holds: all but the newest. */
  get cachedLength(): number {
    return this.prompt.tokens.length + this.tokens.length - 1;
  }

  /** Chooses the next token and decides whether it is the last. */
  extend(logits: Float32Array, options: GenerateOptions): void {
    checkFinite(logits);
    const token = nextToken(logits, options, this.#seen(), () => this.#random.uniform());
    this.tokens.push(token);
    const told = options.onToken?.(this.#place, token) === true;
    if (told || options.stopTokens.includes(token)) this.finishReason = 'stop';
    else if (this.tokens.length === this.#limit) this.finishReason = 'length';
  }

  *#seen(): Iterable<number> {
    yield* this.prompt.tokens;
    yield* this.tokens;
  }

  result(): Generated {
    return { tokens: Int32Array.from(this.tokens), finishReason: this.finishReason ?? 'length' };
  }
}

/** A sum of float32 numbers does not overflow float64: it is finite where all of them are. */
function checkFinite(logits: Float32Array): void {
  let sum = 0;
  for (let token = 0; token < logits.length; token++) sum += logits[token] as number;
  if (Number.isFinite(sum)) return;
  const problem = 'the logits are not all finite numbers: the weights or the adapter overflow';
  throw new UserError(problem, { exitCode: 1 });
}
