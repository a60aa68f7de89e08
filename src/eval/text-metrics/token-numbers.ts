/** Tokens as small integers, so that sequences can be compared and counted in typed arrays. */

/** Both sequences with equal tokens numbered alike, from 0 on. */
export function numberTokens(
  first: readonly string[],
  second: readonly string[],
): readonly [Int32Array, Int32Array] {
  const numbers = new Map<string, number>();
  const numbered = (tokens: readonly string[]) => {
    const sequence = new Int32Array(tokens.length);
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at]!;
      const known = numbers.get(token);
      sequence[at] = known ?? numbers.size;
      if (known === undefined) numbers.set(token, numbers.size);
    }
    return sequence;
  };
  return [numbered(first), numbered(second)];
}

/** Numbers pairs of integers from 0 on, equal pairs alike: a hash table with open addressing. */
export class PairNumbers {
  readonly #mask: number;
  readonly #firsts: Int32Array;
  readonly #seconds: Int32Array;
  /** Of the pair in a slot, plus 1; 0 in a free slot. */
  readonly #numbers: Int32Array;
  #count = 0;

  /** @param most how many different pairs there can be */
  constructor(most: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * most + 2));
    this.#mask = slots - 1;
    this.#firsts = new Int32Array(slots);
    this.#seconds = new Int32Array(slots);
    this.#numbers = new Int32Array(slots);
  }

  number(first: number, second: number): number {
    let hash = Math.imul(first, 0x9e3779b1) + Math.imul(second, 0x85ebca77);
    hash ^= hash >>> 15;
    let slot = hash & this.#mask;
    for (;;) {
      const found = this.#numbers[slot]!;
      if (found === 0) break;
      if (this.#firsts[slot] === first && this.#seconds[slot] === second) return found - 1;
      slot = (slot + 1) & this.#mask;
    }
    this.#firsts[slot] = first;
    this.#seconds[slot] = second;
    this.#numbers[slot] = ++this.#count;
    return this.#count - 1;
  }
}
