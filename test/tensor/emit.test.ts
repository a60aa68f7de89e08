/** What is emitted: each value once, nothing that is not asked for, everything in a usable order. */
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  add,
  attention,
  barrier,
  concat,
  exp,
  input,
  log,
  matmul,
  multiply,
  region,
  scalar,
  split,
  sum,
  tokenLogProbs,
  weight,
} from '../../src/tensor/functions.ts';
import { gradients, pullback } from '../../src/tensor/gradient.ts';
import { emitOnnx } from '../../src/tensor/onnx/emit.ts';
import { ModelProtoSchema } from '../../src/tensor/onnx/onnx_pb.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { countNodes, onnxNodes, openOnnx } from './onnx.ts';

const x = input('x', ['n', 3]);
const nowhere = () => ({ location: 'none', offset: 0, length: 4 });

describe('emitOnnx', () => {
  it('emits a value once, however often it is written', () => {
    expect(countNodes({ y: add(exp(x), exp(x)) }, 'Exp')).toBe(1);
    expect(countNodes({ y: add(multiply(x, scalar(2)), multiply(x, scalar(2))) }, 'Mul')).toBe(1);
    expect(countNodes({ y: add(multiply(x, scalar(2)), multiply(x, scalar(3))) }, 'Mul')).toBe(2);
    expect(countNodes({ y: add(sum(x, [0]), sum(x, [1])) }, 'ReduceSum')).toBe(2);
  });

  it('does not merge what a barrier holds back', () => {
    expect(countNodes({ y: add(exp(x), exp(barrier(x, exp(x)))) }, 'Exp')).toBe(2);
  });

  it('leaves out what nothing asks for', () => {
    const y = exp(x);
    log(y);
    expect(onnxNodes({ y }).map(({ opType }) => opType)).toEqual(['Exp', 'Identity']);
    // A gradient of one operand makes nothing of the other's.
    const w = input('w', [3, 3]);
    const [gradient] = pullback([matmul(x, w)], [input('cotangent', ['n', 3])], [w]) as [Tensor];
    expect(onnxNodes({ gradient }).filter(({ opType }) => opType.endsWith('MatMul'))).toHaveLength(1);
  });

  it('leaves out the fused head’s second output unless there is a gradient', () => {
    const hidden = input('hidden', ['n', 4]);
    const logps = tokenLogProbs(hidden, weight('head', [9, 4]), input('targets', ['n'], 'int64'));
    expect(countNodes({ logps }, 'MatMul')).toBe(0);
    const [gradient] = gradients(sum(logps), [hidden]) as [Tensor];
    expect(countNodes({ logps, gradient }, 'MatMul')).toBe(1);
    expect(countNodes({ logps, gradient }, 'LogSoftmax')).toBe(1);
  });

  it('makes the gradient of a piece of the head before anything reads its log-probs', () => {
    const hidden = input('hidden', ['n', 4]);
    const logps = tokenLogProbs(hidden, weight('head', [9, 4]), input('targets', ['n'], 'int64'));
    const [gradient] = gradients(sum(logps), [hidden]) as [Tensor];
    /** Types of the nodes that a result hangs on. */
    const above = (nodes: ReturnType<typeof onnxNodes>, name: string): string[] =>
      nodes
        .filter(({ output }) => output.includes(name))
        .flatMap(({ opType, input: read }) => [opType, ...read.flatMap((one) => above(nodes, one))]);
    expect(above(onnxNodes({ logps, gradient }), 'logps')).toContain('MatMul');
    expect(above(onnxNodes({ logps }), 'logps')).not.toContain('MatMul');
  });

  it('keeps the probabilities of attention, or makes them twice', () => {
    const attend = (query: Tensor, key: Tensor, value: Tensor) =>
      attention(query, key, value, input('bias', ['n', 'k']), { scale: 1 });
    const [query, key, value] = ['n', 'k', 'k'].map((length, at) => input(`x${at}`, [1, length, 2])) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const kept = attend(query, key, value);
    const [again] = region([query, key, value], (...all) => [
      attend(...(all as [Tensor, Tensor, Tensor])),
    ]) as [Tensor];
    for (const [mixed, times] of [
      [kept, 1],
      [again, 2],
    ] as const) {
      const results = gradients(sum(mixed), [query, key, value]);
      const graph = { mixed, ...Object.fromEntries(results.map((one, at) => [`gradient${at}`, one])) };
      expect(countNodes(graph, 'Softmax')).toBe(times);
      // The result itself is not made again.
      expect(countNodes(graph, 'MatMul')).toBe(2);
    }
  });

  it('emits nodes after what they read', () => {
    const y = multiply(exp(x), log(exp(x)));
    const seen = new Set(['x', '']);
    for (const { input: read, output } of onnxNodes({ y, z: exp(y) })) {
      for (const name of read) expect(seen).toContain(name);
      for (const name of output) seen.add(name);
    }
    expect(seen).toContain('z');
  });

  it('lists the inputs that are read, in order of first use', () => {
    const y = add(input('b', [1]), input('a', [1]));
    input('unused', [1]);
    expect(emitOnnx({ y }).inputs).toEqual(['b', 'a']);
  });

  it('points weights into their file, each once', () => {
    const w = weight('w', [3, 3]);
    const { bytes } = emitOnnx({ y: matmul(matmul(x, w), w) }, (name) => ({
      location: `${name}.safetensors`,
      offset: 128,
      length: 36,
    }));
    const { graph } = fromBinary(ModelProtoSchema, bytes);
    const external = graph?.initializer.filter(({ name }) => name === 'w') ?? [];
    expect(external).toHaveLength(1);
    expect(external[0]?.externalData.map(({ key, value }) => [key, value])).toEqual([
      ['location', 'w.safetensors'],
      ['offset', '128'],
      ['length', '36'],
    ]);
  });

  it('tells the shape of every tensor between', () => {
    const y = exp(concat([x, input('y', ['m', 3])], 0));
    const { graph } = fromBinary(
      ModelProtoSchema,
      emitOnnx({ y, z: multiply(y, weight('w', [3])) }, nowhere).bytes,
    );
    const shapes = graph?.valueInfo.map(({ type }) =>
      type?.value.case === 'tensorType' ? type.value.value.shape?.dim.map(({ value }) => value.value) : null,
    );
    expect(shapes).toEqual(new Array(3).fill(['m + n', 3n]));
  });

  it('refuses a weight that no file holds', () => {
    expect(() => emitOnnx({ y: weight('w', [1]) })).toThrow('"w"');
  });

  it('gives an input or one tensor as several results', async () => {
    const session = await openOnnx({ a: x, b: x, c: exp(x), d: exp(x) });
    const value = { shape: [1, 3], data: Float64Array.of(0, 1, 2) };
    const results = await session.run(new Map([['x', { dataType: 'float32' as const, value }]]));
    await session.close();
    expect([...results.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(results.get('b')).toEqual(value);
    expect(results.get('c')).toEqual(results.get('d'));
  });

  it('runs a part of a split without the others', async () => {
    const [, last] = split(x, [1, 2], 1) as [Tensor, Tensor];
    const session = await openOnnx({ last });
    const value = { shape: [1, 3], data: Float64Array.of(0, 1, 2) };
    const results = await session.run(new Map([['x', { dataType: 'float32' as const, value }]]));
    await session.close();
    expect(results.get('last')?.data).toEqual(Float64Array.of(1, 2));
  });
});
