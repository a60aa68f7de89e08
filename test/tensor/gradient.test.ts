/** How cotangents flow through a graph, whatever its operations. */
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/tensor/evaluate.ts';
import {
  add,
  exp,
  input,
  lessOrEqual,
  multiply,
  scalar,
  split,
  sum,
  where,
} from '../../src/tensor/functions.ts';
import { gradients, pullback } from '../../src/tensor/gradient.ts';
import type { Value } from '../../src/tensor/operation.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { verifyGraph } from '../../src/tensor/verify.ts';

const x = input('x', [2]);
const y = input('y', [2]);
const value = (...data: number[]): Value => ({ shape: [data.length], data: Float64Array.from(data) });
const given = new Map<Tensor, Value>([
  [x, value(2, 3)],
  [y, value(5, 7)],
]);

function gradientValues(output: Tensor, wrt: readonly Tensor[]): number[][] {
  const results = gradients(output, wrt);
  verifyGraph([output, ...results]);
  return evaluate(results, given).map(({ data }) => [...data]);
}

describe('gradients', () => {
  it('add up over all uses of a tensor', () => {
    // d/dx Σ (x·x·y + x) = 2xy + 1
    const loss = sum(add(multiply(multiply(x, x), y), x));
    expect(gradientValues(loss, [x, y])).toEqual([
      [21, 43],
      [4, 9],
    ]);
  });

  it('are zero for what the output does not depend on', () => {
    expect(gradientValues(sum(x), [y, x])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    const unused = input('unused', [2]);
    expect(
      evaluate(gradients(sum(x), [unused]), new Map([...given, [unused, value(1, 2)]]))[0]?.data,
    ).toEqual(new Float64Array(2));
  });

  it('do not pass a comparison', () => {
    const chosen = where(lessOrEqual(x, scalar(2.5)), multiply(x, y), y);
    expect(gradientValues(sum(chosen), [x, y])).toEqual([
      [5, 0],
      [2, 1],
    ]);
  });

  it('reach tensors between, and go on through them', () => {
    const square = multiply(x, x);
    const loss = sum(multiply(square, y));
    expect(gradientValues(loss, [square, x])).toEqual([
      [5, 7],
      [20, 42],
    ]);
  });

  it('may be of the output itself, and of one tensor asked for twice', () => {
    const loss = sum(x);
    expect(gradientValues(loss, [loss, x, x])).toEqual([[1], [1, 1], [1, 1]]);
  });

  it('come from some of an operation’s outputs', () => {
    const [first] = split(multiply(x, x), [1, 1], 0) as [Tensor, Tensor];
    expect(gradientValues(sum(first), [x])).toEqual([[4, 0]]);
  });

  it('are of one number only', () => {
    expect(() => gradients(x, [x])).toThrow('of one number');
  });
});

describe('pullback', () => {
  it('takes no cotangent for an output', () => {
    const results = pullback([exp(x), multiply(x, y)], [null, x], [x]);
    expect([...(evaluate(results, given)[0] as Value).data]).toEqual([10, 21]);
  });

  it('does not look behind tensors taken as given', () => {
    const square = multiply(x, x);
    const results = pullback([multiply(square, x)], [y], [square, x], new Set([square]));
    expect(evaluate(results, given).map(({ data }) => [...data])).toEqual([
      [10, 21],
      [20, 63],
    ]);
  });

  it('refuses a cotangent of another shape', () => {
    expect(() => pullback([x], [input('c', [3])], [x])).toThrow('cotangent [3] of [2]');
  });
});

describe('evaluate', () => {
  it('checks given values against shapes, and one size for one name', () => {
    expect(() => evaluate([exp(x)], new Map([[x, value(1, 2, 3)]]))).toThrow('[3] for [2]');
    const [a, b] = [input('a', ['n']), input('b', ['n'])];
    expect(() =>
      evaluate(
        [add(a, b)],
        new Map([
          [a, value(1)],
          [b, value(1, 2)],
        ]),
      ),
    ).toThrow('[2] for [n]');
  });

  it('names an input without a value', () => {
    expect(() => evaluate([add(x, y)], new Map([[x, value(1, 2)]]))).toThrow('"y"');
  });

  it('starts from values of tensors between', () => {
    const between = exp(y);
    expect(
      evaluate(
        [add(x, between)],
        new Map([
          [x, value(1, 2)],
          [between, value(1, 1)],
        ]),
      )[0]?.data,
    ).toEqual(Float64Array.of(2, 3));
  });
});
