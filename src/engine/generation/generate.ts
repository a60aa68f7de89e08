/** From what a caller of `Engine.generate` asks for to single answers, and back. */
import type { DecoderConfig } from '../../model/config.ts';
import { UserError } from '../../support/errors.ts';
import { sha256 } from '../../support/hash.ts';
import { Random } from '../../support/random.ts';
import type { Generated, GenerateOptions } from '../engine.ts';
import { checkRanges } from '../generation-ranges.ts';
import type { AnswerRequest } from './answer.ts';
import type { Generation } from './generation.ts';

export const DEFAULT_BATCH = 16;

export interface Plan {
  /** In order: all of a prompt's one after another. */
  readonly answers: readonly AnswerRequest[];
  /** How many are in work at a time. */
  readonly slots: number;
}

/** @throws {UserError} for a prompt that leaves no position, or a setting out of its range */
export function planAnswers(
  prompts: readonly Int32Array[],
  { maxPositions }: DecoderConfig,
  options: GenerateOptions,
): Plan {
  checkRanges(options);
  const { maxNewTokens, samples = 1, seed = 0, batchSize = DEFAULT_BATCH, onToken, onProgress } = options;
  const random = Random.fromSeed(seed);
  const keys = keysOf(prompts, options.keys);
  const stopTokens = new Set(options.stopTokens);
  const answers = prompts.flatMap((prompt, row) => {
    if (prompt.length === 0) throw new Error(`prompt ${row + 1} is empty; it needs at least one token`);
    const room = maxPositions - prompt.length;
    if (room < 1) {
      const found = `prompt ${row + 1} has ${prompt.length} tokens`;
      throw new UserError(`${found}; of the model's ${maxPositions} positions none is left for an answer`);
    }
    return Array.from({ length: samples }, (_, sample): AnswerRequest => {
      const place = row * samples + sample;
      return {
        prompt,
        limit: Math.min(maxNewTokens, room),
        sampling: options,
        stopTokens,
        random: random.fork(`prompt ${keys[row]} sample ${sample}`),
        onToken: (token) => {
          onProgress?.(1);
          return onToken?.(place, token) === true;
        },
      };
    });
  });
  return { answers, slots: Math.min(answers.length, batchSize) };
}

function keysOf(prompts: readonly Int32Array[], given?: readonly string[]): readonly string[] {
  if (given) {
    if (given.length === prompts.length) return given;
    throw new RangeError(`${given.length} keys for ${prompts.length} prompts`);
  }
  const met = new Map<string, number>();
  return prompts.map((tokens) => {
    const hash = sha256(['prompt', tokens.join()]);
    const before = met.get(hash) ?? 0;
    met.set(hash, before + 1);
    return `${hash} ${before}`;
  });
}

/** All answers, or the first failure; the others are then given up. */
export async function generateAnswers(
  answers: readonly AnswerRequest[],
  generation: Pick<Generation<unknown, unknown>, 'add'>,
  signals: readonly AbortSignal[],
): Promise<readonly Generated[]> {
  const failure = new AbortController();
  const signal = AbortSignal.any([...signals, failure.signal]);
  const fail = (reason: unknown): never => {
    failure.abort(reason);
    throw reason;
  };
  const made = answers.map((answer) => generation.add({ ...answer, signal }).catch(fail));
  const settled = await Promise.allSettled(made);
  failure.signal.throwIfAborted();
  return settled.map((one) => (one as PromiseFulfilledResult<Generated>).value);
}
