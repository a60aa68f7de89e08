/** A packed batch holds every token once per segment, and predicts every response token from the one before. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBatch, packedLength, responsesOf, sharedPrefixLength } from '../../src/engine/packing.ts';

const segment = fc.array(fc.nat(50), { minLength: 1, maxLength: 6 }).map((tokens) => Int32Array.from(tokens));
const row = fc.record({ prompt: segment, chosen: segment, rejected: segment });
/** Rows whose prompts begin alike, the first number of tokens that are shared at the most. */
const rows = fc
  .tuple(fc.array(fc.nat(50), { maxLength: 4 }), fc.array(row, { minLength: 1, maxLength: 4 }))
  .map(([start, all]) => all.map((one) => ({ ...one, prompt: Int32Array.of(...start, ...one.prompt) })));
const responses = fc.constantFrom('chosen' as const, 'pair' as const);
const sizes = fc.record({
  headPieces: fc.integer({ min: 1, max: 5 }),
  pieceSize: fc.integer({ min: 1, max: 9 }),
});

const numbers = (values: BigInt64Array) => Array.from(values, Number);

describe('packBatch', () => {
  it('lays out segments and counts them', () => {
    fc.assert(
      fc.property(rows, responses, sizes, fc.boolean(), (all, which, size, shares) => {
        const prefix = shares ? sharedPrefixLength(all) : 0;
        const batch = packBatch(all, which, { ...size, prefix });
        const segments = [
          ...(prefix > 0 ? [all[0]!.prompt.slice(0, prefix)] : []),
          ...all.flatMap((one) => [one.prompt.slice(prefix), ...responsesOf(one, which)]),
        ];
        expect(batch.sharedPrefix).toBe(prefix > 0);
        expect(numbers(batch.tokens)).toEqual(segments.flatMap((one) => [...one]));
        expect(numbers(batch.segmentSizes)).toEqual(segments.map((one) => one.length));
        const separate = all.reduce((total, one) => total + packedLength(one, which), 0);
        expect(batch.tokenCount).toBe(separate - (all.length - 1) * prefix);
        expect(numbers(batch.headSizes)).toHaveLength(size.headPieces);
        expect(numbers(batch.headSizes).reduce((a, b) => a + b, 0)).toBe(batch.targets.length);
      }),
    );
  });

  it('cuts prompts, responses and what is shared into tiles about alike', () => {
    const long = (length: number) => fc.array(fc.nat(50), { minLength: 4, maxLength: length });
    const tiles = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(
        long(9),
        long(20),
        long(20),
        tiles,
        fc.constantFrom(0, 5),
        (prompt, chosen, rejected, count, prefix) => {
          const one = {
            prompt: Int32Array.of(...new Array<number>(prefix).fill(7), ...prompt),
            chosen: Int32Array.from(chosen),
            rejected: Int32Array.from(rejected),
          };
          const size = { prefix, headPieces: 1, pieceSize: 1 };
          const [whole, cut] = [1, count].map((tiles) => packBatch([one], 'pair', { ...size, tiles }));
          const { segmentSizes, tiles, ...rest } = cut!;
          const { segmentSizes: uncut, tiles: _, ...others } = whole!;
          expect(rest).toEqual(others);
          expect(tiles).toBe(count);
          const sizes = numbers(segmentSizes);
          const parts = numbers(uncut);
          for (const [at, length] of parts.entries()) {
            const own = sizes.slice(at * count, (at + 1) * count);
            expect(own.reduce((a, b) => a + b, 0)).toBe(length);
            expect(Math.max(...own) - Math.min(...own)).toBeLessThanOrEqual(1);
          }
          expect(sizes).toHaveLength(parts.length * count);
        },
      ),
    );
  });

  it('reads back as the separate sequences', () => {
    fc.assert(
      fc.property(rows, responses, sizes, fc.boolean(), (all, which, size, shares) => {
        const batch = packBatch(all, which, { ...size, prefix: shares ? sharedPrefixLength(all) : 0 });
        const [tokens, positions, sources, targets] = [
          batch.tokens,
          batch.positions,
          batch.sources,
          batch.targets,
        ].map(numbers) as [number[], number[], number[], number[]];
        const sequences = all.flatMap((one) =>
          responsesOf(one, which).map((r) => ({ prompt: one.prompt, response: r })),
        );
        sequences.forEach(({ prompt, response }, sequence) => {
          const owned = targets.flatMap((_, at) =>
            batch.membership[sequence * targets.length + at] === 1 ? [at] : [],
          );
          expect(owned.map((at) => targets[at])).toEqual([...response]);
          const whole = [...prompt, ...response];
          owned.forEach((at, index) => {
            const source = sources[at] as number;
            const position = prompt.length + index - 1;
            expect(positions[source]).toBe(position);
            expect(tokens[source]).toBe(whole[position]);
          });
        });
        // Every target belongs to one response.
        expect(batch.membership.reduce((a, b) => a + b, 0)).toBe(targets.length);
      }),
    );
  });

  it('shares what all prompts begin with, and leaves each a token of its own', () => {
    const prompts = (...all: number[][]) =>
      all.map((prompt) => ({
        prompt: Int32Array.from(prompt),
        chosen: Int32Array.of(1),
        rejected: Int32Array.of(2),
      }));
    expect(sharedPrefixLength(prompts([7, 8, 9, 1], [7, 8, 3]))).toBe(2);
    expect(sharedPrefixLength(prompts([7, 8, 9], [7, 8, 9], [7, 8, 9, 4]))).toBe(2);
    expect(sharedPrefixLength(prompts([7, 8], [8, 7]))).toBe(0);
    expect(sharedPrefixLength(prompts([7], [7]))).toBe(0);
    expect(sharedPrefixLength(prompts([7, 8, 9]))).toBe(2);
    expect(() => packBatch(prompts([7, 8]), 'pair', { prefix: 2, headPieces: 1, pieceSize: 1 })).toThrow(
      'of its own',
    );
  });

  it.each(['prompt', 'chosen', 'rejected'])('refuses an empty %s', (part) => {
    const one = Int32Array.of(1);
    const bad = { prompt: one, chosen: one, rejected: one, [part]: new Int32Array() };
    expect(() => packBatch([bad], 'pair', { headPieces: 1, pieceSize: 1 })).toThrow('at least one');
  });
});
