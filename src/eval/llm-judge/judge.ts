/**
 * One interface for all that judges answers: rules, language models, the policy's own log-probs. Reports
 * have a score for each item in the items' order, so that means, intervals and paired tests read them all
 * the same way.
 */
import type { ProgressFactory } from '../../support/progress.ts';
import type { JudgedPrompt } from '../judges/judge.ts';

/** What answers are judged by: the question, an answer that is right, and the answer itself. */
export interface JudgedAnswer extends JudgedPrompt {
  readonly answer: string;
}

export interface JudgeOptions {
  /** Ends requests under way; `judge` then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ProgressFactory | undefined;
}

export interface Judge<Item = JudgedAnswer, Report extends JudgeReport = JudgeReport> {
  readonly name: string;
  /** One line: what earns points, and by whom. */
  readonly description: string;
  judge(items: readonly Item[], options?: JudgeOptions): Promise<Report>;
}

/** Tokens as the endpoint counts them. */
export interface TokenUsage {
  readonly prompt: number;
  readonly reply: number;
}

/** Why an item has no score. */
export interface UnscoredItem {
  /** The item's position in the list that was judged, from 0. */
  readonly index: number;
  /** `failure`: no reply in the asked format, or the endpoint cannot take a text of this length. */
  readonly kind: 'refusal' | 'failure';
  readonly reason: string;
}

export interface JudgeReport {
  /** Percent, one for each item; null where there is none, which is never the same as 0. */
  readonly scores: readonly (number | null)[];
  /** Items the judge refused to judge. */
  readonly refusals: number;
  /** Items the judge failed on, see `UnscoredItem`. */
  readonly failures: number;
  readonly unscored: readonly UnscoredItem[];
  /** HTTP requests sent, repeated ones included. */
  readonly requests: number;
  /** Questions whose reply was known: from the disk cache, or asked in this call for an equal item. */
  readonly cached: number;
  /** Spent in this call, for replies that came; 0 where the endpoint does not say. */
  readonly tokens: TokenUsage;
  /** `tokens` in the currency of the settings' prices; null without prices. */
  readonly cost: number | null;
}

/** The mean over scored items; null if there is none. To be shown with the counts of those without. */
export function meanScore({ scores }: Pick<JudgeReport, 'scores'>): number | null {
  const scored = scores.filter((score) => score !== null);
  if (scored.length === 0) return null;
  return scored.reduce((sum, score) => sum + score, 0) / scored.length;
}

/** The report of a judge that asks nobody and scores every item. */
export function freeReport(scores: readonly number[]): JudgeReport {
  const tokens = { prompt: 0, reply: 0 };
  return { scores, refusals: 0, failures: 0, unscored: [], requests: 0, cached: 0, tokens, cost: null };
}
