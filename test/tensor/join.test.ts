/** Several models as one: each computes what it did, from one copy of what they share. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, describe, expect, it } from 'vitest';
import { openSession } from '../../src/engine/ort/open-session.ts';
import { add, exp, input, matmul, multiply, scalar, weight } from '../../src/tensor/functions.ts';
import { emitOnnx } from '../../src/tensor/onnx/emit.ts';
import { joinModels } from '../../src/tensor/onnx/join.ts';
import { ModelProtoSchema } from '../../src/tensor/onnx/onnx_pb.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifealign-join-'));
writeFileSync(join(folder, 'w'), Float32Array.of(1, 2, 3, 4));
afterAll(() => rmSync(folder, { recursive: true }));

const w = weight('w', [2, 2]);
const x = input('x', ['n', 2]);
const emitted = (outputs: Readonly<Record<string, Tensor>>) => ({
  ...emitOnnx(outputs, () => ({ location: 'w', offset: 0, length: 16 })),
  weightsFolder: folder,
});
/** [1, 2; 3, 4] from the right; twice that, plus what only it reads; and what reads no weight. */
const graphs = [
  emitted({ y: matmul(x, w) }),
  emitted({ y: add(multiply(matmul(x, w), scalar(2)), input('bias', [2])), z: exp(x) }),
  emitted({ y: multiply(input('x', [3]), scalar(5)) }),
];

describe('joinModels', () => {
  it('has a weight once, with every member in a branch of its own', () => {
    const { bytes, members } = joinModels(graphs.map((one) => one.bytes));
    const { graph } = fromBinary(ModelProtoSchema, bytes);
    expect(graph?.initializer.filter(({ externalData }) => externalData.length > 0)).toHaveLength(1);
    expect(graph?.node.map(({ opType }) => opType)).toEqual(['If', 'If', 'If']);
    expect(members.map(({ inputs }) => inputs)).toEqual([['x'], ['x', 'bias'], ['x']]);
    expect([...members[1]!.outputs]).toEqual([
      ['y', '1/y'],
      ['z', '1/z'],
    ]);
  });

  it('keeps the shape of an input on which all agree, and none of others', () => {
    const shapeOf = (models: readonly Uint8Array[], name: string) => {
      const { graph } = fromBinary(ModelProtoSchema, joinModels(models).bytes);
      const value = graph?.input.find((one) => one.name === name)?.type?.value;
      return value?.case === 'tensorType' ? value.value.shape?.dim.length : null;
    };
    const [first, second, third] = graphs.map((one) => one.bytes) as [Uint8Array, Uint8Array, Uint8Array];
    expect(shapeOf([first, second], 'x')).toBe(2);
    expect(shapeOf([first, third], 'x')).toBeUndefined();
    expect(shapeOf([first, second], 'bias')).toBeUndefined();
    expect([...joinModels([first, second]).partial]).toEqual([['bias', 'float32']]);
  });
});

describe('a session of several graphs', () => {
  it('runs each by itself, with nothing given that it does not read', async () => {
    const session = await openSession(graphs, { threads: 1 });
    const feed = (data: readonly number[], shape: readonly number[]) => ({
      data: Float32Array.from(data),
      shape,
    });
    const [one, bias] = [feed([1, 0], [1, 2]), feed([10, 20], [2])];
    expect(await session.run({ x: one })).toEqual({ y: Float32Array.of(1, 2) });
    const second = await session.run({ x: one, bias }, { graph: 1 });
    expect(second['y']).toEqual(Float32Array.of(12, 24));
    expect(second['z']).toEqual(Float32Array.of(Math.fround(Math.E), 1));
    expect(await session.run({ x: feed([1, 2, 3], [3]) }, { graph: 2, shrink: true })).toEqual({
      y: Float32Array.of(5, 10, 15),
    });
    await expect(session.run({ x: one }, { graph: 1 })).rejects.toThrow('"bias"');
    await session.release();
  });
});
