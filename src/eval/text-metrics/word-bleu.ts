/**
 * BLEU over words as sacreBLEU 2.6.0 defines it: up to 4 words in a row, mteval-v13a's tokens (meant for
 * languages written with spaces), exponential smoothing, case kept. [Papineni et al. 2002; Post 2018]
 *
 * Not to be confused with character-bleu.ts, the recipe of the paper's tables.
 */
import { nGramOverlaps } from './ngram-overlap.ts';
import { splitAtSpace, trimEnd } from './python-text.ts';
import type { TextPair } from './text-pair.ts';
import { numberTokens } from './token-numbers.ts';

const MAX_ORDER = 4;

/** `BLEU().corpus_score`, in percent: matches summed over all pairs. Not a mean of sentences' scores. */
export function corpusWordBleu(pairs: readonly TextPair[]): number {
  return score(pairs.map(count), 'all orders');
}

/**
 * `BLEU(effective_order=True).sentence_score`, in percent: orders for which the prediction is too short don't
 * count.
 */
export function sentenceWordBleu(pair: TextPair): number {
  return score([count(pair)], 'orders present');
}

interface Counts {
  readonly predicted: number;
  readonly expected: number;
  /** By order. */
  readonly matched: readonly number[];
  readonly total: readonly number[];
}

function count({ prediction, reference }: TextPair): Counts {
  const [predicted, expected] = numberTokens(tokenize13a(prediction), tokenize13a(reference));
  const overlaps = nGramOverlaps(predicted, expected, MAX_ORDER);
  return {
    predicted: predicted.length,
    expected: expected.length,
    matched: overlaps.map(({ matched }) => matched),
    total: overlaps.map(({ predicted: total }) => total),
  };
}

function score(counts: readonly Counts[], orders: 'all orders' | 'orders present'): number {
  const sum = (value: (pair: Counts) => number) => counts.reduce((total, pair) => total + value(pair), 0);
  const predicted = sum((pair) => pair.predicted);
  const expected = sum((pair) => pair.expected);
  const byOrder = Array.from({ length: MAX_ORDER }, (_, at) => ({
    matched: sum((pair) => pair.matched[at]!),
    total: sum((pair) => pair.total[at]!),
  }));
  const present = byOrder.filter(({ total }) => total > 0);
  if (present.every(({ matched }) => matched === 0)) return 0;
  if (orders === 'all orders' && present.length < MAX_ORDER) return 0;
  let smoothing = 1;
  let logSum = 0;
  for (const { matched, total } of present) {
    if (matched === 0) smoothing *= 2;
    logSum += Math.log(matched > 0 ? matched / total : 1 / (smoothing * total));
  }
  const brevityPenalty = Math.exp(Math.min(0, 1 - expected / predicted));
  return 100 * brevityPenalty * Math.exp(logSum / present.length);
}

/** mteval-v13a's tokens: punctuation stands apart, but not a point or comma between digits. */
export function tokenize13a(text: string): string[] {
  const plain = trimEnd(text)
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  const separated = ` ${plain} `
    // Space and ASCII punctuation but the apostrophe, comma, hyphen and point.
    .replace(/[ -&(-+/:-@[-`{-~]/g, ' $& ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])-/g, '$1 - ');
  return splitAtSpace(separated);
}
