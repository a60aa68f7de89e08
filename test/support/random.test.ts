import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';

const draw = (random: Random, count: number) => Array.from({ length: count }, () => random.uniform());

describe('Random', () => {
  it('keeps giving these numbers: results recorded with a seed stay reproducible', () => {
    const random = Random.fromSeed(0);
    expect([random.integer(1000), random.integer(1000), random.integer(1000)]).toEqual([272, 66, 162]);
    expect(random.uniform()).toBe(0.18544441799930123);
    expect(random.fork('batches').shuffle([0, 1, 2, 3, 4, 5, 6, 7])).toEqual([7, 6, 5, 0, 4, 1, 3, 2]);
  });

  it('repeats itself from a seed, its forks however much was drawn before', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(50), (seed, drawn) => {
        const random = Random.fromSeed(seed);
        expect(draw(Random.fromSeed(seed), 10)).toEqual(draw(Random.fromSeed(seed), 10));
        draw(random, drawn);
        expect(draw(random.fork('x'), 3)).toEqual(draw(Random.fromSeed(seed).fork('x'), 3));
      }),
    );
  });

  it('gives unrelated streams for neighbouring seeds and for different labels', () => {
    const streams = [
      Random.fromSeed(1),
      Random.fromSeed(2),
      Random.fromSeed(1).fork('a'),
      Random.fromSeed(1).fork('b'),
      Random.fromSeed(1).fork('a').fork('a'),
    ].map((random) => draw(random, 20_000));
    for (const [i, a] of streams.entries()) {
      for (const b of streams.slice(i + 1)) {
        // The correlation of 20,000 independent pairs has a standard deviation of 0.007.
        expect(Math.abs(correlation(a, b))).toBeLessThan(0.035);
      }
    }
  });

  it('forks alike however many numbers were drawn', () => {
    const random = Random.fromSeed(5);
    const before = draw(random.fork('x'), 5);
    draw(random, 100);
    expect(draw(random.fork('x'), 5)).toEqual(before);
  });

  it('draws uniform numbers in [0, 1)', () => {
    const numbers = draw(Random.fromSeed(3), 100_000);
    expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true);
    // Standard deviations of these means: 0.29 / sqrt(100,000) = 0.0009 and 0.0009 for the squares.
    expect(mean(numbers)).toBeCloseTo(1 / 2, 2);
    expect(mean(numbers.map((x) => x * x))).toBeCloseTo(1 / 3, 2);
  });

  it('draws every integer below n equally often', () => {
    const random = Random.fromSeed(4);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[random.integer(10)]! += 1;
    expect(chiSquare(counts, 10_000)).toBeLessThan(27.9); // 9 degrees of freedom, p = 0.001
  });

  it('shuffles into every order equally often, leaving the items as they were', () => {
    const random = Random.fromSeed(6);
    const items = ['a', 'b', 'c', 'd'] as const;
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = random.shuffle(items).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(chiSquare([...counts.values()], 1000)).toBeLessThan(49.7); // 23 degrees of freedom, p = 0.001
    expect(items).toEqual(['a', 'b', 'c', 'd']);
  });

  it('samples different items, each equally often', () => {
    const random = Random.fromSeed(7);
    const items = [0, 1, 2, 3, 4, 5];
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 12_000; i++) {
      const sample = random.sample(items, 3);
      expect(new Set(sample).size).toBe(3);
      for (const item of sample) counts[item]! += 1;
    }
    // Each count is binomial(12,000, 1/2): a standard deviation of 55.
    for (const count of counts) expect(Math.abs(count - 6000)).toBeLessThan(275);
    expect(random.sample(items, 0)).toEqual([]);
    expect(random.sample(items, 6).sort()).toEqual(items);
  });

  it('refuses what has no answer', () => {
    const random = Random.fromSeed(0);
    expect(() => random.integer(0)).toThrow(RangeError);
    expect(() => random.integer(1.5)).toThrow(RangeError);
    expect(() => random.sample([1, 2], 3)).toThrow('cannot draw 3 of 2 items');
  });
});

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  const covariance = mean(a.map((x, i) => (x - meanA) * ((b[i] as number) - meanB)));
  const variance = (x: readonly number[], centre: number) => mean(x.map((value) => (value - centre) ** 2));
  return covariance / Math.sqrt(variance(a, meanA) * variance(b, meanB));
}

function chiSquare(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
