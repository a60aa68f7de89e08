import { describe, expect, it } from 'vitest';
import { bootstrapRatio, bootstrapRatioDifference, type RatioRow, ratioOf } from '../../src/eval/ratios.ts';
import { bootstrapMean } from '../../src/eval/statistics.ts';
import { Random } from '../../src/support/random.ts';

const seeded = () => Random.fromSeed(7);
const rows = (...pairs: readonly (readonly [number, number])[]): RatioRow[] =>
  pairs.map(([sum, tokens]) => ({ sum, tokens }));

describe('a ratio over rows', () => {
  it('is that of the sums: long rows weigh more', () => {
    expect(ratioOf(rows([1, 1], [3, 3], [0, 4]))).toBe(0.5);
  });

  it('has the interval of a mean where every row has one token', () => {
    const values = Array.from({ length: 40 }, (_, at) => (at * 7) % 11);
    const options = { resamples: 500 };
    const mean = bootstrapMean(values, seeded(), options);
    expect(bootstrapRatio(rows(...values.map((value) => [value, 1] as const)), seeded(), options)).toEqual(
      mean,
    );
  });

  it('has no width where all rows have the same ratio, however long they are', () => {
    const { estimate, low, high } = bootstrapRatio(rows([2, 4], [5, 10], [0.5, 1]), seeded());
    for (const value of [estimate, low, high]) expect(value).toBeCloseTo(0.5, 12);
  });

  it('is as wide as the delta method says', () => {
    const random = Random.fromSeed(3);
    const many = Array.from({ length: 200 }, () => {
      const tokens = 1 + random.integer(30);
      return { sum: tokens * (0.3 + 0.2 * random.uniform()), tokens };
    });
    const ratio = ratioOf(many);
    const meanTokens = many.reduce((sum, { tokens }) => sum + tokens, 0) / many.length;
    const squares = many.reduce((sum, row) => sum + (row.sum - ratio * row.tokens) ** 2, 0);
    const error = Math.sqrt(squares / many.length) / meanTokens / Math.sqrt(many.length);
    const { low, high } = bootstrapRatio(many, seeded(), { resamples: 4000 });
    expect((high - low) / (2 * 1.96 * error)).toBeCloseTo(1, 1);
  });
});

describe('a difference of ratios on the same rows', () => {
  it('cancels what makes a row hard', () => {
    const one = rows([1, 10], [50, 10], [100, 10]);
    const other = one.map(({ sum, tokens }) => ({ sum: sum - 1, tokens }));
    const { estimate, low, high } = bootstrapRatioDifference(one, other, seeded());
    for (const value of [estimate, low, high]) expect(value).toBeCloseTo(0.1, 12);
  });

  it('has the p-value of the sign test where rows differ by equal amounts', () => {
    // 7 rows for the one, 1 for the other, of 8 fair coins: 2·(1 + 8)/256 = 0.0703
    const one = rows(...Array.from({ length: 8 }, (_, at) => [at < 7 ? 1 : 0, 1] as const));
    const other = rows(...Array.from({ length: 8 }, (_, at) => [at < 7 ? 0 : 1, 1] as const));
    const { pValue } = bootstrapRatioDifference(one, other, seeded(), { resamples: 20_000 });
    expect(pValue).toBeCloseTo(0.0703, 2);
  });

  it('refuses rows that are not the same', () => {
    expect(() => bootstrapRatioDifference(rows([1, 1]), [], seeded())).toThrow(RangeError);
    expect(() => bootstrapRatio([], seeded())).toThrow(RangeError);
  });
});
