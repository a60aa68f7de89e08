/** Training all weights: the gradients are those of the reference kernels, and of finite differences. */
import { afterAll, describe, expect, it } from 'vitest';
import { decoderConfig, initialWeights, type TinyShape } from '../../scripts/tiny/shape.ts';
import { gradientGraph, gradientName } from '../../src/engine/ort/graphs.ts';
import { type ModelTensors, Pretrainer } from '../../src/engine/ort/pretrain.ts';
import { expectedTensors } from '../../src/model/weights/expected-tensors.ts';
import { createObjective } from '../../src/objective/index.ts';
import { Random } from '../../src/support/random.ts';
import { evaluate } from '../../src/tensor/evaluate.ts';
import { batchValues, feed, HEAD_PIECES, makeValue } from '../model/tiny.ts';

const shape: TinyShape = {
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headSize: 4,
  vocabularySize: 17,
  maxPositions: 32,
};
const config = decoderConfig(shape);

/** Larger than at the start of training, norms unlike 1, so that no gradient is nearly zero. */
const values: ModelTensors = new Map(
  Array.from(initialWeights(config, Random.fromSeed(2)), ([name, data], at) => {
    const random = Random.fromSeed(at);
    return [name, data.map((value) => (value === 1 ? 0.5 + random.uniform() : 15 * value))];
  }),
);

const random = Random.fromSeed(4);
const documents = [2, 9, 5, 12, 3].map((length) =>
  Int32Array.from({ length }, () => random.integer(config.vocabularySize)),
);
const targets = documents.reduce((sum, { length }) => sum + length - 1, 0);

/** In float64. */
function reference(): { readonly loss: number; readonly gradients: ReadonlyMap<string, Float64Array> } {
  const rows = documents.map((document) => ({
    prompt: document.subarray(0, 1),
    chosen: document.subarray(1),
    rejected: new Int32Array(0),
  }));
  const layout = { pairs: rows.length, responses: 'chosen', headPieces: HEAD_PIECES } as const;
  const names = new Set(values.keys());
  const graph = gradientGraph(config, layout, null, createObjective({ name: 'sft' }), {
    recompute: 'nothing',
    trained: names,
  });
  const shapes = expectedTensors(config);
  const given = new Map([
    ...batchValues({ config }, rows, 'chosen'),
    ...Array.from(values, ([name, data]) => [name, makeValue(shapes.get(name)!, data)] as const),
    [
      'weight',
      makeValue(
        [documents.length],
        documents.map(() => 1 / targets),
      ),
    ] as const,
  ]);
  const outputs = Object.values(graph);
  const results = evaluate(outputs, feed(outputs, given));
  const of = (name: string) => results[Object.keys(graph).indexOf(name)]!.data;
  return {
    loss: of('loss')[0]!,
    gradients: new Map([...names].map((name) => [name, of(gradientName(name))])),
  };
}

const norm = (data: ArrayLike<number>) => Math.hypot(...Array.from(data));

describe('Pretrainer', () => {
  const pretrainer = new Pretrainer(config, { documentsPerBatch: 2 });
  afterAll(() => pretrainer.close());

  it('has loss and gradients of the reference kernels, for every weight', async () => {
    const expected = reference();
    const { loss, gradients } = await pretrainer.gradients(documents, values);
    expect(loss).toBeCloseTo(expected.loss, 5);
    expect([...gradients.keys()]).toEqual([...expectedTensors(config).keys()]);
    for (const [name, found] of gradients) {
      const wanted = expected.gradients.get(name)!;
      expect(norm(wanted), name).toBeGreaterThan(1e-3);
      const distance = norm(Array.from(found, (value, at) => value - wanted[at]!));
      expect(distance, name).toBeLessThan(1e-4 * norm(wanted));
    }
  });

  it('has the gradients of finite differences of its own loss', async () => {
    const { gradients } = await pretrainer.gradients(documents, values);
    const step = 1e-2;
    for (const [name, gradient] of gradients) {
      const size = norm(gradient);
      const lossAt = (distance: number) =>
        pretrainer.loss(
          documents,
          new Map(values).set(
            name,
            values.get(name)!.map((value, at) => value + (distance * gradient[at]!) / size),
          ),
        );
      const difference = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
      expect(Math.abs(difference / size - 1), name).toBeLessThan(1e-2);
    }
  });

  it('does not depend on how many documents are computed together', async () => {
    const whole = new Pretrainer(config, { documentsPerBatch: documents.length, threads: 1 });
    try {
      const [few, all] = [
        await pretrainer.gradients(documents, values),
        await whole.gradients(documents, values),
      ];
      expect(all.loss).toBeCloseTo(few.loss, 5);
      for (const [name, found] of all.gradients) {
        const distance = norm(found.map((value, at) => value - few.gradients.get(name)![at]!));
        expect(distance, name).toBeLessThan(1e-4 * norm(found));
      }
      expect(await whole.loss(documents, values)).toBeCloseTo(all.loss, 5);
    } finally {
      await whole.close();
    }
  });

  it('counts every token', async () => {
    let tokens = 0;
    await pretrainer.gradients(documents, values, { onProgress: (count) => (tokens += count) });
    expect(tokens).toBe(targets + documents.length);
  });

  it('names a weight that was not given', async () => {
    const incomplete = new Map(values);
    incomplete.delete('model.norm.weight');
    await expect(pretrainer.loss(documents, incomplete)).rejects.toThrow('"model.norm.weight"');
  });
});
