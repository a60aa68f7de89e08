/**
 * Matrix products with frozen weights whose backward pass runs in 8-bit integers. The forward pass is exact:
 * what is rounded is only the cotangent, on its way through the weight to the layers below.
 */
import { printShape, sameShape } from '../dimension.ts';
import { int, ints } from '../onnx/lowering.ts';
import type { Operation, Value } from '../operation.ts';
import { applySingle, expectDataTypes, type Tensor, type TensorType } from '../tensor.ts';
import { matmul, matmulOperation } from './matrix.ts';

/** Levels on either side of 0: 8 bits with a sign, and the same number of them for both signs. */
export const LEVELS = 127;
/** What the runtime's unsigned numbers have in place of 0. */
const ZERO_POINT = 128;
/** Keeps a row of zeros from being divided by zero. */
const TINY = 1e-30;
/** ONNX's number of the type. [TensorProto.DataType] */
const UINT8 = 2;

export const quantisedMatmulOperation: Operation<Record<never, never>> = {
  name: 'quantisedMatmul',
  shape: (inputs) => {
    expectDataTypes('quantisedMatmul', inputs, ['float32', 'int8', 'float32']);
    const [x, w, scales] = inputs as [TensorType, TensorType, TensorType];
    const fits =
      x.shape.length === 2 &&
      w.shape.length === 2 &&
      x.shape[1] === w.shape[0] &&
      sameShape(scales.shape, w.shape.slice(1));
    if (!fits) {
      throw new Error(`quantisedMatmul of ${inputs.map(({ shape }) => printShape(shape)).join(', ')}`);
    }
    return [{ shape: [x.shape[0]!, w.shape[1]!], dataType: 'float32' }];
  },
  gradient: () => {
    throw new Error('quantisedMatmul is for backward passes, which are not differentiated again');
  },
  lower: (node, lowering) => {
    const [x, w, scales] = node.inputs.map((tensor) => lowering.nameOf(tensor)) as [string, string, string];
    const number = (value: number) => lowering.constant([value], [], 'float32');
    const magnitudes = lowering.emitSingle('ReduceMax', [lowering.emitSingle('Abs', [x])], {
      attributes: { axes: ints([1]), keepdims: int(1) },
    });
    // The maximum passes over a NaN, and rounding makes some level of it: the sum keeps it, so that training that
    // diverged is seen.
    const axis = lowering.constant([1], [1], 'int64');
    const sums = lowering.emitSingle('ReduceSum', [x, axis], { attributes: { keepdims: int(1) } });
    const lost = lowering.emitSingle('Mul', [sums, number(0)]);
    const steps = lowering.emitSingle('Add', [
      lowering.emitSingle('Mul', [magnitudes, number(1 / LEVELS)]),
      lowering.emitSingle('Add', [lost, number(TINY)]),
    ]);
    const flat = lowering.emitSingle('Squeeze', [steps, axis]);
    const zero = lowering.emitSingle('Cast', [lowering.constant([ZERO_POINT], [], 'int64')], {
      attributes: { to: int(UINT8) },
    });
    const zeros = lowering.emitSingle('Expand', [zero, lowering.emitSingle('Shape', [flat])]);
    const levels = lowering.emitSingle('QuantizeLinear', [x, flat, zeros], { attributes: { axis: int(0) } });
    const product = lowering.emitSingle('MatMulIntegerToFloat', [levels, w, number(1), scales, zero], {
      domain: 'com.microsoft',
    });
    return [lowering.emitSingle('Mul', [product, steps])];
  },
  evaluate: ([x, w, scales]) => {
    const [rows, inner] = (x as Value).shape as [number, number];
    const columns = (w as Value).shape[1] as number;
    const data = new Float64Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      const values = (x as Value).data.subarray(row * inner, (row + 1) * inner);
      const step = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / LEVELS + TINY;
      const levels = values.map((value) => Math.round(value / step));
      for (let column = 0; column < columns; column++) {
        const total = levels.reduce(
          (sum, level, l) => sum + level * (w as Value).data[l * columns + column]!,
          0,
        );
        data[row * columns + column] = total * (scales as Value).data[column]! * step;
      }
    }
    return [{ shape: [rows, columns], data }];
  },
};

/**
 * x · (w ∘ scales) with x rounded to 8 bits, each row in steps of its own largest magnitude / 127: the cotangents
 * of a prompt's tokens are far smaller than those of a response's, and one step for all would lose them.
 * @param x [rows, inner], @param w int8 [inner, columns], @param scales [columns]
 * @returns [rows, columns]
 */
function quantisedMatmul(x: Tensor, w: Tensor, scales: Tensor): Tensor {
  return applySingle(quantisedMatmulOperation, [x, w, scales], {});
}

export const frozenMatmulOperation: Operation<Record<never, never>> = {
  name: 'frozenMatmul',
  shape: (inputs) => {
    expectDataTypes('frozenMatmul', inputs, ['float32', 'float32', 'int8', 'float32']);
    const [x, weight, w, scales] = inputs as [TensorType, TensorType, TensorType, TensorType];
    if (!sameShape(weight.shape, w.shape) || !sameShape(scales.shape, w.shape.slice(1))) {
      throw new Error(`frozenMatmul of ${inputs.map(({ shape }) => printShape(shape)).join(', ')}`);
    }
    return matmulOperation.shape([x, weight], exact);
  },
  gradient: (node, [cotangent], needs) => {
    if (needs[1]) throw new Error('frozenMatmul is for weights that are not trained');
    const [, , w, scales] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
    return [quantisedMatmul(cotangent as Tensor, w, scales), null, null, null];
  },
  lower: (node, lowering) => {
    const [x, weight] = node.inputs as [Tensor, Tensor];
    return [lowering.nameOf(matmul(x, weight, exact))];
  },
  evaluate: ([x, weight], _, node) =>
    matmulOperation.evaluate([x as Value, weight as Value], exact, node as never),
};

const exact = { transposeA: false, transposeB: true, alpha: 1 } as const;

/**
 * x Wᵀ, exact; its cotangent goes back through the 8-bit copy of W.
 * @param x [rows, in], @param weight [out, in]
 * @param w int8 [out, in] and @param scales [in]: w ∘ scales is nearly W
 * @returns [rows, out]
 */
export function frozenMatmul(x: Tensor, weight: Tensor, w: Tensor, scales: Tensor): Tensor {
  return applySingle(frozenMatmulOperation, [x, weight, w, scales], {});
}
