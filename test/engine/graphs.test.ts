/** The graphs of the ort engine are well-formed, for every objective, layout and way of recomputing. */
import { fromBinary } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, it } from 'vitest';
import { gradientGraph, gradientName, scoringGraph } from '../../src/engine/ort/graphs.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import type { Recompute } from '../../src/model/graph/decoder.ts';
import { adapterShape } from '../../src/model/graph/parameters.ts';
import type { ModelFolder } from '../../src/model/model-folder.ts';
import { createObjective } from '../../src/objective/index.ts';
import type { Objective } from '../../src/objective/objective.ts';
import { multiply } from '../../src/tensor/functions.ts';
import { emitOnnx } from '../../src/tensor/onnx/emit.ts';
import { ModelProtoSchema } from '../../src/tensor/onnx/onnx_pb.ts';
import { nodesOf } from '../../src/tensor/tensor.ts';
import { verifyGraph } from '../../src/tensor/verify.ts';
import { openTiny, randomRows, TINY_MODELS } from '../model/tiny.ts';
import { VARIANTS } from '../objective/variants.ts';
import { referenceGradients } from './reference.ts';

/** What moves a value without looking at it. */
const MOVES = ['Reshape', 'Transpose', 'Concat', 'Split', 'Slice'];

function readNodes(bytes: Uint8Array) {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  return { nodes: graph!.node, results: graph!.output.map(({ name }) => name) };
}

describe.each(TINY_MODELS)('graphs of %s', (name, adapterName) => {
  let model: ModelFolder;
  let adapter: Adapter;
  beforeAll(async () => {
    ({ model, adapter } = await openTiny(name, adapterName));
  });

  function expectWellFormed(objective: Objective, recompute: Recompute): void {
    const layout = { pairs: 2, responses: objective.responses, headPieces: 3 };
    const graph = gradientGraph(model.config, layout, adapterShape(adapter), objective, { recompute });
    verifyGraph(Object.values(graph));
    const names = [...adapter.tensors.keys()].map(gradientName);
    expect(Object.keys(graph).sort()).toEqual([...names, 'logps', 'loss'].sort());
    for (const [key, { shape }] of adapter.tensors) expect(graph[gradientName(key)]?.shape).toEqual(shape);
  }

  it.each(VARIANTS.map((settings) => [JSON.stringify(settings), settings] as const))(
    'are well-formed: %s',
    (_, settings) => {
      expectWellFormed(createObjective(settings), 'nothing');
    },
  );

  it.each(['nothing', 'gates', 'activations', 'layers'] as const)(
    'are well-formed: %s recomputed',
    (recompute) => {
      for (const objective of ['sft', 'fpo'])
        expectWellFormed(createObjective({ name: objective }), recompute);
    },
  );

  it('are well-formed: scoring', () => {
    for (const shape of [null, adapterShape(adapter)]) {
      verifyGraph(
        Object.values(scoringGraph(model.config, { pairs: 3, responses: 'pair', headPieces: 8 }, shape)),
      );
    }
  });

  it('read each weight of the model once, and only those', () => {
    const graph = scoringGraph(model.config, { pairs: 1, responses: 'pair', headPieces: 1 }, null);
    const read = nodesOf(Object.values(graph))
      .filter((node) => node.operation.name === 'weight')
      .map((node) => (node.attributes as { name: string }).name);
    expect(read.sort()).toEqual([...model.weights.keys()].sort());
  });

  it.each(['gates', 'activations', 'layers'] as const)(
    'make no product again for its shape alone (%s)',
    (recompute) => {
      const layout = { pairs: 2, responses: 'pair', headPieces: 2 } as const;
      const objective = createObjective({ name: 'fpo' });
      const graph = gradientGraph(model.config, layout, adapterShape(adapter), objective, { recompute });
      const place = { location: 'model.safetensors', offset: 0, length: 4 };
      const { nodes, results } = readNodes(emitOnnx(graph, () => place, { named: true }).bytes);
      const readers = new Map<string, typeof nodes>();
      for (const node of nodes)
        for (const value of node.input) readers.set(value, [...(readers.get(value) ?? []), node]);
      const isUsed = (value: string): boolean =>
        results.includes(value) ||
        (readers.get(value) ?? []).some(
          ({ opType, output }) => opType !== 'Shape' && (!MOVES.includes(opType) || output.some(isUsed)),
        );
      const products = nodes.filter(
        ({ name, opType }) => name.startsWith('again/') && opType.endsWith('MatMul'),
      );
      for (const { name, output } of products) expect(output.some(isUsed), name).toBe(true);
      expect(products).not.toHaveLength(0);
    },
  );

  it('have the same gradients in float64 whatever is recomputed', () => {
    const rows = randomRows([[3, 2, 4]], model.config.vocabularySize, 1);
    const request = { rows, adapter, objective: createObjective({ name: 'simpo' }), constants: {} };
    const plain = referenceGradients(model, request);
    for (const recompute of ['gates', 'activations', 'layers'] as const) {
      const { gradients } = referenceGradients(model, request, recompute);
      for (const [key, expected] of plain.gradients) {
        gradients.get(key)?.forEach((value, at) => {
          expect(Math.abs(value - (expected[at] as number)), key).toBeLessThan(1e-12);
        });
      }
    }
  });
});

describe('gradientGraph', () => {
  it('refuses an objective that reads a constant it does not declare', async () => {
    const { model, adapter } = await openTiny('untied-gqa', 'all');
    const sly: Objective = {
      ...createObjective({ name: 'sft' }),
      expression: ({ chosenLogp, constant }) => multiply(chosenLogp, constant('secret')),
    };
    const layout = { pairs: 1, responses: 'chosen', headPieces: 1 } as const;
    expect(() =>
      gradientGraph(model.config, layout, adapterShape(adapter), sly, { recompute: 'nothing' }),
    ).toThrow('"secret"');
  });

  it('is emitted alike every time', async () => {
    const { model, adapter } = await openTiny('untied-gqa', 'attention');
    const layout = { pairs: 1, responses: 'pair', headPieces: 2 } as const;
    const emit = () =>
      emitOnnx(
        gradientGraph(model.config, layout, adapterShape(adapter), createObjective({ name: 'fpo' }), {
          recompute: 'layers',
        }),
        () => ({ location: 'model.safetensors', offset: 0, length: 4 }),
      );
    expect(emit()).toEqual(emit());
  });
});
