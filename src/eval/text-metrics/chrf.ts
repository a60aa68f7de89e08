/**
 * chrF2 as sacreBLEU 2.6.0 defines it (`CHRF()`): the F-measure, recall counting twice as much, of character
 * n-grams of 1 to 6 characters, without white space. [Popović 2015]
 */
import { type NGramOverlap, nGramOverlaps } from './ngram-overlap.ts';
import { codePoints, splitAtSpace } from './python-text.ts';
import type { TextPair } from './text-pair.ts';
import { numberTokens } from './token-numbers.ts';

const MAX_ORDER = 6;
const BETA_SQUARED = 4;

/** `CHRF().corpus_score`, in percent: matches summed over all pairs. */
export function corpusChrf(pairs: readonly TextPair[]): number {
  return score(pairs.map(count));
}

/** `CHRF().sentence_score`, in percent. */
export function sentenceChrf(pair: TextPair): number {
  return score([count(pair)]);
}

function count({ prediction, reference }: TextPair): NGramOverlap[] {
  const [predicted, expected] = numberTokens(visibleCharacters(prediction), visibleCharacters(reference));
  return nGramOverlaps(predicted, expected, MAX_ORDER);
}

function visibleCharacters(text: string): string[] {
  // Word by word: halves of a surrogate pair with a space between stay two characters.
  return splitAtSpace(text).flatMap(codePoints);
}

function score(pairs: readonly (readonly NGramOverlap[])[]): number {
  let [precisions, recalls, orders] = [0, 0, 0];
  for (let at = 0; at < MAX_ORDER; at++) {
    let [matched, predicted, expected] = [0, 0, 0];
    for (const overlaps of pairs) {
      const overlap = overlaps[at]!;
      matched += overlap.matched;
      // What a reference is too short for isn't held against its prediction.
      predicted += overlap.expected === 0 ? 0 : overlap.predicted;
      expected += overlap.expected;
    }
    if (predicted === 0 || expected === 0) continue;
    precisions += matched / predicted;
    recalls += matched / expected;
    orders++;
  }
  if (precisions + recalls === 0) return 0;
  const [precision, recall] = [precisions / orders, recalls / orders];
  return (100 * (1 + BETA_SQUARED) * precision * recall) / (BETA_SQUARED * precision + recall);
}
