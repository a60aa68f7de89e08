import { describe, expect, it } from 'vitest';
import { bootstrapDifference, bootstrapMean } from '../../src/eval/statistics.ts';
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
