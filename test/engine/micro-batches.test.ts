/** An effective batch's micro-batches hold every row once, keep to their bounds, and share the work evenly. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MicroBatchOptions, microBatches } from '../../src/engine/ort/micro-batches.ts';
import { packedLength } from '../../src/engine/packing.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';

const ids = (count: number, start = 1) => Int32Array.from({ length: count }, (_, at) => start + at);
const row = (prompt: number, chosen: number, rejected: number): EncodedRow => ({
  prompt: ids(prompt),
  chosen: ids(chosen, 100),
  rejected: ids(rejected, 200),
});
const plain = { tiles: 1, headPieces: 2, pieceSize: 8, filled: true, recompute: 'nothing' } as const;
const tiled = { tiles: 3, headPieces: 5, pieceSize: 8, filled: true, recompute: 'activations' } as const;
const unfilled = { ...tiled, filled: false, recompute: 'layers' } as const;
const plans = [plain, tiled, unfilled];
const length = fc.integer({ min: 1, max: 40 });
const anyRows = fc.array(fc.tuple(length, length, length), { minLength: 1, maxLength: 24 });
const anyOptions = fc.record({
  responses: fc.constantFrom('chosen' as const, 'pair' as const),
  pairsPerBatch: fc.integer({ min: 1, max: 5 }),
  microBatchTokens: fc.integer({ min: 1, max: 200 }),
  lanes: fc.integer({ min: 1, max: 4 }),
  sharePrefix: fc.boolean(),
  planOf: fc.constantFrom(
    () => plain,
    (tokens: number) => (tokens > 60 ? tiled : plain),
    (tokens: number) => (tokens > 60 ? unfilled : plain),
  ),
});

describe('microBatches', () => {
  it('hold every row once, within bounds, all of as many pairs', () => {
    fc.assert(
      fc.property(anyRows, anyOptions, (lengths, options) => {
        const rows = lengths.map(([prompt, chosen, rejected]) => row(prompt, chosen, rejected));
        const asked: number[] = [];
        const planOf = (tokens: number) => {
          asked.push(tokens);
          return options.planOf(tokens);
        };
        const batches = microBatches(rows, { ...options, planOf });
        expect(batches.flatMap(({ indices }) => indices).sort((a, b) => a - b)).toEqual([...rows.keys()]);
        for (const [at, { indices, batch, recompute }] of batches.entries()) {
          if (recompute === 'nothing') expect(batch.tokenCount).toBe(asked[at]);
          const plan = plans.find((one) => one.recompute === recompute)!;
          const tokens = indices.reduce((sum, at) => sum + packedLength(rows[at]!, options.responses), 0);
          expect(indices.length).toBeLessThanOrEqual(options.pairsPerBatch);
          if (indices.length > 1) expect(tokens).toBeLessThanOrEqual(options.microBatchTokens);
          expect(batch.pairs).toBe(plan.filled ? options.pairsPerBatch : indices.length);
          expect(batch.sharedPrefix && !options.sharePrefix).toBe(false);
          expect([1, plan.tiles]).toContain(batch.tiles);
          expect(batch.headSizes).toHaveLength(plan.headPieces);
        }
      }),
    );
  });

  const options: MicroBatchOptions = {
    responses: 'pair',
    pairsPerBatch: 4,
    microBatchTokens: 400,
    lanes: 2,
    sharePrefix: true,
    planOf: () => plain,
  };

  it('are as many as keep all lanes at work, and alike', () => {
    // 10 rows of 90 tokens: 900 tokens need 3 micro-batches of 400; two lanes want 4.
    const batches = microBatches(
      Array.from({ length: 10 }, () => row(30, 30, 30)),
      options,
    );
    expect(batches.map(({ indices }) => indices.length)).toEqual([3, 3, 2, 2]);
  });

  it('have the largest first, and rows too long for others alone', () => {
    const batches = microBatches([row(10, 10, 10), row(500, 10, 10), row(20, 10, 10)], options);
    expect(batches.map(({ indices }) => indices)).toEqual([[1], [0, 2]]);
  });

  it('share a prefix that is long enough to be worth it', () => {
    const shares = (prompt: number) =>
      microBatches([row(prompt, 2, 2), row(prompt, 3, 3)], { ...options, lanes: 1 })[0]!.batch.sharedPrefix;
    expect([8, 9].map(shares)).toEqual([false, true]);
    const apart = microBatches([row(30, 2, 2), { ...row(30, 3, 3), prompt: ids(30, 9) }], {
      ...options,
      lanes: 1,
    });
    expect(apart[0]!.batch.sharedPrefix).toBe(false);
  });

  it('count tokens as a peer does that shares nothing', () => {
    const [one] = microBatches([row(30, 2, 3), row(30, 4, 5), row(30, 6, 7)], { ...options, lanes: 1 });
    expect(one!.unsharedTokenCount).toBe(6 * 30 + 27);
    // Filled up to four pairs; the prefix of 29 tokens once.
    expect(one!.batch.tokenCount).toBe(29 + 3 + 27 + 3);
  });

  it('are cut into tiles where they are long, unless a segment has fewer tokens than that', () => {
    const planOf = (tokens: number) => (tokens > 100 ? tiled : plain);
    const [long] = microBatches([row(40, 50, 3)], { ...options, planOf });
    // The prompt is shared with three pairs that fill up, of three tokens to a segment: but for its last three.
    expect(Array.from(long!.batch.segmentSizes, Number)).toEqual([
      ...[13, 12, 12, 1, 1, 1, 17, 17, 16, 1, 1, 1],
      ...new Array<number>(27).fill(1),
    ]);
    const [alone] = microBatches([row(40, 50, 3)], { ...options, planOf: () => unfilled });
    expect(Array.from(alone!.batch.segmentSizes, Number)).toEqual([14, 13, 13, 17, 17, 16, 1, 1, 1]);
    const tilesOf = (one: EncodedRow) => microBatches([one], { ...options, planOf })[0]!.batch.tiles;
    expect([row(30, 30, 30), row(40, 50, 2)].map(tilesOf)).toEqual([1, 1]);
  });
});
