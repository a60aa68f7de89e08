/** Merged weights are W + (alpha / r) B A, in whatever pieces they come. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mergedPieces } from '../../src/export/merge.ts';
import type { LoraAdapter } from '../../src/model/adapter.ts';
import { readSafetensorsHeader, writeSafetensors } from '../../src/model/weights/safetensors.ts';
import { Random } from '../../src/support/random.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';

const folder = useTemporaryCache();
const PATH = 'model.layers.0.mlp.up_proj';

function adapterOf(a: number[], b: number[], rank: number, alpha: number): LoraAdapter {
  const side = (data: number[], shape: [number, number]) => ({ shape, data: Float32Array.from(data) });
  return {
    settings: { rank, alpha, targets: ['up_proj'] },
    tensors: new Map([
      [`base_model.model.${PATH}.lora_A.weight`, side(a, [rank, a.length / rank])],
      [`base_model.model.${PATH}.lora_B.weight`, side(b, [b.length / rank, rank])],
    ]),
  };
}

async function merged(
  name: string,
  shape: number[],
  data: Float32Array,
  adapter: LoraAdapter,
): Promise<Float32Array[]> {
  const file = join(folder(), 'weights.safetensors');
  await writeSafetensors(file, [{ name, shape, data }]);
  return [...mergedPieces(readSafetensorsHeader(file).entries.get(name)!, adapter)];
}

it('is right in numbers worked by hand', async () => {
  // alpha / r = 6 / 2 = 3; B A = [[1, 2], [3, 4], [0, 0]] [[1, 10, 0], [0, 1, 1]] = [[1, 12, 2], [3, 34, 4], [0, 0, 0]]
  const adapter = adapterOf([1, 10, 0, 0, 1, 1], [1, 2, 3, 4, 0, 0], 2, 6);
  const weight = Float32Array.of(1, 1, 1, 2, 2, 2, 3, 3, 3);
  const [piece, ...more] = await merged(`${PATH}.weight`, [3, 3], weight, adapter);
  expect(more).toEqual([]);
  expect([...piece!]).toEqual([4, 37, 7, 11, 104, 14, 3, 3, 3]);
});

it('leaves alone what the adapter has no matrices for, a bias of its modules too', async () => {
  const adapter = adapterOf([1, 1], [1, 1], 1, 1);
  const data = Float32Array.of(1, 2, 3, 4);
  for (const [name, shape] of [
    ['model.layers.1.mlp.up_proj.weight', [2, 2]],
    [`${PATH}.bias`, [4]],
    [`${PATH}`, [2, 2]],
  ] as const) {
    const pieces = await merged(name, [...shape], data, adapter);
    expect(pieces.flatMap((piece) => [...piece])).toEqual([1, 2, 3, 4]);
  }
});

it('comes in pieces where a tensor is large, each with its own rows', async () => {
  const [rows, columns, rank] = [1500, 1000, 2];
  const random = Random.fromSeed(1);
  const numbers = (length: number) => Array.from({ length }, () => random.uniform() - 0.5);
  const [a, b] = [numbers(rank * columns), numbers(rows * rank)];
  const weight = Float32Array.from(numbers(rows * columns));
  const adapter = adapterOf(a, b, rank, 3);
  const [f32a, f32b] = [...adapter.tensors.values()].map(({ data }) => data);
  const pieces = await merged(`${PATH}.weight`, [rows, columns], weight, adapter);
  expect(pieces.length).toBeGreaterThan(1);
  const found = pieces.flatMap((piece) => [...piece]);
  let worst = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      const product = f32b![2 * row]! * f32a![column]! + f32b![2 * row + 1]! * f32a![columns + column]!;
      worst = Math.max(worst, Math.abs(found[at]! - Math.fround(weight[at]! + 1.5 * product)));
    }
  }
  expect(found).toHaveLength(rows * columns);
  expect(worst).toBeLessThan(1e-6);
});
