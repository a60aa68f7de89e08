/** Choosing tokens, on distributions small enough to work out by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRanges } from '../../src/engine/generation-ranges.ts';
import {
  distribution,
  draw,
  largestAt,
  nextToken,
  penalise,
  type SamplingSettings,
} from '../../src/engine/sampling.ts';

/** Logits of these probabilities: their logarithms, moved by a constant that must not matter. */
const logitsOf = (...probabilities: number[]) => Float32Array.from(probabilities, (p) => Math.log(p) + 3);

// Token 3 is the most probable, then 1, 0, 4, 2.
const five = logitsOf(0.15, 0.25, 0.05, 0.45, 0.1);

function expectDistribution(
  logits: Float32Array,
  settings: SamplingSettings,
  expected: Readonly<Record<number, number>>,
): void {
  const { tokens, probabilities } = distribution(logits, settings);
  expect([...tokens]).toEqual(Object.keys(expected).map(Number));
  Object.values(expected).forEach((value, at) => {
    expect(probabilities[at]).toBeCloseTo(value, 6);
  });
}

const settings = fc.record({
  temperature: fc.double({ min: 0.1, max: 4, noNaN: true }),
  topK: fc.nat(12),
  topP: fc.double({ min: 0.05, max: 1, noNaN: true }),
  minP: fc.double({ min: 0, max: 1, noNaN: true }),
});
const someLogits = fc
  .array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 10 })
  .map((values) => Float32Array.from(values, (value) => value / 4));

