/** An answer in the making: what is known of it between two runs of the decoding graph. */
import { UserError } from '../../support/errors.ts';
import type { Random } from '../../support/random.ts';
import type { Generated } from '../engine.ts';
import { nextToken, type SamplingSettings } from '../sampling.ts';

/** One answer that is asked for; each has its own settings. */
export interface AnswerRequest {
  /** At least one token; the same array for all answers to a prompt, which is then computed once. */
  readonly prompt: Int32Array;
  /** The most tokens, at least 1. */
  readonly limit: number;
  readonly sampling: SamplingSettings;
  readonly stopTokens: ReadonlySet<number>;
  readonly random: Random;
  /** Called with every new token; true ends the answer with it. */
  readonly onToken?: (token: number) => boolean;
  /** Looked at between two runs; the answer then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export class Answer {
  readonly prompt: Int32Array;
  readonly result: Promise<Generated>;
  readonly #request: AnswerRequest;
  readonly #tokens: number[] = [];
  #ended = false;
  #failed = false;
  #resolve!: (result: Generated) => void;
  #reject!: (reason: unknown) => void;

  constructor(request: AnswerRequest) {
    this.prompt = request.prompt;
    this.#request = request;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Whether it is done, or failed, and takes no more part. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether it ended with an error. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The newest token, which the cache does not hold yet. */
  get newest(): number {
    return this.#tokens.at(-1) as number;
  }

  /** Tokens the cache holds: all but the newest. */
  get cachedLength(): number {
    return this.prompt.length + this.#tokens.length - 1;
  }

  /** Chooses the next token and decides whether it is the last. An error is this answer's alone. */
  extend(logits: Float32Array): void {
    const { sampling, random, limit, stopTokens, onToken } = this.#request;
    try {
      checkFinite(logits);
      const token = nextToken(logits, sampling, this.#seen(), () => random.uniform());
      this.#tokens.push(token);
      const told = onToken?.(token) === true;
      if (told || stopTokens.has(token)) this.#finish('stop');
      else if (this.#tokens.length === limit) this.#finish('length');
    } catch (error) {
      this.fail(error);
    }
  }

  failIfAborted(): void {
    const { signal } = this.#request;
    if (signal?.aborted) this.fail(signal.reason);
  }

  fail(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failed = true;
    this.#reject(reason);
  }

  #finish(finishReason: Generated['finishReason']): void {
    this.#ended = true;
    this.#resolve({ tokens: Int32Array.from(this.#tokens), finishReason });
  }

  *#seen(): Iterable<number> {
    yield* this.prompt;
    yield* this.#tokens;
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
