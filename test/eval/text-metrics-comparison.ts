/** What test/parity/make_text_metrics.py writes, and how far our numbers are from it. */
import { scoreAnswers, scoreAnswersFurther, type TextPair } from '../../src/eval/text-metrics/index.ts';
import { cutWords } from '../../src/eval/text-metrics/jieba/cut.ts';

export interface ExpectedTextMetrics {
  readonly cuts: readonly { readonly text: string; readonly words: readonly string[] }[];
  readonly pairs: readonly (TextPair & {
    /** Fractions: BLEU-4, ROUGE-1, ROUGE-2, ROUGE-L. */
    readonly scores: readonly number[];
    /** Percent: word BLEU and chrF2 of the sentence. */
    readonly further: readonly number[];
  })[];
  /** Of every 50 pairs: word BLEU and chrF2 of the corpus in percent; distinct-1 and -2 as fractions. */
  readonly corpora: readonly (readonly [number, number, number, number])[];
  /** What the Python recipe took for the pairs' `scores`. */
  readonly seconds: number;
}

const CORPUS = 50;

/** The texts that are cut differently, with both cuts. */
export function differentCuts({ cuts }: ExpectedTextMetrics): object[] {
  return cuts
    .map(({ text, words }) => ({ text, words, ours: cutWords(text) }))
    .filter(({ words, ours }) => JSON.stringify(words) !== JSON.stringify(ours));
}

export interface Difference {
  /** In percentage points. */
  readonly difference: number;
  readonly name: string;
  readonly pair?: TextPair;
  readonly ours?: number;
  readonly expected?: number;
}

/** The greatest difference of any score. */
export function worstDifference({ pairs, corpora }: ExpectedTextMetrics): Difference {
  let worst: Difference = { difference: 0, name: 'none' };
  const compare = (name: string, ours: number, expected: number, pair?: TextPair) => {
    const difference = Math.abs(ours - expected);
    // Written so that NaN is the worst of all.
    if (difference <= worst.difference) return;
    worst = { difference, name, ours, expected, ...(pair === undefined ? {} : { pair }) };
  };
  const { rows } = scoreAnswers(pairs);
  const further = scoreAnswersFurther(pairs);
  for (const [at, pair] of pairs.entries()) {
    const row = rows[at]!;
    for (const [index, name] of (['bleu4', 'rouge1', 'rouge2', 'rougeL'] as const).entries()) {
      compare(name, row[name], 100 * pair.scores[index]!, pair);
    }
    for (const [index, name] of (['sentenceWordBleu', 'sentenceChrf2'] as const).entries()) {
      compare(name, further.rows[at]![name], pair.further[index]!, pair);
    }
  }
  for (const [at, [wordBleu, chrf, distinct1, distinct2]] of corpora.entries()) {
    const corpus = scoreAnswersFurther(pairs.slice(CORPUS * at, CORPUS * (at + 1)));
    compare(`corpus ${at} word BLEU`, corpus.corpusWordBleu, wordBleu);
    compare(`corpus ${at} chrF2`, corpus.corpusChrf2, chrf);
    compare(`corpus ${at} distinct-1`, corpus.distinct1, 100 * distinct1);
    compare(`corpus ${at} distinct-2`, corpus.distinct2, 100 * distinct2);
  }
  return worst;
}