describe('what is drawn from', () => {
  it('is everything, by default', () => {
    expectDistribution(five, { temperature: 1 }, { 0: 0.15, 1: 0.25, 2: 0.05, 3: 0.45, 4: 0.1 });
  });

  it('is sharpened by the temperature: probabilities to the power of 1/T', () => {
    // 0.2² : 0.8² = 0.04 : 0.64, of 0.68 in all.
    expectDistribution(logitsOf(0.2, 0.8), { temperature: 0.5 }, { 0: 0.04 / 0.68, 1: 0.64 / 0.68 });
  });

  it('is the k most probable tokens', () => {
    expectDistribution(five, { temperature: 1, topK: 2 }, { 1: 0.25 / 0.7, 3: 0.45 / 0.7 });
    expectDistribution(five, { temperature: 1, topK: 1 }, { 3: 1 });
    // More than there are.
    expectDistribution(logitsOf(0.5, 0.5), { temperature: 1, topK: 9 }, { 0: 0.5, 1: 0.5 });
    // The second and the third are equal: both stay, as in transformers.
    expectDistribution(logitsOf(0.25, 0.5, 0.25), { temperature: 1, topK: 2 }, { 0: 0.25, 1: 0.5, 2: 0.25 });
  });

  it('is the fewest tokens that reach the mass', () => {
    // 0.45 + 0.25 = 0.7 reaches 0.6; 0.45 alone does not.
    expectDistribution(five, { temperature: 1, topP: 0.6 }, { 1: 0.25 / 0.7, 3: 0.45 / 0.7 });
    // 0.45 + 0.25 + 0.15 = 0.85 reaches 0.8.
    expectDistribution(
      five,
      { temperature: 1, topP: 0.8 },
      { 0: 0.15 / 0.85, 1: 0.25 / 0.85, 3: 0.45 / 0.85 },
    );
    // However little is asked for, one token stays.
    expectDistribution(five, { temperature: 1, topP: 1e-9 }, { 3: 1 });
  });

  it('is what comes near the most probable token', () => {
    // At least 0.3 · 0.45 = 0.135.
    expectDistribution(
      five,
      { temperature: 1, minP: 0.3 },
      { 0: 0.15 / 0.85, 1: 0.25 / 0.85, 3: 0.45 / 0.85 },
    );
    expectDistribution(five, { temperature: 1, minP: 1 }, { 3: 1 });
  });

  it('is cut in order: each cut sees what the one before left', () => {
    // Of the top 3 (0.85): 3 has 0.529, 1 has 0.294, together 0.823, which reaches 0.8. Without top-k 0.8
    // would take a third token.
    expectDistribution(five, { temperature: 1, topK: 3, topP: 0.8 }, { 1: 0.25 / 0.7, 3: 0.45 / 0.7 });
    // At temperature 1/2 squares are compared: 0.0625 is less than 0.4 · 0.2025, though 0.25 > 0.4 · 0.45.
    expectDistribution(five, { temperature: 0.5, minP: 0.4 }, { 3: 1 });
  });

  it('adds up to 1, ascends, and has the most probable token', () => {
    fc.assert(
      fc.property(someLogits, settings, (logits, some) => {
        const { tokens, probabilities } = distribution(logits, some);
        expect(probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
        expect([...tokens]).toEqual([...tokens].sort((a, b) => a - b));
        expect([...tokens].map((token) => logits[token])).toContain(Math.max(...logits));
      }),
    );
  });

  it('keeps the k largest of any logits', () => {
    fc.assert(
      fc.property(someLogits, fc.integer({ min: 1, max: 10 }), (logits, topK) => {
        const least = [...logits].sort((a, b) => b - a)[Math.min(topK, logits.length) - 1] as number;
        const expected = [...logits.keys()].filter((token) => (logits[token] as number) >= least);
        expect([...distribution(logits, { temperature: 1, topK }).tokens]).toEqual(expected);
      }),
    );
  });
});

describe('a token', () => {
  it('is drawn where the running sum passes the number', () => {
    const two = { tokens: Int32Array.of(4, 7), probabilities: Float64Array.of(0.25, 0.75) };
    expect([0, 0.2499, 0.25, 0.9999].map((uniform) => draw(two, uniform))).toEqual([4, 4, 7, 7]);
    const short = { tokens: Int32Array.of(4, 7, 9), probabilities: Float64Array.of(0.25, 0.7, 0) };
    expect(draw(short, 0.9999)).toBe(7);
  });

  it('is the most probable one at temperature 0, and nothing is drawn', () => {
    const never = () => {
      throw new Error('drawn');
    };
    expect(nextToken(five, {}, [], never)).toBe(3);
    expect(nextToken(five, { temperature: 0, topK: 3, topP: 0.1 }, [], never)).toBe(3);
    expect(largestAt(Float32Array.of(-5, 2, 2, 1))).toBe(1);
  });

  it('is drawn from the distribution', () => {
    const some = { temperature: 0.7, topP: 0.9 };
    for (const uniform of [0, 0.3, 0.6, 0.99]) {
      expect(nextToken(five, some, [], () => uniform)).toBe(draw(distribution(five, some), uniform));
    }
  });

  it('that was seen is less probable: positive logits divided, negative multiplied, once', () => {
    const logits = Float32Array.of(3, -2, 1, 0);
    expect([...penalise(logits, [0, 1, 0, 3], 2)]).toEqual([1.5, -4, 1, 0]);
    // What stands for a soft prompt has no logit.
    expect([...penalise(logits, [4, 0, 99], 2)]).toEqual([1.5, -2, 1, 0]);
    expect([...logits]).toEqual([3, -2, 1, 0]);
    // Also when the most probable one is taken.
    expect(nextToken(logits, { repetitionPenalty: 4 }, [0], () => 0)).toBe(2);
    expect(nextToken(logits, { repetitionPenalty: 1 }, [0], () => 0)).toBe(0);
  });
});

it('nothing is drawn where no token has a probability', () => {
  const overflown = distribution(Float32Array.of(Infinity, 1), { temperature: 1 });
  expect(() => draw(overflown, 0.5)).toThrow('no token has a positive probability');
});

describe('settings', () => {
  it.each([
    [{ temperature: -1 }, 'temperature'],
    [{ temperature: Number.NaN }, 'temperature'],
    [{ topK: 1.5 }, 'top-k'],
    [{ topP: 0 }, 'top-p'],
    [{ topP: 1.1 }, 'top-p'],
    [{ minP: -0.1 }, 'min-p'],
    [{ repetitionPenalty: 0 }, 'repetition-penalty'],
    [{ repetitionPenalty: 101 }, 'repetition-penalty'],
    [{ seed: -1 }, 'seed'],
    [{ seed: 2 ** 60 }, 'seed'],
    [{ maxNewTokens: 0 }, 'max-new-tokens'],
  ])('%j are refused by name', (given, name) => {
    expect(() => checkRanges(given)).toThrow(`${name}: expected`);
  });

  it('that make sense are taken', () => {
    fc.assert(fc.property(settings, (some) => checkRanges(some)));
    checkRanges({});
  });
});
