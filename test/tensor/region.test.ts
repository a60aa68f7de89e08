/** Regions: the same gradients as without, computed by running the inside a second time. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { evaluate } from '../../src/tensor/evaluate.ts';
import {
  add,
  exp,
  input,
  matmul,
  multiply,
  region,
  sigmoid,
  silu,
  sum,
  tokenLogProbs,
} from '../../src/tensor/functions.ts';
import { gradients } from '../../src/tensor/gradient.ts';
import type { Value } from '../../src/tensor/operation.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { verifyGraph } from '../../src/tensor/verify.ts';
import { countNodes, onnxNodes } from './onnx.ts';
import { drawValue } from './variant.ts';

const x = input('x', [2, 3]);
const w = input('w', [3, 3]);
const random = Random.fromSeed(1);
const given = new Map<Tensor, Value>(
  [x, w].map((tensor) => [tensor, drawValue(tensor.shape as number[], () => random.uniform())]),
);

type Body = (...inputs: Tensor[]) => readonly Tensor[];

function values(loss: Tensor, wrt: readonly Tensor[] = [x, w]): number[][] {
  const results = [loss, ...gradients(loss, wrt)];
  verifyGraph(results);
  return evaluate(results, given).map(({ data }) => [...data]);
}

function expectSame(actual: number[][], expected: number[][]): void {
  actual.flat().forEach((value, at) => {
    expect(value).toBeCloseTo(expected.flat()[at] as number, 10);
  });
}

/** Sums a body's results, run in a region or not. */
const inRegion = (inputs: readonly [Tensor, ...Tensor[]], body: Body) =>
  sum(region(inputs, body)[0] as Tensor);
const plainly = (inputs: readonly Tensor[], body: Body) => sum(body(...inputs)[0] as Tensor);

describe('region', () => {
  it.each<[string, readonly [Tensor, ...Tensor[]], Body]>([
    ['parameters as inputs', [x, w], (a, b) => [silu(matmul(a as Tensor, b as Tensor))]],
    ['a captured parameter', [x], (a) => [silu(matmul(a as Tensor, w))]],
    ['a captured tensor that depends on a parameter', [x], (a) => [matmul(exp(a as Tensor), multiply(w, w))]],
    [
      'an input passed twice',
      [x, w, w],
      (a, b, c) => [matmul(matmul(a as Tensor, b as Tensor), c as Tensor)],
    ],
    ['an input that is captured as well', [x, w], (a, b) => [matmul(matmul(a as Tensor, b as Tensor), w)]],
    ['the activation captured as well', [x], (a) => [multiply(exp(a as Tensor), x)]],
    ['a result that is an input', [x], (a) => [a as Tensor]],
    ['a result from outside', [x], () => [x]],
    [
      'a region inside',
      [x],
      (a) => region([exp(a as Tensor)], (b) => [matmul(multiply(b as Tensor, a as Tensor), w)]),
    ],
  ])('has the gradients of the plain graph: %s', (_, inputs, body) => {
    expectSame(values(inRegion(inputs, body)), values(plainly(inputs, body)));
  });

  it('does not run again what it captured', () => {
    const before = exp(w);
    const body: Body = (a) => [silu(matmul(a as Tensor, before))];
    expectSame(values(inRegion([x], body)), values(plainly([x], body)));
    const loss = inRegion([x], body);
    const [gradient] = gradients(loss, [x]) as [Tensor];
    expect(countNodes({ loss, gradient }, 'Exp')).toBe(1);
    expect(countNodes({ loss, gradient }, 'Sigmoid')).toBe(2);
  });

  it('in a row, where one parameter is used in both', () => {
    const body: Body = (a) => [sigmoid(matmul(a as Tensor, w))];
    const [first] = region([x], body) as [Tensor];
    const [second] = region([first], body) as [Tensor];
    const [plain] = body(...body(x));
    expectSame(values(sum(second)), values(sum(plain as Tensor)));
  });

  it('with several results, some unused', () => {
    const body: Body = (a) => [exp(a as Tensor), matmul(a as Tensor, w)];
    const [, second] = region([x], body) as [Tensor, Tensor];
    expectSame(values(sum(second)), values(sum(matmul(x, w))));
  });

  it('is computed twice in the emitted graph, but only with a gradient', () => {
    const body: Body = (a) => [exp(exp(matmul(a as Tensor, w)))];
    const forward = inRegion([x], body);
    expect(countNodes({ forward }, 'Exp')).toBe(2);
    const [gradient] = gradients(forward, [w]) as [Tensor];
    expect(countNodes({ forward, gradient }, 'Exp')).toBe(4);
    const plain = plainly([x], body);
    const [plainGradient] = gradients(plain, [w]) as [Tensor];
    expect(countNodes({ forward: plain, gradient: plainGradient }, 'Exp')).toBe(2);
  });

  it('cannot run again before the cotangent exists', () => {
    const loss = inRegion([x], (a) => [exp(matmul(a as Tensor, w))]);
    const nodes = onnxNodes({ loss, gradient: gradients(loss, [w])[0] as Tensor });
    // Every path from the second product back to x crosses the barrier's Concat.
    const products = nodes.filter(({ opType }) => opType === 'MatMul');
    expect(products).toHaveLength(2);
    const makers = products.map(
      ({ input: [first] }) => nodes.find(({ output }) => output[0] === first)?.opType,
    );
    expect(makers).toEqual([undefined, 'Reshape']);
    expect(nodes.filter(({ opType }) => opType === 'Concat')).toHaveLength(1);
  });

  it('holds the fused head', () => {
    const head = input('head', [5, 3]);
    const targets = input('targets', [2], 'int64');
    given.set(
      head,
      drawValue([5, 3], () => random.uniform()),
    );
    given.set(targets, { shape: [2], data: Float64Array.of(4, 0) });
    const body: Body = (a) => [tokenLogProbs(add(a as Tensor, matmul(a as Tensor, w)), head, targets)];
    expectSame(values(inRegion([x], body)), values(plainly([x], body)));
  });
});
