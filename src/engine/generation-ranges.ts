/** What the settings of generation may be: one table for the engine and for the command line's flags. */
import { UserError } from '../support/errors.ts';

export interface Range {
  readonly whole: boolean;
  readonly least: number;
  readonly most: number;
  /** `least` itself is not in it. */
  readonly open?: boolean;
}

/** More answers or tokens than anyone has use for. */
const MANY = 1e9;

export const generationRanges = {
  temperature: { whole: false, least: 0, most: Number.MAX_VALUE },
  topK: { whole: true, least: 0, most: MANY },
  topP: { whole: false, least: 0, most: 1, open: true },
  minP: { whole: false, least: 0, most: 1 },
  // Beyond, products with logits leave what float32 holds, or nothing of the logits is left.
  repetitionPenalty: { whole: false, least: 0.01, most: 100 },
  maxNewTokens: { whole: true, least: 1, most: MANY },
  samples: { whole: true, least: 1, most: MANY },
  batchSize: { whole: true, least: 1, most: MANY },
  seed: { whole: true, least: 0, most: Number.MAX_SAFE_INTEGER },
} satisfies Record<string, Range>;

export type RangedSetting = keyof typeof generationRanges;

export function inRange(value: number, { whole, least, most, open = false }: Range): boolean {
  if (whole && !Number.isSafeInteger(value)) return false;
  return (open ? value > least : value >= least) && value <= most;
}

/** `a whole number from 1 to 9`, for messages. */
export function printRange({ whole, least, most, open = false }: Range): string {
  const kind = whole ? 'a whole number' : 'a number';
  if (most === Number.MAX_VALUE) return `${kind} of at least ${least}`;
  return open ? `${kind} above ${least} and at most ${most}` : `${kind} from ${least} to ${most}`;
}

/** `top-p` for `topP`: as users write it. */
export function spelled(setting: string): string {
  return setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** @throws {UserError} naming the first setting out of its range; what is left out is not looked at. */
export function checkRanges(settings: Partial<Record<RangedSetting, number | undefined>>): void {
  for (const [setting, range] of Object.entries(generationRanges)) {
    const value = settings[setting as RangedSetting];
    if (value === undefined || inRange(value, range)) continue;
    throw new UserError(`${spelled(setting)}: expected ${printRange(range)}, got ${value}`);
  }
}
