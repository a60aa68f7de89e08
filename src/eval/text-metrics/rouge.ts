/**
 * ROUGE-1, ROUGE-2 and ROUGE-L of one answer over jieba's words: the F-measures of rouge-chinese 1.0.3 with its
 * default settings. ROUGE-N compares sets: an n-gram counts once, however often it occurs. ROUGE-L is the
 * longest common subsequence of all words, with no regard to sentences.
 */
import { longestCommonSubsequence } from './longest-common-subsequence.ts';
import { nGramOverlaps } from './ngram-overlap.ts';
import { splitAtSpace, trimEnd } from './python-text.ts';
import { numberTokens } from './token-numbers.ts';

/** F-measures in percent. The package keeps them from dividing by 0 in a way that ends just below 100. */
export interface RougeScores {
  readonly rouge1: number;
  readonly rouge2: number;
  readonly rougeL: number;
}

/**
 * @param prediction its words as cutWords gives them, white space among them
 * @param reference the same of the expected answer
 * @returns zeros if either is empty or all white space
 */
export function rouge(prediction: readonly string[], reference: readonly string[]): RougeScores {
  const [predicted, expected] = numberTokens(rougeWords(prediction), rougeWords(reference));
  if (predicted.length === 0 || expected.length === 0) return { rouge1: 0, rouge2: 0, rougeL: 0 };
  const [unigrams, bigrams] = nGramOverlaps(predicted, expected, 2).map(
    ({ distinctMatched, distinctPredicted, distinctExpected }) =>
      fMeasure(distinctMatched, distinctPredicted, distinctExpected),
  );
  const common = longestCommonSubsequence(predicted, expected);
  return {
    rouge1: unigrams!,
    rouge2: bigrams!,
    rougeL: fMeasure(common, predicted.length, expected.length),
  };
}

/**
 * The words that are compared. The package is given them with a space between two, breaks that text into
 * sentences and takes it apart again; a line of nothing but spaces comes out as one empty word, and seven
 * full stops in a row as two words.
 */
function rougeWords(words: readonly string[]): string[] {
  const text = words.join(' ');
  if (splitAtSpace(text).length === 0) return [];
  return sentences(text)
    .filter((sentence) => sentence !== '')
    .flatMap((sentence) => {
      const found = splitAtSpace(sentence);
      return found.length === 0 ? [''] : found;
    });
}

/** A line for each sentence: a break after its end mark, or after the closing quote that follows the mark. */
function sentences(text: string): string[] {
  const broken = text
    .replace(/([。！？?])([^”’])/gu, '$1\n$2')
    .replace(/(\.{6})([^”’])/gu, '$1\n$2')
    .replace(/(…{2})([^”’])/gu, '$1\n$2')
    .replace(/([。！？?][”’])([^，。！？?])/gu, '$1\n$2');
  return trimEnd(broken).split('\n');
}

function fMeasure(shared: number, predicted: number, expected: number): number {
  const precision = predicted === 0 ? 0 : shared / predicted;
  const recall = expected === 0 ? 0 : shared / expected;
  return (200 * precision * recall) / (precision + recall + 1e-8);
}
