/** The 8-bit backward pass through frozen weights: close to the exact one, row by row. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { evaluate } from '../../src/tensor/evaluate.ts';
import { frozenMatmul, input, matmul } from '../../src/tensor/functions.ts';
import { pullback } from '../../src/tensor/gradient.ts';
import type { Value } from '../../src/tensor/operation.ts';
import { quantisedMatmulOperation } from '../../src/tensor/operations/quantised-matrix.ts';
import { applySingle, type Tensor } from '../../src/tensor/tensor.ts';
import { openOnnx } from './onnx.ts';

const [ROWS, OUT, IN] = [6, 40, 24];
const STEP = 0.01;

const value = (shape: readonly number[], draw: (at: number) => number): Value => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => draw(at)),
});

/** The gradient of x through W, exact and in 8 bits, for a cotangent whose rows differ by orders of magnitude. */
function bothGradients(cotangentAt: (row: number, random: Random) => number) {
  const random = Random.fromSeed(4);
  const copy = value([OUT, IN], () => random.integer(255) - 127);
  const given = {
    x: value([ROWS, IN], () => random.uniform()),
    weight: { ...copy, data: copy.data.map((level) => level * STEP) },
    copy,
    scales: value([IN], () => STEP),
    cotangent: value([ROWS, OUT], (at) => cotangentAt(Math.floor(at / OUT), random)),
  };
  const tensors = {
    x: input('x', [ROWS, IN]),
    weight: input('weight', [OUT, IN]),
    copy: input('copy', [OUT, IN], 'int8'),
    scales: input('scales', [IN]),
    cotangent: input('cotangent', [ROWS, OUT]),
  };
  const { x, weight, copy: w, scales, cotangent } = tensors;
  const outputs = [matmul(x, weight, { transposeB: true }), frozenMatmul(x, weight, w, scales)];
  const gradients = outputs.map((output) => pullback([output], [cotangent], [x])[0] as Tensor);
  const values = new Map(
    Object.entries(tensors).map(([name, tensor]) => [tensor, given[name as keyof typeof given]]),
  );
  const [exact, approximate, ...products] = evaluate([...gradients, ...outputs], values) as [
    Value,
    Value,
    Value,
    Value,
  ];
  return { exact, approximate, products };
}

const rowOf = ({ data }: Value, row: number) => [...data.subarray(row * IN, (row + 1) * IN)];
const norm = (values: readonly number[]) => Math.hypot(...values);

describe('quantisedMatmul', () => {
  it.each([0, 5, 31])('keeps a NaN, at %i, and leaves the other rows alone', async (at) => {
    const tensors = [input('x', [2, 32]), input('w', [32, 3], 'int8'), input('scales', [3])];
    const y = applySingle(quantisedMatmulOperation, tensors, {});
    const x = value([2, 32], (place) => (place === at ? Number.NaN : 1));
    const given = { x, w: value([32, 3], () => 3), scales: value([3], () => 1) };
    const session = await openOnnx({ y });
    try {
      const fed = Object.entries(given).map(
        ([name, one]) => [name, { dataType: name === 'w' ? 'int8' : 'float32', value: one }] as const,
      );
      const found = (await session.run(new Map(fed))).get('y')!;
      expect([...found.data.subarray(0, 3)].every(Number.isNaN)).toBe(true);
      for (const number of found.data.subarray(3)) expect(number).toBeCloseTo(96, 3);
    } finally {
      await session.close();
    }
  });
});

describe('frozenMatmul', () => {
  it('is exact forward', () => {
    const { products } = bothGradients((_, random) => random.uniform());
    expect(products[1]).toEqual(products[0]);
  });

  it('sends every row back to about a percent, however small it is', () => {
    const { exact, approximate } = bothGradients(
      (row, random) => 10 ** (-3 * row) * (2 * random.uniform() - 1),
    );
    for (let row = 0; row < ROWS; row++) {
      const [one, other] = [rowOf(exact, row), rowOf(approximate, row)];
      const distance = norm(one.map((number, at) => number - other[at]!)) / norm(one);
      expect(distance).toBeGreaterThan(0);
      expect(distance).toBeLessThan(0.01);
    }
  });

  it('sends zeros back where nothing comes', () => {
    const { approximate } = bothGradients((row) => (row === 2 ? 0 : 1));
    expect(rowOf(approximate, 2).every((number) => number === 0)).toBe(true);
  });
});
