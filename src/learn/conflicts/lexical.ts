/**
 * Contradictions by letters. A new pair and an earlier one with its labels exchanged are each one document: prompt,
 * response and response, each text's shingles marked with its place. Documents that may resemble each other are
 * found by MinHash and then compared text by text.
 */
import { contradiction, type Match, type RowTexts, type Thresholds } from './contradiction.ts';
import { eachCandidate, estimate, type Shingles, type Signature, signatureOf } from './minhash.ts';
import { eachShingle, jaccard, mixed, normalised, type ShingleSet, shingleSet } from './text.ts';

/**
 * Chosen on one half of the measured rows (`npx tsx experiments/conflicts/measure.ts`); light edits of a text leave
 * more alike, other texts on one subject less.
 */
export const LEXICAL_THRESHOLDS: Thresholds = { prompt: 0.3, response: 0.3 };

/** Documents of whole pairs that resemble each other less have no three texts that all do. */
const LEAST_ESTIMATE = 0.25;

/** A contradiction between `asked` and `earlier`, positions in the two lists. */
export interface Found extends Match {
  readonly asked: number;
  readonly earlier: number;
}

/** All contradictions between two lists of rows, by position of the new one, then of the earlier one. */
export function lexicalContradictions(
  rows: readonly RowTexts[],
  earlier: readonly RowTexts[],
  thresholds: Thresholds,
): Found[] {
  const asked = rows.map((row) => signature(row, ['chosen', 'rejected']));
  const indexed = earlier.map((row) => signature(row, ['rejected', 'chosen']));
  const found: Found[] = [];
  let current = -1;
  let sets: (text: keyof RowTexts) => ShingleSet = () => new Uint32Array();
  eachCandidate(indexed, asked, (at, other) => {
    if (estimate(asked[at]!, indexed[other]!) < LEAST_ESTIMATE) return;
    if (at !== current) sets = shingleSets(rows[at]!);
    current = at;
    const own = sets;
    const theirs = shingleSets(earlier[other]!);
    const match = contradiction((one, text) => jaccard(own(one), theirs(text)), thresholds);
    if (match !== null) found.push({ asked: at, earlier: other, ...match });
  });
  return found;
}

/** @param order which response stands in the first place and which in the second */
function signature(row: RowTexts, order: readonly (keyof RowTexts)[]): Signature {
  const shingles: Shingles = (take) => {
    for (const [place, name] of (['prompt', ...order] as const).entries()) {
      eachShingle(normalised(row[name]), (hash) => take(mixed(hash ^ (place * 0x9e3779b9))));
    }
  };
  return signatureOf(shingles);
}

/** A row's sets of shingles, each made when it is first asked for. */
function shingleSets(row: RowTexts): (text: keyof RowTexts) => ShingleSet {
  const made = new Map<keyof RowTexts, ShingleSet>();
  return (text) => {
    let set = made.get(text);
    if (set === undefined) {
      set = shingleSet(normalised(row[text]));
      made.set(text, set);
    }
    return set;
  };
}
