/** Likeness by letters, and the search for documents that may be alike. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachCandidate, estimate, signatureOf } from '../../../src/learn/conflicts/minhash.ts';
import { eachShingle, jaccard, normalised, shingleSet } from '../../../src/learn/conflicts/text.ts';
import { Random } from '../../../src/support/random.ts';

const similarity = (one: string, other: string) => jaccard(shingleSet(one), shingleSet(other));
const signature = (text: string) => signatureOf((take) => eachShingle(text, take));

describe('normalised text', () => {
  it.each([
    ['  Hello,  WORLD! ', 'hello world'],
    ['ＡＢＣ１２３', 'abc123'],
    ['C++ costs 5 €?', 'c++ costs 5 €'],
    ['你好，世界。', '你好 世界'],
    ['?!...', ''],
  ])('of %j is %j', (text, expected) => expect(normalised(text)).toBe(expected));
});

describe('Jaccard similarity of shingles', () => {
  it('is right in numbers worked by hand', () => {
    // {abcd, bcde} and {abcd, bcdf}: one of three.
    expect(similarity('abcde', 'abcdf')).toBeCloseTo(1 / 3, 12);
    expect(similarity('abcd', 'abcd')).toBe(1);
    expect(similarity('abc', 'abc')).toBe(1);
    expect(similarity('abc', 'abd')).toBe(0);
    expect(similarity('', '')).toBe(1);
    expect(similarity('', 'a')).toBe(0);
    // Twice the same shingle counts once: {aaaa} and {aaaa, aaab}.
    expect(similarity('aaaaaa', 'aaaab')).toBe(1 / 2);
  });

  it('is that of sets of texts', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'é', '你'), maxLength: 30 });
    const naive = (text: string) =>
      new Set(
        text.length < 4
          ? [text].filter(Boolean)
          : Array.from(text.slice(3), (_, at) => text.slice(at, at + 4)),
      );
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        const [a, b] = [naive(one), naive(other)];
        const common = [...a].filter((shingle) => b.has(shingle)).length;
        const union = a.size + b.size - common;
        expect(similarity(one, other)).toBe(union === 0 ? 1 : common / union);
      }),
    );
  });
});

describe('MinHash signatures', () => {
  const random = Random.fromSeed(3);
  const letters = (length: number) =>
    Array.from({ length }, () => String.fromCharCode(97 + random.integer(26))).join('');
  /** The text with a share of its letters drawn again, in one stretch. */
  const altered = (text: string, share: number) => {
    const keep = Math.round(text.length * (1 - share));
    return text.slice(0, keep) + letters(text.length - keep);
  };

  it.each([40, 200, 2000])('estimate the similarity of texts of %i letters', (length) => {
    let sum = 0;
    let squares = 0;
    const trials = 60;
    for (let trial = 0; trial < trials; trial++) {
      const text = letters(length);
      const other = altered(text, trial / trials);
      const error = estimate(signature(text), signature(other)) - similarity(text, other);
      sum += error;
      squares += error * error;
    }
    // Of 128 draws the deviation is at most 0.044; few shingles leave a little more.
    expect(Math.abs(sum / trials)).toBeLessThan(0.02);
    expect(Math.sqrt(squares / trials)).toBeLessThan(0.07);
  });

  it('bring together all that are alike, and few others', () => {
    const texts = Array.from({ length: 300 }, () => letters(300));
    const near = texts.map((text) => altered(text, 0.2));
    const pairs: [number, number][] = [];
    eachCandidate(texts.map(signature), near.map(signature), (asked, indexed) =>
      pairs.push([asked, indexed]),
    );
    const alike = pairs.filter(([asked, indexed]) => asked === indexed);
    // Similarities about 0.66: a pair is missed once in a thousand.
    expect(alike.length).toBeGreaterThanOrEqual(298);
    expect(pairs.length - alike.length).toBeLessThan(30);
    expect(pairs).toEqual([...pairs].sort(([a, b], [c, d]) => a - c || b - d));
  });
});
