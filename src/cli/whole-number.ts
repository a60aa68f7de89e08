/** Numbers on the command line. */
import { UserError } from '../support/errors.ts';

/** @throws {UserError} naming the flag for anything but a whole number from `least` to `most`. */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UserError(`${flag} ${text}: expected a whole number from ${least} to ${most}`);
}

/** `--threads`, as the engine takes it. */
export function threadsOf(flag: string | undefined): { threads?: number } {
  return flag === undefined ? {} : { threads: wholeNumber('--threads', flag, 1, 1024) };
}
