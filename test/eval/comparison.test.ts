import { describe, expect, it } from 'vitest';
import { compareRows } from '../../src/eval/comparison/compare-rows.ts';
import { compareSeeds } from '../../src/eval/comparison/compare-seeds.ts';
import type { RowMatrix } from '../../src/eval/comparison/row-matrix.ts';
import { bootstrapDifference, bootstrapMean, meanInterval } from '../../src/eval/statistics.ts';
import { Random } from '../../src/support/random.ts';

/** What two draws of a bootstrap may differ by here, where a row is a point. */
const near = (value: number | null, other: number) => expect(Math.abs(value! - other)).toBeLessThan(1.6);
const options = { resamples: 2000 };
const accuracy = (right: number, rows: number) =>
  Array.from({ length: rows }, (_, row) => (row < right ? 100 : 0));
const oneTask = (rows: readonly number[]): RowMatrix => ({ cells: [[rows]], base: [null] });

describe('a comparison over test rows', () => {
  it('is for one task what the bootstrap of a mean is, and of a paired difference', () => {
    const [one, other] = [accuracy(60, 100), accuracy(45, 100)];
    const { runs, differences } = compareRows([oneTask(one), oneTask(other)], options);
    const alone = bootstrapMean(one, Random.fromSeed(1));
    expect(runs[0]!.statistics.last.estimate).toBe(60);
    near(runs[0]!.statistics.last.low, alone.low);
    near(runs[0]!.statistics.last.high, alone.high);
    expect(runs[0]!.tasks[0]).toEqual(runs[0]!.statistics.last);
    const paired = bootstrapDifference(other, one, Random.fromSeed(1));
    expect(differences[0]!.statistics.last.estimate).toBe(15);
    near(differences[0]!.statistics.last.low, paired.low);
  });

  it('has the p-value of the sign test where rows differ by right and wrong', () => {
    // 7 rows for the one, 1 for the other, of 8 fair coins: 2·(1 + 8)/256 = 0.0703
    const one = [...accuracy(7, 8), 100, 100, 0];
    const other = [...accuracy(7, 8).map((value) => 100 - value), 100, 100, 0];
    const { differences } = compareRows([oneTask(one), oneTask(other)], { resamples: 20_000 });
    expect(differences[0]!.statistics.last.pValue).toBeCloseTo(0.0703, 2);
  });

  it('tells equal runs apart by nothing', () => {
    const run = oneTask(accuracy(30, 60));
    const { last } = compareRows([run, run], options).differences[0]!.statistics;
    expect(last).toEqual({ estimate: 0, low: 0, high: 0, pValue: 1 });
  });

  it('keeps the rows of a task together over cells and runs', () => {
    // Every row gains 10 from one stage to the next, and the second run is 5 ahead on each: no interval has width.
    const rows = Array.from({ length: 50 }, (_, row) => row);
    const plus = (by: number) => rows.map((value) => value + by);
    const at = (ahead: number): RowMatrix => ({
      cells: [
        [plus(ahead), plus(ahead + 3)],
        [plus(ahead + 10), plus(ahead)],
      ],
      base: [rows, rows],
    });
    const { runs, differences } = compareRows([at(5), at(0)], options);
    for (const [name, value] of [
      ['bwt', 10],
      ['forgetting', -10],
      ['fwt', 8],
    ] as const) {
      const { estimate, low, high } = runs[0]!.statistics[name];
      for (const number of [estimate, low, high]) expect(number).toBeCloseTo(value, 9);
    }
    expect(runs[0]!.statistics.last.high! - runs[0]!.statistics.last.low!).toBeGreaterThan(3);
    const { last } = differences[0]!.statistics;
    for (const number of [last.estimate, last.low, last.high]) expect(number).toBeCloseTo(5, 9);
    expect(last.pValue).toBeLessThan(0.01);
  });

  it('has no number for what one of the runs did not measure, and the others all the same', () => {
    const rows = accuracy(10, 20);
    const all: RowMatrix = {
      cells: [
        [rows, rows],
        [rows, rows],
      ],
      base: [rows, rows],
    };
    const seen: RowMatrix = {
      cells: [
        [rows, null],
        [rows, rows],
      ],
      base: [rows, rows],
    };
    const nothing = { estimate: null, low: null, high: null };
    const { runs, differences } = compareRows([all, seen], options);
    expect(runs[0]!.statistics.fwt.estimate).toBe(0);
    expect(runs[1]!.statistics.fwt).toEqual(nothing);
    expect(differences[0]!.statistics.fwt).toEqual({ ...nothing, pValue: null });
    expect(differences[0]!.statistics.last.pValue).toBe(1);
  });

  it('repeats with the same seed', () => {
    const runs = [oneTask(accuracy(31, 60)), oneTask(accuracy(20, 60))];
    expect(compareRows(runs, { resamples: 100 })).toEqual(compareRows(runs, { resamples: 100 }));
    expect(compareRows(runs, { resamples: 100, seed: 1 })).not.toEqual(compareRows(runs, { resamples: 100 }));
  });
});

describe('a comparison over seeds', () => {
  it('has means with t intervals, and differences paired by seed', () => {
    const runs = (rights: readonly number[]) => rights.map((right) => oneTask(accuracy(right, 100)));
    const { runs: names, differences } = compareSeeds([runs([60, 70, 80]), runs([50, 61, 69])]);
    const expected = meanInterval([60, 70, 80]);
    expect(names[0]!.statistics.last.estimate).toBeCloseTo(70, 12);
    expect(names[0]!.statistics.last.high).toBeCloseTo(70 + expected.margin, 9);
    const paired = meanInterval([10, 9, 11]);
    expect(differences[0]!.statistics.last.estimate).toBeCloseTo(10, 12);
    expect(differences[0]!.statistics.last.low).toBeCloseTo(10 - paired.margin, 9);
    expect(differences[0]!.statistics.last.pValue).toBeCloseTo(paired.pValue, 12);
    expect(differences[0]!.statistics.bwt).toEqual({ estimate: null, low: null, high: null, pValue: null });
  });
});
