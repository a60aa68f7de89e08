/** Matrix products. */
import { printShape, type Shape, sameShape } from '../dimension.ts';
import { float, int } from '../onnx/lowering.ts';
import type { Operation, Value } from '../operation.ts';
import { applySingle, expectDataTypes, type Tensor } from '../tensor.ts';
import { countOf } from './indexing.ts';

interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alpha: number;
}

export const matmulOperation: Operation<MatmulAttributes> = {
  name: 'matmul',
  shape: (inputs, { transposeA, transposeB }) => {
    expectDataTypes('matmul', inputs, ['float32', 'float32']);
    const [left, right] = inputs.map((input) => input.shape) as [Shape, Shape];
    const [rows, inner] = transposeA ? [left.at(-1), left.at(-2)] : [left.at(-2), left.at(-1)];
    const [innerB, columns] = transposeB ? [right.at(-1), right.at(-2)] : [right.at(-2), right.at(-1)];
    if (
      left.length < 2 ||
      inner !== innerB ||
      !sameShape(left.slice(0, -2), right.slice(0, -2)) ||
      rows === undefined ||
      columns === undefined
    ) {
      throw new Error(
        `matmul of ${printShape(left)}${transposeA ? 'ᵀ' : ''} and ${printShape(right)}${transposeB ? 'ᵀ' : ''}`,
      );
    }
    return [{ shape: [...left.slice(0, -2), rows, columns], dataType: 'float32' }];
  },
  gradient: (node, [cotangent], needs) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    const { transposeA, transposeB, alpha } = node.attributes;
    const g = cotangent as Tensor;
    return [
      !needs[0]
        ? null
        : transposeA
          ? matmul(b, g, { transposeA: transposeB, transposeB: true, alpha })
          : matmul(g, b, { transposeB: !transposeB, alpha }),
      !needs[1]
        ? null
        : transposeB
          ? matmul(g, a, { transposeA: true, transposeB: transposeA, alpha })
          : matmul(a, g, { transposeA: !transposeA, alpha }),
    ];
  },
  lower: (node, lowering) => {
    const { transposeA, transposeB, alpha } = node.attributes;
    const inputs = node.inputs.map((tensor) => lowering.nameOf(tensor));
    if (!transposeA && !transposeB && alpha === 1) return [lowering.emitSingle('MatMul', inputs)];
    return [
      lowering.emitSingle('FusedMatMul', inputs, {
        domain: 'com.microsoft',
        attributes: {
          transA: int(transposeA ? 1 : 0),
          transB: int(transposeB ? 1 : 0),
          alpha: float(alpha),
        },
      }),
    ];
  },
  evaluate: ([a, b], { transposeA, transposeB, alpha }) => {
    const [left, right] = [a as Value, b as Value];
    const [m, k] = (transposeA ? [-1, -2] : [-2, -1]).map((axis) => left.shape.at(axis)) as [number, number];
    const n = right.shape.at(transposeB ? -2 : -1) as number;
    const batches = countOf(left.shape.slice(0, -2));
    const data = new Float64Array(batches * m * n);
    for (let batch = 0; batch < batches; batch++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let total = 0;
          for (let l = 0; l < k; l++) {
            const x = left.data[batch * m * k + (transposeA ? l * m + i : i * k + l)]!;
            const y = right.data[batch * k * n + (transposeB ? j * k + l : l * n + j)]!;
            total += x * y;
          }
          data[(batch * m + i) * n + j] = alpha * total;
        }
      }
    }
    return [{ shape: [...left.shape.slice(0, -2), m, n], data }];
  },
};

/**
 * alpha · a b over the last two axes, each operand transposed first where told; leading axes agree.
 * With leading axes the inner size must not be 0 at run time: ONNX Runtime 1.30 leaves what should be zeros
 * uninitialised there.
 * @returns [..., rows of a, columns of b]
 */
export function matmul(a: Tensor, b: Tensor, options: Partial<MatmulAttributes> = {}): Tensor {
  return applySingle(matmulOperation, [a, b], { transposeA: false, transposeB: false, alpha: 1, ...options });
}
