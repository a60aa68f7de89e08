import { describe, expect, it } from 'vitest';
import { bootstrapDifference, bootstrapMean, meanInterval } from '../../src/eval/statistics.ts';
import { Random } from '../../src/support/random.ts';

const random = () => Random.fromSeed(7);
const accuracy = (right: number, rows: number) =>
  Array.from({ length: rows }, (_, row) => (row < right ? 100 : 0));

describe('bootstrap intervals', () => {
  it('agree with the normal approximation for an accuracy over many rows', () => {
    // 60 % of 400 rows: standard error 100·√(0.6·0.4/400) = 2.449, so 60 ± 1.96·2.449 = 55.2 .. 64.8
    const interval = bootstrapMean(accuracy(240, 400), random());
    expect(interval.estimate).toBe(60);
    expect(interval.low).toBeCloseTo(55.2, 0);
    expect(interval.high).toBeCloseTo(64.8, 0);
  });

  it('are narrower at a lower level', () => {
    const wide = bootstrapMean(accuracy(60, 100), random(), { level: 0.99 });
    const narrow = bootstrapMean(accuracy(60, 100), random(), { level: 0.5 });
    expect(narrow.high - narrow.low).toBeLessThan(wide.high - wide.low);
  });

  it('repeat with the same seed', () => {
    const values = [0.1, 1.7, 2.9, 3.2, 5.5];
    expect(bootstrapMean(values, random())).toEqual(bootstrapMean(values, random()));
    const few = bootstrapMean(values, random(), { resamples: 100 });
    expect(few).not.toEqual(bootstrapMean(values, random()));
  });

  it('cover the true mean about as often as they say', () => {
    const source = Random.fromSeed(1);
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const values = Array.from({ length: 60 }, () => source.uniform());
      const { low, high } = bootstrapMean(values, source, { resamples: 400, level: 0.9 });
      covered += low <= 0.5 && 0.5 <= high ? 1 : 0;
    }
    expect(covered).toBeGreaterThan(165);
    expect(covered).toBeLessThan(195);
  });

  it('are far narrower for paired differences than for the scores themselves', () => {
    // Rows differ widely, the two policies by about 1 on each.
    const before = Array.from({ length: 100 }, (_, row) => row);
    const after = before.map((value, row) => value + 1 + (row % 2) * 0.1);
    const difference = bootstrapDifference(before, after, random());
    expect(difference.estimate).toBeCloseTo(1.05, 10);
    expect(difference.low).toBeGreaterThan(1.02);
    expect(difference.high).toBeLessThan(1.08);
  });

  it('refuse what they cannot be computed for', () => {
    expect(() => bootstrapMean([], random())).toThrow(/at least one value/);
    expect(() => bootstrapDifference([1], [1, 2], random())).toThrow(/equally many/);
  });
});

describe('means over seeds', () => {
  it('have the hand-worked t interval and test', () => {
    // Mean 3, deviation √2.5, error √0.5 = 0.7071; t(4) = 2.7764; t = 3/0.7071 = 4.2426, p = 0.01324
    const { mean, margin, pValue } = meanInterval([1, 2, 3, 4, 5]);
    expect(mean).toBe(3);
    expect(margin).toBeCloseTo(2.7764 * Math.sqrt(0.5), 3);
    expect(pValue).toBeCloseTo(0.01324, 4);
  });

  it('take any number of seeds', () => {
    const many = Array.from({ length: 40 }, (_, seed) => seed % 2);
    // Deviation √(10/39), error 0.08006, t(39) = 2.0227
    expect(meanInterval(many).margin).toBeCloseTo(2.0227 * Math.sqrt(10 / 39 / 40), 4);
  });

  it('say that one seed shows nothing, and what equal seeds show', () => {
    expect(meanInterval([4])).toEqual({ mean: 4, margin: Number.NaN, pValue: Number.NaN });
    expect(meanInterval([4, 4])).toEqual({ mean: 4, margin: 0, pValue: 0 });
    expect(meanInterval([0, 0])).toEqual({ mean: 0, margin: 0, pValue: 1 });
    expect(() => meanInterval([])).toThrow(/at least one value/);
  });
});
