/**
 * How alike two texts are by their letters: Jaccard similarity of their sets of character shingles, after what
 * decides nothing (case, punctuation, spaces, width of characters) is taken out. [Broder 1997, "On the resemblance
 * and containment of documents"]
 */

/** Characters of a shingle. */
const SHINGLE = 4;

/** Letters, digits and signs in lower case, everything else as single spaces. */
export function normalised(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{S}]+/gu, ' ')
    .trim();
}

/**
 * Calls `take` with the hash of every shingle of a normalised text, in order, equal ones again. A text shorter than
 * a shingle is one by itself; an empty one has none.
 */
export function eachShingle(text: string, take: (hash: number) => void): void {
  if (text === '') return;
  for (let start = 0; start === 0 || start + SHINGLE <= text.length; start++) {
    let hash = 0;
    const end = Math.min(start + SHINGLE, text.length);
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 0x01000193) ^ text.charCodeAt(at)) | 0;
    take(mixed(hash));
  }
}

/** MurmurHash3's finaliser: every bit of the result depends on every bit given. */
export function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A normalised text's shingles, each once, ascending. */
export type ShingleSet = Uint32Array;

export function shingleSet(text: string): ShingleSet {
  const hashes = new Set<number>();
  eachShingle(text, (hash) => hashes.add(hash));
  return Uint32Array.from(hashes).sort();
}

/** Of two sets, from 0 to 1; two empty ones are alike. */
export function jaccard(one: ShingleSet, other: ShingleSet): number {
  if (one.length === 0 && other.length === 0) return 1;
  let common = 0;
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    const [a, b] = [one[i]!, other[j]!];
    if (a === b) common++;
    if (a <= b) i++;
    if (b <= a) j++;
  }
  return common / (one.length + other.length - common);
}
