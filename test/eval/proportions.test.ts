/** Fisher's exact test, on numbers worked by hand and against sums of exact binomials. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fisherHigher, type Share } from '../../src/eval/proportions.ts';

describe('Fisher’s exact test', () => {
  it('is that of the lady tasting tea', () => {
    // Four cups of eight with milk first. All four named: 1 of C(8, 4) = 70 ways; three or more: 1 + 4·4 of them.
    expect(fisherHigher({ hits: 4, count: 4 }, { hits: 0, count: 4 })).toBeCloseTo(1 / 70, 12);
    expect(fisherHigher({ hits: 3, count: 4 }, { hits: 1, count: 4 })).toBeCloseTo(17 / 70, 12);
    expect(fisherHigher({ hits: 0, count: 4 }, { hits: 4, count: 4 })).toBe(1);
  });

  it('says nothing of what was never counted', () => {
    expect(fisherHigher({ hits: 0, count: 0 }, { hits: 5, count: 9 })).toBe(1);
    expect(fisherHigher({ hits: 5, count: 9 }, { hits: 0, count: 0 })).toBe(1);
    expect(() => fisherHigher({ hits: 2, count: 1 }, { hits: 0, count: 1 })).toThrow(RangeError);
    expect(() => fisherHigher({ hits: 0.5, count: 1 }, { hits: 0, count: 1 })).toThrow(RangeError);
  });

  it('is the sum of exact hypergeometric terms', () => {
    const share = fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([count, rate]): Share => ({ count, hits: Math.round(rate * count) }));
    fc.assert(
      fc.property(share, share, (one, other) => {
        expect(fisherHigher(one, other)).toBeCloseTo(exact(one, other), 9);
      }),
    );
  });

  it('holds at counts far beyond what factorials fit', () => {
    const p = fisherHigher({ hits: 600, count: 10_000 }, { hits: 4500, count: 90_000 });
    // About the normal approximation: a difference of 0.01 at a standard error of 0.0023.
    expect(p).toBeGreaterThan(1e-6);
    expect(p).toBeLessThan(1e-4);
  });
});

function exact(one: Share, other: Share): number {
  const hits = one.hits + other.hits;
  let ways = 0n;
  for (let h = one.hits; h <= Math.min(one.count, hits); h++) {
    ways += choose(one.count, h) * choose(other.count, hits - h);
  }
  return Number((ways * 10n ** 18n) / choose(one.count + other.count, hits)) / 1e18;
}

function choose(from: number, chosen: number): bigint {
  if (chosen < 0 || chosen > from) return 0n;
  let ways = 1n;
  for (let at = 1; at <= chosen; at++) ways = (ways * BigInt(from - chosen + at)) / BigInt(at);
  return ways;
}
