import { describe, expect, it } from 'vitest';
import { preferenceScores, prefersChosen, rewardMargin, rowScores } from '../../src/eval/preference.ts';

const rows = rowScores(
  [
    { index: 0, chosenTokens: 4, rejectedTokens: 2 },
    { index: 3, chosenTokens: 2, rejectedTokens: 2 },
    { index: 4, chosenTokens: 1, rejectedTokens: 1 },
  ],
  { chosen: Float64Array.from([-8, -6, -1]), rejected: Float64Array.from([-6, -5, -1]) },
  { chosen: Float64Array.from([-9, -5, -1]), rejected: Float64Array.from([-5, -5, -1]) },
);

describe('preference scores', () => {
  it('compares mean log-probs per token, and a tie is no preference', () => {
    // −8/4 = −2 > −6/2 = −3, though the sum −8 is below −6; −3 < −2.5; −1 = −1
    expect(rows.map(prefersChosen)).toEqual([1, 0, 0]);
  });

  it('measures the margin against the base', () => {
    // (−8 + 9) − (−6 + 5) = 2; (−6 + 5) − 0 = −1; 0
    expect(rows.map(rewardMargin)).toEqual([2, -1, 0]);
  });

  it('averages over rows, in percent and nats', () => {
    const scores = preferenceScores(rows);
    expect(scores.preferenceAccuracy).toBeCloseTo(100 / 3, 12);
    expect(scores.rewardAccuracy).toBeCloseTo(100 / 3, 12);
    expect(scores.margin).toBeCloseTo(1 / 3, 12);
  });

  it('keeps the rows’ positions in their file', () => {
    expect(rows.map((row) => row.index)).toEqual([0, 3, 4]);
  });
});
