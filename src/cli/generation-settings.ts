/** The flags of `generate` that say how, checked. */
import {
  generationRanges,
  inRange,
  printRange,
  type RangedSetting,
  spelled,
} from '../engine/generation-ranges.ts';
import { UserError } from '../support/errors.ts';

export interface GenerationFlags extends Readonly<Record<RangedSetting, string>> {
  readonly stop: readonly string[];
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
