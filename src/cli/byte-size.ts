/** Sizes on the command line. */
import { UserError } from '../support/errors.ts';

/** Decimal units, as storage is sold and transformers counts shards; with an i, powers of 1024. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** @throws {UserError} naming the flag for anything but a size of at least one byte, like 500MB, 2GB or 1.5GiB. */
export function byteSize(flag: string, text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
  if (number !== '' && bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new UserError(`${flag} ${text}: expected a size like 500MB, 2GB or 1.5GiB`);
}
