/** What is asked of a measured process that scores texts, ours or the Python recipe, and what it reports. */
import type { ChildReport } from '../shared/child.ts';

export interface MetricsRequest {
  /** A JSON file of `[{prediction, reference}]`. */
  readonly file: string;
  /** Of the libraries underneath; the scores themselves are computed in one. */
  readonly threads: number;
}

/** `seconds` are from texts to numbers, with what is loaded when it is first used, such as jieba's dictionary. */
export interface MetricsReport extends ChildReport {
  /** By row: BLEU-4, ROUGE-1, ROUGE-2, ROUGE-L, as fractions. */
  readonly scores: readonly (readonly number[])[];
}
