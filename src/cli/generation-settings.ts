/** The flags that say how answers are made, declared and checked: of `generate` and `evaluate`. */
import type { Command } from 'commander';
import {
  generationRanges,
  inRange,
  printRange,
  type RangedSetting,
  spelled,
} from '../engine/generation-ranges.ts';
import { UserError } from '../support/errors.ts';
import { append } from './repeatable.ts';

export interface GenerationFlags extends Readonly<Record<RangedSetting, string>> {
  readonly stop: readonly string[];
}

/** Declares them, `--max-new-tokens` aside, whose default differs. */
export function addGenerationFlags(command: Command): Command {
  return command
    .option('--temperature <number>', '0: the most probable token; above: drawn', '0')
    .option('--top-p <share>', 'draw from the most probable tokens that hold this share', '1')
    .option('--top-k <count>', 'draw from the k most probable tokens; 0: from all', '0')
    .option('--min-p <share>', 'draw from tokens at least this share as probable as the first', '0')
    .option('--repetition-penalty <number>', 'above 1: what was said before is less probable', '1')
    .option('--seed <number>', 'decides what is drawn', '0')
    .option('--stop <text>', 'ends an answer and is no part of it; may be repeated', append, [])
    .option('--batch-size <count>', 'answers made at a time', '16');
}

/** @throws {UserError} naming the flag and what was expected */
export function generationSettings(flags: GenerationFlags) {
  if (flags.stop.includes('')) throw new UserError('--stop: empty; expected a text');
  const settings = Object.fromEntries(
    Object.keys(generationRanges).map((name) => [name, settingOf(name as RangedSetting, flags)]),
  ) as Record<RangedSetting, number>;
  return { ...settings, stop: flags.stop };
}

function settingOf(setting: RangedSetting, flags: GenerationFlags): number {
  const text = flags[setting];
  const range = generationRanges[setting];
  const readable = range.whole ? /^\d+$/.test(text) : text.trim() !== '';
  const value = readable ? Number(text) : Number.NaN;
  if (inRange(value, range)) return value;
  throw new UserError(`--${spelled(setting)} ${text}: expected ${printRange(range)}`);
}
