/** Files of merged weights: every tensor once and in its order, no file larger than asked unless one tensor is. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planShards, shardIndex } from '../../src/export/shards.ts';

const tensors = fc
  .array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 40 })
  .map((sizes) => sizes.map((bytes, at) => ({ name: `t${at}`, bytes })));

const sizeOf = (group: readonly { bytes: number }[]) => group.reduce((sum, { bytes }) => sum + bytes, 0);

it('holds every tensor once, in order, and begins a file only where it has to', () => {
  fc.assert(
    fc.property(tensors, fc.integer({ min: 1, max: 300 }), (list, most) => {
      const shards = planShards(list, most);
      expect(shards.flatMap((shard) => shard.tensors)).toEqual(list);
      for (const [at, { tensors: own }] of shards.entries()) {
        expect(own.length === 1 || sizeOf(own) <= most).toBe(true);
        const next = shards[at + 1]?.tensors[0];
        if (next !== undefined) expect(sizeOf(own) + next.bytes).toBeGreaterThan(most);
      }
      expect(new Set(shards.map(({ file }) => file)).size).toBe(shards.length);
    }),
  );
});

it('names files as transformers does, and lists them in an index where there are several', () => {
  const list = [3, 4, 5].map((bytes, at) => ({ name: `t${at}`, bytes }));
  const two = planShards(list, 7);
  expect(two.map(({ file }) => file)).toEqual([
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
  ]);
  expect(shardIndex(two)).toEqual({
    metadata: { total_size: 12 },
    weight_map: { t0: two[0]!.file, t1: two[0]!.file, t2: two[1]!.file },
  });
  const one = planShards(list, 12);
  expect(one.map(({ file }) => file)).toEqual(['model.safetensors']);
  expect(shardIndex(one)).toBeNull();
});
