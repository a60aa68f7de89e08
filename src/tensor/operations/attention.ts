/** Scaled dot-product attention for one block of queries. */
import { printShape, sameShape } from '../dimension.ts';
import type { Operation, Value } from '../operation.ts';
import { applySingle, expectDataTypes, type Tensor, type TensorType } from '../tensor.ts';
import { sum } from './broadcast.ts';
import { add, multiply, subtract } from './elementwise.ts';
import { matmul } from './matrix.ts';
import { softmax } from './normalise.ts';

interface AttentionAttributes {
  readonly scale: number;
}

function probabilities(query: Tensor, key: Tensor, bias: Tensor, scale: number): Tensor {
  return softmax(add(matmul(query, key, { transposeB: true, alpha: scale }), bias));
}

export const attentionOperation: Operation<AttentionAttributes> = {
  name: 'attention',
  shape: (inputs) => {
    expectDataTypes('attention', inputs, ['float32', 'float32', 'float32', 'float32']);
    const [q, k, v, b] = inputs as [TensorType, TensorType, TensorType, TensorType];
    const fits =
      q.shape.length === 3 &&
      sameShape(k.shape, v.shape) &&
      q.shape[0] === k.shape[0] &&
      q.shape[2] === k.shape[2] &&
      sameShape(b.shape, [q.shape[1]!, k.shape[1]!]);
    if (!fits) {
      throw new Error(
        `attention of ${[q, k, v].map((t) => printShape(t.shape)).join(', ')} with bias ${printShape(b.shape)}`,
      );
    }
    return [q];
  },
  gradient: (node, [cotangent]) => {
    const [query, key, value, bias] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
    const { scale } = node.attributes;
    const g = cotangent as Tensor;
    const p = probabilities(query, key, bias, scale);
    const along = matmul(g, value, { transposeB: true });
    // rowsum(P ∘ dP), although rowsum(O ∘ dO) is the same and narrower [Dao et al. 2022, App. B]: where the inside of
    // a region is computed again, O would be as well, by a product of matrices.
    const scores = multiply(p, subtract(along, sum(multiply(p, along), [2])));
    return [
      matmul(scores, key, { alpha: scale }),
      matmul(scores, query, { transposeA: true, alpha: scale }),
      matmul(p, g, { transposeA: true }),
      null,
    ];
  },
  lower: (node, lowering) => {
    const [query, key, value, bias] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
    return [lowering.nameOf(matmul(probabilities(query, key, bias, node.attributes.scale), value))];
  },
  evaluate: ([query, key, value, bias], { scale }) => {
    const [heads, queries, size] = (query as Value).shape as [number, number, number];
    const keys = (key as Value).shape[1] as number;
    const data = new Float64Array(heads * queries * size);
    for (let head = 0; head < heads; head++) {
      for (let i = 0; i < queries; i++) {
        const scores = Array.from({ length: keys }, (_, j) => {
          let dot = 0;
          for (let d = 0; d < size; d++) {
            dot +=
              (query as Value).data[(head * queries + i) * size + d]! *
              (key as Value).data[(head * keys + j) * size + d]!;
          }
          return dot * scale + (bias as Value).data[i * keys + j]!;
        });
        const largest = Math.max(...scores);
        const powers = scores.map((score) => Math.exp(score - largest));
        const total = powers.reduce((a, b) => a + b, 0);
        for (let d = 0; d < size; d++) {
          let mixed = 0;
          for (let j = 0; j < keys; j++)
            mixed += (powers[j]! / total) * (value as Value).data[(head * keys + j) * size + d]!;
          data[(head * queries + i) * size + d] = mixed;
        }
      }
    }
    return [{ shape: [heads, queries, size], data }];
  },
};

/**
 * softmax(scale · Q Kᵀ + bias) V.
 * query [heads, queries, size]; key and value [heads, keys, size]; bias [queries, keys], not
 * differentiated; returns [heads, queries, size].
 */
export function attention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  bias: Tensor,
  options: AttentionAttributes,
): Tensor {
  return applySingle(attentionOperation, [query, key, value, bias], options);
}
