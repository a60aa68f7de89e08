/** How many n-grams a prediction shares with its reference: what BLEU, ROUGE-N and chrF count. */
import { PairNumbers } from './token-numbers.ts';

export interface NGramOverlap {
  /** n-grams of the prediction, and of the reference, each as often as it occurs. */
  readonly predicted: number;
  readonly expected: number;
  /** n-grams of the prediction that the reference has, each at most as often as there ("clipped"). */
  readonly matched: number;
  readonly distinctPredicted: number;
  readonly distinctExpected: number;
  /** Distinct n-grams that both have. */
  readonly distinctMatched: number;
}

/**
 * The overlap for each n from 1 to `maxOrder`.
 * @param prediction tokens as numbers from 0 on; see token-numbers.ts
 * @param reference tokens of the same numbering
 */
export function nGramOverlaps(
  prediction: Int32Array,
  reference: Int32Array,
  maxOrder: number,
): NGramOverlap[] {
  const most = prediction.length + reference.length;
  let predicted = prediction;
  let expected = reference;
  return Array.from({ length: maxOrder }, (_, at) => {
    if (at > 0) {
      // An n-gram is the number of its first n − 1 tokens with one token more.
      const grams = new PairNumbers(most);
      const lengthened = (shorter: Int32Array, tokens: Int32Array) => {
        const longer = new Int32Array(Math.max(0, tokens.length - at));
        for (let start = 0; start < longer.length; start++) {
          longer[start] = grams.number(shorter[start]!, tokens[start + at]!);
        }
        return longer;
      };
      predicted = lengthened(predicted, prediction);
      expected = lengthened(expected, reference);
    }
    return overlap(predicted, expected, most);
  });
}

/** @param most above every number */
function overlap(predicted: Int32Array, expected: Int32Array, most: number): NGramOverlap {
  const inPrediction = occurrences(predicted, most);
  const inReference = occurrences(expected, most);
  let [matched, distinctPredicted, distinctExpected, distinctMatched] = [0, 0, 0, 0];
  for (let gram = 0; gram < most; gram++) {
    const [here, there] = [inPrediction[gram]!, inReference[gram]!];
    matched += Math.min(here, there);
    if (here > 0) distinctPredicted++;
    if (there > 0) distinctExpected++;
    if (here > 0 && there > 0) distinctMatched++;
  }
  return {
    predicted: predicted.length,
    expected: expected.length,
    matched,
    distinctPredicted,
    distinctExpected,
    distinctMatched,
  };
}

function occurrences(grams: Int32Array, most: number): Uint32Array {
  const counts = new Uint32Array(most);
  for (const gram of grams) counts[gram]!++;
  return counts;
}
