import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalQuantile, normalWithin } from '../../src/eval/normal.ts';
import { pairedScore, pairedShareDifference } from '../../src/eval/paired-shares.ts';
import { Random } from '../../src/support/random.ts';

/** So many rows right before and wrong after, so many the other way round, of all. */
function pairs({ rows, gained, lost }: { rows: number; gained: number; lost: number }) {
  const before = Array.from({ length: rows }, (_, at) => (at >= lost && at < lost + gained ? 0 : 100));
  const after = Array.from({ length: rows }, (_, at) => (at < lost ? 0 : 100));
  return [before, after] as const;
}

const difference = (counts: { rows: number; gained: number; lost: number }, level = 0.95) =>
  pairedShareDifference(...pairs(counts), level);

describe('the normal distribution', () => {
  it('has the quantiles of tables', () => {
    expect(normalQuantile(0.95)).toBeCloseTo(1.959963984540054, 12);
    expect(normalQuantile(0.99)).toBeCloseTo(2.5758293035489004, 12);
    expect(normalQuantile(0.6826894921370859)).toBeCloseTo(1, 12);
    expect(normalWithin(0)).toBe(0);
    expect(normalWithin(8)).toBeCloseTo(1, 12);
  });
});

describe('the interval of a difference of paired shares', () => {
  it('ends where the score is the level’s quantile', () => {
    const counts = { rows: 44, gained: 0, lost: 1 };
    const { estimate, low, high } = difference(counts);
    expect(estimate).toBe(-100 / 44);
    expect(difference({ rows: 80, gained: 41, lost: 0 }).estimate).toBe(51.25);
    expect(pairedScore(counts, low / 100)).toBeCloseTo(normalQuantile(0.95), 8);
    expect(pairedScore(counts, high / 100)).toBeCloseTo(-normalQuantile(0.95), 8);
  });

  it('where nothing turned, reaches to z² / (n + z²) on both sides', () => {
    const square = normalQuantile(0.95) ** 2;
    for (const rows of [1, 10, 80]) {
      const { estimate, low, high } = difference({ rows, gained: 0, lost: 0 });
      expect(estimate).toBe(0);
      expect(high).toBeCloseTo((100 * square) / (rows + square), 8);
      expect(low).toBeCloseTo(-high, 10);
    }
  });

  it('ends at 100 where all rows turned', () => {
    expect(difference({ rows: 10, gained: 10, lost: 0 })).toMatchObject({ estimate: 100, high: 100 });
  });

  const counts = fc
    .tuple(fc.integer({ min: 1, max: 60 }), fc.nat(60), fc.nat(60))
    .map(([rows, one, other]) => {
      const gained = Math.min(one, rows);
      return { rows, gained, lost: Math.min(other, rows - gained) };
    });

  it('turns round with before and after, holds the estimate, and widens with the level', () => {
    fc.assert(
      fc.property(counts, ({ rows, gained, lost }) => {
        const { estimate, low, high } = difference({ rows, gained, lost });
        const turned = difference({ rows, gained: lost, lost: gained });
        expect(turned.low).toBeCloseTo(-high, 8);
        expect(low).toBeLessThanOrEqual(estimate);
        expect(high).toBeGreaterThanOrEqual(estimate);
        const wider = difference({ rows, gained, lost }, 0.99);
        expect(wider.low).toBeLessThanOrEqual(low);
        expect(wider.high).toBeGreaterThanOrEqual(high);
      }),
      { numRuns: 100 },
    );
  });

  it('has the score of the likeliest shares, found here by trying them all', () => {
    const likeliest = (rows: number, gained: number, lost: number, delta: number) => {
      const steps = 20_000;
      let [best, found] = [Number.NEGATIVE_INFINITY, 0];
      for (let step = 0; step <= steps; step++) {
        const share = Math.max(0, -delta) + (step / steps) * ((1 - Math.abs(delta)) / 2);
        const shares = [share + delta, share, 1 - 2 * share - delta];
        const likelihood = [gained, lost, rows - gained - lost].reduce(
          (sum, count, at) => sum + (count === 0 ? 0 : count * Math.log(Math.max(0, shares[at]!))),
          0,
        );
        if (likelihood > best) [best, found] = [likelihood, share];
      }
      return found;
    };
    for (const [rows, gained, lost, delta] of [
      [10, 3, 2, 0.3],
      [10, 3, 2, -0.4],
      [44, 1, 0, 0.1],
      [10, 0, 4, -0.2],
      [30, 2, 7, 0.05],
    ] as const) {
      const share = likeliest(rows, gained, lost, delta);
      const variance = rows * (2 * share + delta * (1 - delta));
      const expected = (gained - lost - rows * delta) / Math.sqrt(variance);
      expect(pairedScore({ rows, gained, lost }, delta)).toBeCloseTo(expected, 3);
    }
  });

  it('holds the true difference about as often as it says, of few rows that seldom turn too', () => {
    const random = Random.fromSeed(1);
    for (const [rows, gain, loss] of [
      [10, 0, 0.1],
      [20, 0.05, 0.05],
      [40, 0.1, 0.3],
    ] as const) {
      let covered = 0;
      const trials = 1000;
      for (let trial = 0; trial < trials; trial++) {
        const counts = { rows, gained: 0, lost: 0 };
        for (let row = 0; row < rows; row++) {
          const drawn = random.uniform();
          if (drawn < gain) counts.gained++;
          else if (drawn < gain + loss) counts.lost++;
        }
        const { low, high } = difference(counts);
        if (low <= 100 * (gain - loss) && high >= 100 * (gain - loss)) covered++;
      }
      expect(covered / trials).toBeGreaterThan(0.93);
    }
  });

  it('refuses lists of other lengths', () => {
    expect(() => pairedShareDifference([], [], 0.95)).toThrow(RangeError);
    expect(() => pairedShareDifference([100], [100, 0], 0.95)).toThrow(RangeError);
  });
});
