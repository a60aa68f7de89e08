/**
 * The longest common subsequence of two sequences, 32 of its elements at a time in the bits of a number.
 * [Crochemore et al. 2001; Hyyrö 2004]
 */
const BITS = 32;
const CARRY = 2 ** BITS;

/**
 * Its length, in time proportional to the product of the two lengths divided by 32.
 * @param first numbers from 0 on, each below the sum of both lengths; see token-numbers.ts
 * @param second of the same numbering
 */
export function longestCommonSubsequence(first: Int32Array, second: Int32Array): number {
  /** For each number, where in the block it stands. */
  const positions = new Int32Array(first.length + second.length);
  /** What the block before carries over into this one, for each element of `second`. */
  const carries = new Uint8Array(second.length);
  let length = 0;
  for (let start = 0; start < first.length; start += BITS) {
    const block = first.subarray(start, start + BITS);
    for (const [bit, number] of block.entries()) positions[number]! |= 1 << bit;
    // The row of the usual table, as differences of neighbours: a bit is 0 where the length grows by 1.
    let row = -1;
    for (let at = 0; at < second.length; at++) {
      const here = positions[second[at]!]!;
      const sum = (row >>> 0) + ((row & here) >>> 0) + carries[at]!;
      carries[at] = sum >= CARRY ? 1 : 0;
      row = sum | (row & ~here);
    }
    for (let bit = 0; bit < block.length; bit++) if ((row & (1 << bit)) === 0) length++;
    for (const number of block) positions[number] = 0;
  }
  return length;
}
