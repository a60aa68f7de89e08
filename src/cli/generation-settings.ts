/** The flags of `generate` that say how, checked. */
import { UserError } from '../support/errors.ts';
import { wholeNumber } from './whole-number.ts';

export interface GenerationFlags {
  readonly maxNewTokens: string;
  readonly temperature: string;
  readonly topP: string;
  readonly topK: string;
  readonly minP: string;
  readonly repetitionPenalty: string;
  readonly seed: string;
  readonly samples: string;
  readonly stop: readonly string[];
  readonly batchSize: string;
}

/** @throws {UserError} naming the flag and what was expected */
export function generationSettings(flags: GenerationFlags) {
  if (flags.stop.includes('')) throw new UserError('--stop: empty; expected a text');
  return {
    maxNewTokens: count('--max-new-tokens', flags.maxNewTokens, 1),
    temperature: number('--temperature', flags.temperature, 'of at least 0', (t) => t >= 0),
    topP: number('--top-p', flags.topP, 'above 0 and at most 1', (p) => p > 0 && p <= 1),
    topK: count('--top-k', flags.topK, 0),
    minP: number('--min-p', flags.minP, 'from 0 to 1', (p) => p >= 0 && p <= 1),
    repetitionPenalty: number('--repetition-penalty', flags.repetitionPenalty, 'above 0', (r) => r > 0),
    seed: count('--seed', flags.seed, 0),
    samples: count('--samples', flags.samples, 1),
    stop: flags.stop,
    batchSize: count('--batch-size', flags.batchSize, 1),
  };
}

/** More tokens, answers or seeds than anyone has use for. */
const MOST = 1e9;

function count(flag: string, text: string, least: number): number {
  return wholeNumber(flag, text, least, MOST);
}

function number(flag: string, text: string, expected: string, fits: (value: number) => boolean): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value) && fits(value)) return value;
  throw new UserError(`${flag} ${text}: expected a number ${expected}`);
}
