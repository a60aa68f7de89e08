/**
 * How well a policy's preferences agree with the rows', from log-probs alone: cheap, exact and without a
 * judge. Fed by the engine's `score` after each task.
 */
import type { RowLogProbs } from '../engine/engine.ts';

/** One test row under one policy. Log-probs are sums over the response's tokens, natural log. */
export interface RowScore {
  /** The row's position in its data file, from 0. */
  readonly index: number;
  readonly chosenLogp: number;
  readonly rejectedLogp: number;
  readonly referenceChosenLogp: number;
  readonly referenceRejectedLogp: number;
  /** Response lengths in tokens, the closing end-of-sequence token included. */
  readonly chosenTokens: number;
  readonly rejectedTokens: number;
}

export interface PreferenceScores {
  /** % of rows whose chosen response has the higher mean log-prob per token under the policy. */
  readonly preferenceAccuracy: number;
  /** % of rows with r > 0, r being the policy's log-ratio over the base, chosen minus rejected. */
  readonly rewardAccuracy: number;
  /** Mean r / beta in nats: how much further apart policy than base puts the two responses. */
  readonly margin: number;
}

/** 1 where the chosen response has the higher mean log-prob per token, else 0 (a tie is no preference). */
export function prefersChosen(row: RowScore): 0 | 1 {
  return row.chosenLogp / row.chosenTokens > row.rejectedLogp / row.rejectedTokens ? 1 : 0;
}

/** r / beta: (log π(chosen) − log π_base(chosen)) − (log π(rejected) − log π_base(rejected)). */
export function rewardMargin(row: RowScore): number {
  return row.chosenLogp - row.referenceChosenLogp - (row.rejectedLogp - row.referenceRejectedLogp);
}

/** The three scores over a task's test rows; at least one row is needed. */
export function preferenceScores(rows: readonly RowScore[]): PreferenceScores {
  let preferred = 0;
  let rewarded = 0;
  let margins = 0;
  for (const row of rows) {
    const margin = rewardMargin(row);
    preferred += prefersChosen(row);
    rewarded += margin > 0 ? 1 : 0;
    margins += margin;
  }
  return {
    preferenceAccuracy: (100 * preferred) / rows.length,
    rewardAccuracy: (100 * rewarded) / rows.length,
    margin: margins / rows.length,
  };
}

/** Joins log-probs under a policy and under the base with what is known of the rows, in the same order. */
export function rowScores(
  rows: readonly { readonly index: number; readonly chosenTokens: number; readonly rejectedTokens: number }[],
  policy: RowLogProbs,
  base: RowLogProbs,
): RowScore[] {
  return rows.map((row, at) => ({
    index: row.index,
    chosenLogp: policy.chosen[at]!,
    rejectedLogp: policy.rejected[at]!,
    referenceChosenLogp: base.chosen[at]!,
    referenceRejectedLogp: base.rejected[at]!,
    chosenTokens: row.chosenTokens,
    rejectedTokens: row.rejectedTokens,
  }));
}
