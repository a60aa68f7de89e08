/**
 * Answers to prompts, many at a time. Answers at work have the first slots of the cache; where one ends,
 * the last takes its slot, and the next that waits begins. A prompt is computed once for all its answers:
 * the later ones copy its keys and values from a slot that still holds them.
 */
import type { Adapter } from '../../../model/adapter.ts';
import type { DecoderConfig } from '../../../model/config.ts';
import { UserError } from '../../../support/errors.ts';
import { Random } from '../../../support/random.ts';
import type { Generated, GenerateOptions } from '../../engine.ts';
import { checkSampling } from '../../sampling.ts';
import type { OrtSession } from '../session.ts';
import { Answer, type Prompt } from './answer.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { DecodingStep } from './step.ts';

const DEFAULT_BATCH = 16;

/** Prompts begin together while they fill at most so many places side by side; longer ones come in pieces. */
const PREFILL = 512;

export interface Plan {
  /** In order: all of a prompt's one after another. */
  readonly answers: readonly Answer[];
  /** How many are in work at a time. */
  readonly slots: number;
}

/** @throws {UserError} for a prompt that leaves no position, or a setting that makes no sense */
export function planAnswers(
  prompts: readonly Int32Array[],
  { maxPositions }: DecoderConfig,
  options: GenerateOptions,
): Plan {
  const { maxNewTokens, samples = 1, seed = 0, batchSize = DEFAULT_BATCH } = options;
  for (const [name, value] of Object.entries({ maxNewTokens, samples, batchSize })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} is ${value}, not 1 or more`);
  }
  checkSampling(options);
  const random = Random.fromSeed(seed);
  const answers = prompts.flatMap((tokens, row) => {
    if (tokens.length === 0) throw new Error('a prompt needs at least one token');
    const room = maxPositions - tokens.length;
    if (room < 1) {
      const found = `prompt ${row + 1} has ${tokens.length} tokens`;
      throw new UserError(`${found}; of the model's ${maxPositions} positions none is left for an answer`);
    }
    const prompt: Prompt = { tokens, logits: null };
    return Array.from({ length: samples }, (_, sample) => {
      const own = random.fork(`prompt ${row} sample ${sample}`);
      return new Answer(prompt, row * samples + sample, Math.min(maxNewTokens, room), own);
    });
  });
  return { answers, slots: Math.min(answers.length, batchSize) };
}

/** @param session of the decoding graph */
export async function generateAnswers(
  { answers, slots }: Plan,
  session: OrtSession,
  config: DecoderConfig,
  adapter: Adapter | null,
  options: GenerateOptions,
): Promise<readonly Generated[]> {
  const longest = answers.reduce((length, { prompt }) => Math.max(length, prompt.tokens.length), 0);
  const capacity = Math.min(config.maxPositions, longest + options.maxNewTokens);
  const generation = new Generation(
    answers,
    slots,
    new KeyValueCache(config, slots, capacity),
    // The runtime's rotary kernel wants tables at least as long as a run has tokens.
    new DecodingStep(session, config, adapter, Math.max(capacity, slots, PREFILL)),
    options,
  );
  await generation.finish();
  return answers.map((answer) => answer.result());
}

class Generation {
  readonly #slots: number;
  readonly #cache: KeyValueCache;
  readonly #step: DecodingStep;
  readonly #options: GenerateOptions;
  readonly #waiting: Answer[];
  /** By slot. */
  readonly #active: Answer[] = [];
  /** By slot: the prompt whose keys and values it begins with, also after its answer has ended. */
  readonly #resident: Prompt[] = [];

  constructor(
    answers: readonly Answer[],
    slots: number,
    cache: KeyValueCache,
    step: DecodingStep,
    options: GenerateOptions,
  ) {
    this.#waiting = [...answers];
    this.#slots = slots;
    this.#cache = cache;
    this.#step = step;
    this.#options = options;
  }

  async finish(): Promise<void> {
    while (this.#waiting.length > 0 || this.#active.length > 0) {
      const free = this.#active.length < this.#slots && this.#waiting.length > 0;
      await (free ? this.#begin() : this.#goOn());
    }
  }

  /** The next answer begins from a prompt that is in the cache, or the next few from prompts that are not. */
  async #begin(): Promise<void> {
    const next = this.#waiting[0] as Answer;
    const slot = this.#active.length;
    const source = this.#resident.indexOf(next.prompt);
    const begun = source < 0 ? this.#beginners() : [next];
    let logits: readonly Float32Array[];
    if (source < 0) logits = await this.#computePrompts(begun, slot);
    else {
      this.#cache.copy(source, slot, next.prompt.tokens.length);
      logits = [next.prompt.logits as Float32Array];
    }
    this.#waiting.splice(0, begun.length);
    begun.forEach(({ prompt }, at) => {
      this.#resident[slot + at] = prompt;
      prompt.logits = this.#waiting[0]?.prompt === prompt ? (logits[at] as Float32Array) : null;
    });
    this.#active.push(...begun);
    this.#extend(begun, logits);
  }

  /** Answers that wait for different prompts, as many as may begin together. */
  #beginners(): readonly Answer[] {
    const chosen: Answer[] = [];
    let width = 0;
    for (const answer of this.#waiting.slice(0, this.#slots - this.#active.length)) {
      width = Math.max(width, answer.prompt.tokens.length);
      const fits = chosen.length === 0 || (chosen.length + 1) * width <= PREFILL;
      if (!fits || chosen.at(-1)?.prompt === answer.prompt) break;
      chosen.push(answer);
    }
    return chosen;
  }

  async #computePrompts(answers: readonly Answer[], slot: number): Promise<readonly Float32Array[]> {
    const cache = this.#cache.view(slot, answers.length);
    const longest = Math.max(...answers.map(({ prompt }) => prompt.tokens.length));
    let logits: readonly Float32Array[] = [];
    // More than one piece only where there is one prompt.
    for (let start = 0; start < longest; start += PREFILL) {
      this.#options.signal?.throwIfAborted();
      const rows = answers.map(({ prompt }) => ({
        start,
        tokens: prompt.tokens.subarray(start, start + PREFILL),
      }));
      logits = await this.#step.run(rows, cache);
    }
    return logits;
  }

  async #goOn(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const rows = this.#active.map(({ cachedLength, tokens }) => ({
      start: cachedLength,
      tokens: tokens.slice(-1),
    }));
    const logits = await this.#step.run(rows, this.#cache.view(0, rows.length));
    this.#extend([...this.#active], logits);
  }

  #extend(answers: readonly Answer[], logits: readonly Float32Array[]): void {
    answers.forEach((answer, at) => {
      answer.extend(logits[at] as Float32Array, this.#options);
    });
    this.#options.onProgress?.(answers.length);
    for (let slot = this.#active.length - 1; slot >= 0; slot--) {
      if (this.#active[slot]?.finishReason) this.#free(slot);
    }
  }

  /** The last slot's answer moves to the free one, so that answers at work stay neighbours. */
  #free(slot: number): void {
    const from = this.#active.length - 1;
    const last = this.#active.pop() as Answer;
    if (from === slot) return;
    this.#cache.copy(from, slot, last.cachedLength);
    this.#active[slot] = last;
    this.#resident[slot] = this.#resident[from] as Prompt;
  }
}
