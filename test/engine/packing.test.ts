/** A packed batch holds every token once per segment, and predicts every response token from the one before. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packBatch, packedLength, responsesOf } from '../../src/engine/packing.ts';

const segment = fc.array(fc.nat(50), { minLength: 1, maxLength: 6 }).map((tokens) => Int32Array.from(tokens));
const row = fc.record({ prompt: segment, chosen: segment, rejected: segment });
const rows = fc.array(row, { minLength: 1, maxLength: 4 });
const responses = fc.constantFrom('chosen' as const, 'pair' as const);

const numbers = (values: BigInt64Array) => Array.from(values, Number);

describe('packBatch', () => {
  it('lays out segments and counts them', () => {
    fc.assert(
      fc.property(
        rows,
        responses,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 9 }),
        (all, which, pieces, size) => {
          const batch = packBatch(all, which, pieces, size);
          const segments = all.flatMap((one) => [one.prompt, ...responsesOf(one, which)]);
          expect(numbers(batch.tokens)).toEqual(segments.flatMap((one) => [...one]));
          expect(numbers(batch.segmentSizes)).toEqual(segments.map((one) => one.length));
          expect(batch.tokenCount).toBe(all.reduce((total, one) => total + packedLength(one, which), 0));
          expect(numbers(batch.querySizes).reduce((a, b) => a + b, 0)).toBe(batch.tokenCount);
          expect(numbers(batch.headSizes)).toHaveLength(pieces);
          expect(numbers(batch.headSizes).reduce((a, b) => a + b, 0)).toBe(batch.targets.length);
          expect(batch.unsharedTokenCount).toBe(
            all.reduce(
              (total, one) =>
                responsesOf(one, which).reduce((sum, r) => sum + one.prompt.length + r.length, total),
              0,
            ),
          );
        },
      ),
    );
  });

  it('reads back as the separate sequences', () => {
    fc.assert(
      fc.property(rows, responses, (all, which) => {
        const batch = packBatch(all, which, 2, 4);
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

  it.each(['prompt', 'chosen', 'rejected'])('refuses an empty %s', (part) => {
    const one = Int32Array.of(1);
    const bad = { prompt: one, chosen: one, rejected: one, [part]: new Int32Array() };
    expect(() => packBatch([bad], 'pair', 1, 1)).toThrow('at least one');
  });
});
