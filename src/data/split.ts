/**
 * Rows cut into named parts by seed, however large the file: rows with the same prompt (letter case and blanks
 * aside) never lie in different parts, and the order of the file decides nothing.
 */
import { UserError } from '../support/errors.ts';
import { Numbers, textNumber } from './tally.ts';

export interface Part {
  readonly name: string;
  /** Below 1 a share of all rows, from 1 on a number of rows. */
  readonly size: number;
}

/** `train=0.9,test=0.1`, or numbers of rows: `train=3000,test=1000`. @throws {UserError} */
export function partsOf(text: string): Part[] {
  const wrong = (why: string): never => {
    throw new UserError(
      `--split ${text}: ${why}; expected for example train=0.9,test=0.1 or train=3000,test=1000`,
    );
  };
  const parts = text.split(',').map((piece) => {
    const [, name = '', size = ''] = /^([A-Za-z][\w-]*)=(\d+(?:\.\d+)?)$/.exec(piece.trim()) ?? [];
    return { name, size: Number(size) };
  });
  for (const { name, size } of parts) {
    if (name === '' || size <= 0 || (size > 1 && !Number.isSafeInteger(size)))
      wrong('a part is a name and its size');
  }
  if (new Set(parts.map(({ name }) => name)).size < parts.length) wrong('a name stands twice');
  // A part of size 1 is all rows where there are shares beside it, or alone: one row is no data set.
  const shares = parts.filter(({ size }) => size <= 1);
  if (shares.length > 0 && shares.length < parts.length) wrong('shares and numbers of rows are mixed');
  if (shares.reduce((sum, { size }) => sum + size, 0) > 1 + 1e-9) wrong('the shares are more than the whole');
  return parts;
}

/** Decides, once it has seen every row's prompt, which part each belongs to. */
export class Splitter {
  readonly #parts: readonly Part[];
  readonly #seed: number;
  readonly #seen = new Numbers();
  /** Prompts up to this number lie in the part of the same place. */
  readonly #bounds: number[] = [];
  /** Prompts with too many rows for what was left of a part that counts them. */
  readonly #left = new Set<number>();

  constructor(parts: readonly Part[], seed: number) {
    this.#parts = parts;
    this.#seed = seed;
  }

  see(promptKey: string): void {
    this.#seen.push(this.#number(promptKey));
  }

  /** After the last prompt was seen. @throws {UserError} if there are fewer rows than were asked for. */
  decide(): void {
    const sorted = this.#seen.sorted();
    let at = 0;
    let target = 0;
    for (const { name, size } of this.#parts) {
      const counted = size > 1;
      target = counted ? size : target + size * sorted.length;
      // Shares are cut at their sums, so that they leave no row out by rounding.
      const wanted = counted ? size : Math.round(target) - at;
      const begun = at;
      let taken = 0;
      while (at < sorted.length && taken < wanted) {
        const end = endOfRun(sorted, at);
        if (counted && taken + end - at > wanted) this.#left.add(sorted[at] as number);
        else taken += end - at;
        at = end;
      }
      if (taken === 0) throw new UserError(`--split: no rows would be left for ${name}`);
      this.#bounds.push(at > 0 ? (sorted[at - 1] as number) : -1);
      if (counted && taken < wanted) {
        const rows = `${sorted.length} rows`;
        throw new UserError(
          `--split: ${name} shall have ${wanted} rows; of the file's ${rows} ${sorted.length - begun} were left for it`,
        );
      }
    }
  }

  /** The name of the part; nothing for a row that lies in none. */
  partOf(promptKey: string): string | undefined {
    const number = this.#number(promptKey);
    if (this.#left.has(number)) return undefined;
    const at = this.#bounds.findIndex((bound) => number <= bound);
    return this.#parts[at]?.name;
  }

  #number(promptKey: string): number {
    return textNumber(`${this.#seed}\n${promptKey}`);
  }
}

function endOfRun(sorted: Float64Array, start: number): number {
  let end = start + 1;
  while (end < sorted.length && sorted[end] === sorted[start]) end++;
  return end;
}
