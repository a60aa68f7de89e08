/** Rotary position embedding, in the half-split layout of Hugging Face checkpoints. */
import { printShape, sameShape } from '../dimension.ts';
import { int } from '../onnx/lowering.ts';
import type { Operation, Value } from '../operation.ts';
import { applySingle, expectDataTypes, type Tensor, type TensorType } from '../tensor.ts';

interface RotaryAttributes {
  readonly headSize: number;
  /** Rotates backwards: the inverse and the adjoint of a rotation. */
  readonly inverse: boolean;
}

export const rotaryOperation: Operation<RotaryAttributes> = {
  name: 'rotary',
  shape: (inputs, { headSize }) => {
    expectDataTypes('rotary', inputs, ['float32', 'int64', 'float32', 'float32']);
    const [input, at, cosine, sine] = inputs as [TensorType, TensorType, TensorType, TensorType];
    const fits =
      input.shape.length === 2 &&
      (input.shape[1] as number) % headSize === 0 &&
      sameShape(at.shape, input.shape.slice(0, 1)) &&
      cosine.shape.length === 2 &&
      cosine.shape[1] === headSize / 2 &&
      sameShape(cosine.shape, sine.shape);
    if (!fits) throw new Error(`rotary of ${printShape(input.shape)} with heads of ${headSize}`);
    return [input];
  },
  gradient: (node, [cotangent]) => {
    const [, positions, cosines, sines] = node.inputs as [Tensor, Tensor, Tensor, Tensor];
    const { headSize, inverse } = node.attributes;
    const back = applySingle(rotaryOperation, [cotangent as Tensor, positions, cosines, sines], {
      headSize,
      inverse: !inverse,
    });
    return [back, null, null, null];
  },
  lower: (node, lowering) => {
    const [x, positions, cosines, sines] = node.inputs.map((tensor) => lowering.nameOf(tensor)) as [
      string,
      string,
      string,
      string,
    ];
    const { headSize, inverse } = node.attributes;
    const width = (node.inputs[0] as Tensor).shape[1] as number;
    const first = lowering.constant([0], [1], 'int64');
    const sign = inverse ? lowering.emitSingle('Neg', [sines]) : sines;
    const batched = lowering.emitSingle(
      'RotaryEmbedding',
      [
        lowering.emitSingle('Unsqueeze', [x, first]),
        lowering.emitSingle('Unsqueeze', [positions, first]),
        cosines,
        sign,
      ],
      {
        domain: 'com.microsoft',
        attributes: { interleaved: int(0), num_heads: int(width / headSize) },
      },
    );
    return [lowering.emitSingle('Squeeze', [batched, first])];
  },
  evaluate: ([x, positions, cosines, sines], { headSize, inverse }) => {
    const { shape, data } = x as Value;
    const [tokens, width] = shape as [number, number];
    const half = headSize / 2;
    const result = new Float64Array(data.length);
    for (let token = 0; token < tokens; token++) {
      const table = ((positions as Value).data[token] as number) * half;
      for (let head = 0; head < width; head += headSize) {
        for (let i = 0; i < half; i++) {
          const at = token * width + head + i;
          const cosine = (cosines as Value).data[table + i]!;
          const sine = (inverse ? -1 : 1) * (sines as Value).data[table + i]!;
          result[at] = data[at]! * cosine - data[at + half]! * sine;
          result[at + half] = data[at + half]! * cosine + data[at]! * sine;
        }
      }
    }
    return [{ shape, data: result }];
  },
};

/**
 * Rotates each head's pairs (i, i + headSize/2) by the angle of the token's position.
 * x [tokens, heads · headSize]; positions int64 [tokens]; cosines and sines [positions, headSize/2],
 * tables that are not differentiated. [Su et al. 2021, arXiv:2104.09864]
 */
export function rotary(
  x: Tensor,
  positions: Tensor,
  cosines: Tensor,
  sines: Tensor,
  headSize: number,
): Tensor {
  return applySingle(rotaryOperation, [x, positions, cosines, sines], { headSize, inverse: false });
}
