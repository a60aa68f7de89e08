import { describe, expect, it } from 'vitest';
import { summariseMatrix } from '../../src/eval/matrix.ts';

describe('the result matrix', () => {
  it('gives the hand-worked Last, BWT and AP of three tasks', () => {
    // Last = (60 + 70 + 95) / 3 = 75
    // BWT = ((60 − 80) + (70 − 90)) / 2 = −20
    // AP = (80 + (70 + 90)/2 + (60 + 70 + 95)/3) / 3 = (80 + 80 + 75) / 3
    const summary = summariseMatrix([
      [80, null, null],
      [70, 90, null],
      [60, 70, 95],
    ]);
    expect(summary.last).toBe(75);
    expect(summary.bwt).toBe(-20);
    expect(summary.ap).toBeCloseTo(235 / 3, 12);
  });

  it('does not read tasks still to come', () => {
    const seen = summariseMatrix([
      [80, null],
      [70, 90],
    ]);
    const all = summariseMatrix([
      [80, 10],
      [70, 90],
    ]);
    expect([all.last, all.bwt, all.ap]).toEqual([seen.last, seen.bwt, seen.ap]);
  });

  it('has no backward transfer for one task', () => {
    expect(summariseMatrix([[50]])).toEqual({ matrix: [[50]], last: 50, bwt: null, ap: 50 });
  });

  it('leaves out what was not measured yet', () => {
    const summary = summariseMatrix([
      [80, null],
      [null, null],
    ]);
    expect([summary.last, summary.bwt, summary.ap]).toEqual([null, null, null]);
    expect(summariseMatrix([])).toEqual({ matrix: [], last: null, bwt: null, ap: null });
  });
});
