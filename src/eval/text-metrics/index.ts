/**
 * Answers against reference answers, word by word: what the `metrics` command and the result matrix report.
 * All scores are percentages.
 */
import { characterBleu } from './character-bleu.ts';
import { corpusChrf, sentenceChrf } from './chrf.ts';
import { distinct } from './distinct.ts';
import { cutWords } from './jieba/cut.ts';
import { type RougeScores, rouge } from './rouge.ts';
import type { TextPair } from './text-pair.ts';
import { corpusWordBleu, sentenceWordBleu } from './word-bleu.ts';

export type { TextPair } from './text-pair.ts';

/** The scores of the paper's tables. [arXiv:2509.17183, the evaluation recipe of LLaMA-Factory, unrounded] */
export interface AnswerScores extends RougeScores {
  /** BLEU-4 over characters, smoothed; see character-bleu.ts. */
  readonly bleu4: number;
}

export interface ScoredAnswers {
  /** By row. */
  readonly rows: readonly AnswerScores[];
  /** Over rows; NaN if there are none. */
  readonly mean: AnswerScores;
}

export function scoreAnswers(pairs: readonly TextPair[]): ScoredAnswers {
  const rows = pairs.map(({ prediction, reference }) => ({
    bleu4: characterBleu(prediction, reference),
    ...rouge(cutWords(prediction), cutWords(reference)),
  }));
  const mean = (score: keyof AnswerScores) => rows.reduce((sum, row) => sum + row[score], 0) / rows.length;
  return {
    rows,
    mean: { bleu4: mean('bleu4'), rouge1: mean('rouge1'), rouge2: mean('rouge2'), rougeL: mean('rougeL') },
  };
}

/** Scores of other definitions than the paper's. Those of the corpus are no means of the rows'. */
export interface FurtherScores {
  readonly corpusWordBleu: number;
  readonly corpusChrf2: number;
  readonly distinct1: number;
  readonly distinct2: number;
  /** By row. */
  readonly rows: readonly { readonly sentenceWordBleu: number; readonly sentenceChrf2: number }[];
}

export function scoreAnswersFurther(pairs: readonly TextPair[]): FurtherScores {
  const predictions = pairs.map(({ prediction }) => prediction);
  return {
    corpusWordBleu: corpusWordBleu(pairs),
    corpusChrf2: corpusChrf(pairs),
    distinct1: distinct(predictions, 1),
    distinct2: distinct(predictions, 2),
    rows: pairs.map((pair) => ({
      sentenceWordBleu: sentenceWordBleu(pair),
      sentenceChrf2: sentenceChrf(pair),
    })),
  };
}
