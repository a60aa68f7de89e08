import { describe, expect, it } from 'vitest';
import { summariseMatrix, summariseTransfer } from '../../src/eval/matrix.ts';

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

describe('forward transfer and forgetting', () => {
  const matrix = [
    [80, 45, 30],
    [85, 90, 50],
    [60, 70, 95],
  ];

  it('have the hand-worked values of three tasks', () => {
    // FWT = ((45 − 40) + (50 − 20)) / 2 = 17.5
    // Forgetting = ((max(80, 85) − 60) + (90 − 70)) / 2 = 22.5, where −BWT is ((80 − 60) + (90 − 70)) / 2 = 20
    expect(summariseTransfer(matrix, [50, 40, 20])).toEqual({ fwt: 17.5, forgetting: 22.5 });
  });

  it('have a forgetting below 0 where a task ends better than it ever was', () => {
    const improving = [
      [50, null],
      [60, 70],
    ];
    expect(summariseTransfer(improving, [0, 0])).toEqual({ fwt: null, forgetting: -10 });
  });

  it('do not read for forgetting what a task was before it was trained on', () => {
    const lucky = [[80, 99, 99], ...matrix.slice(1)];
    expect(summariseTransfer(lucky, [50, 40, 20]).forgetting).toBe(22.5);
    const seen = matrix.map((row, at) => row.map((score, task) => (task > at ? null : score)));
    expect(summariseTransfer(seen, [50, 40, 20])).toEqual({ fwt: null, forgetting: 22.5 });
  });

  it('are null for one task, for none, and where a cell or the base is missing', () => {
    const nothing = { fwt: null, forgetting: null };
    expect(summariseTransfer([[50]], [40])).toEqual(nothing);
    expect(summariseTransfer([], [])).toEqual(nothing);
    expect(summariseTransfer(matrix, [50, null, 20])).toEqual({ fwt: null, forgetting: 22.5 });
    const unmeasured = [matrix[0]!, [null, 90, 50], matrix[2]!];
    expect(summariseTransfer(unmeasured, [50, 40, 20])).toEqual({ fwt: 17.5, forgetting: null });
  });
});
