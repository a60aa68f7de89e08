/**
 * BLEU-4 of one answer over characters, smoothed by NLTK's method 3 (NIST's geometric sequence: the k-th
 * precision without a match is 1/(2ᵏ · total)). [Papineni et al. 2002; Chen & Cherry 2014; NLTK 3.10.4
 * `sentence_bleu([list(reference)], list(prediction), smoothing_function=SmoothingFunction().method3)`]
 *
 * Not to be confused with word-bleu.ts.
 */
import { nGramOverlaps } from './ngram-overlap.ts';
import { codePoints } from './python-text.ts';
import { numberTokens } from './token-numbers.ts';

const MAX_ORDER = 4;

/**
 * In percent; 0 when no character is shared, an empty text among that. Identical texts of fewer than four
 * characters score less than 100: the orders they are too short for count as unmatched, with a total of 1.
 */
export function characterBleu(prediction: string, reference: string): number {
  const [predicted, expected] = numberTokens(codePoints(prediction), codePoints(reference));
  const overlaps = nGramOverlaps(predicted, expected, MAX_ORDER);
  if (overlaps[0]!.matched === 0) return 0;
  let unmatched = 0;
  let logSum = 0;
  for (const { matched, predicted: total } of overlaps) {
    const precision = matched > 0 ? matched / total : 1 / (2 ** ++unmatched * Math.max(1, total));
    logSum += Math.log(precision);
  }
  const brevityPenalty = Math.exp(Math.min(0, 1 - expected.length / predicted.length));
  return 100 * brevityPenalty * Math.exp(logSum / MAX_ORDER);
}
