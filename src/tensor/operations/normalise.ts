/** Operations that normalise along the last axis: softmax, its logarithm, and RMSNorm. */
import { isStatic, printShape } from '../dimension.ts';
import { float, int } from '../onnx/lowering.ts';
import type { Operation, Value } from '../operation.ts';
import { applySingle, dimensionAt, expectDataTypes, type Tensor, type TensorType } from '../tensor.ts';
import { sum, sumTo } from './broadcast.ts';
import { add, divide, exp, multiply, scale, sqrt, subtract } from './elementwise.ts';
import { scalar } from './source.ts';

/** Applies a function to every slice along the last axis. */
function alongLast({ shape, data }: Value, apply: (slice: Float64Array) => ArrayLike<number>): Value {
  const width = shape.at(-1) as number;
  const result = new Float64Array(data.length);
  for (let at = 0; width > 0 && at < data.length; at += width) {
    result.set(apply(data.subarray(at, at + width)), at);
  }
  return { shape, data: result };
}

const maximum = (slice: Float64Array) => slice.reduce((a, b) => Math.max(a, b), -Infinity);

/** The shape rule of softmax and its logarithm. */
function vectors(operation: string, inputs: readonly TensorType[]): readonly TensorType[] {
  expectDataTypes(operation, inputs, ['float32']);
  dimensionAt(inputs[0] as TensorType, -1);
  return [inputs[0] as TensorType];
}

const lastAxis = (tensor: Tensor) => tensor.shape.length - 1;

export const softmaxOperation: Operation<Record<never, never>> = {
  name: 'softmax',
  shape: (inputs) => vectors('softmax', inputs),
  gradient: (node, [cotangent]) => {
    const y = node.outputs[0] as Tensor;
    const g = cotangent as Tensor;
    return [multiply(y, subtract(g, sum(multiply(g, y), [lastAxis(y)])))];
  },
  lower: (node, lowering) => [
    lowering.emitSingle('Softmax', [lowering.nameOf(node.inputs[0] as Tensor)], {
      attributes: { axis: int(-1) },
    }),
  ],
  evaluate: ([x]) => [
    alongLast(x as Value, (slice) => {
      const largest = maximum(slice);
      const powers = slice.map((v) => Math.exp(v - largest));
      const total = powers.reduce((a, b) => a + b, 0);
      return powers.map((power) => power / total);
    }),
  ],
};
export const softmax = (x: Tensor): Tensor => applySingle(softmaxOperation, [x], {});

export const logSoftmaxOperation: Operation<Record<never, never>> = {
  name: 'logSoftmax',
  shape: (inputs) => vectors('logSoftmax', inputs),
  gradient: (node, [cotangent]) => {
    const y = node.outputs[0] as Tensor;
    const g = cotangent as Tensor;
    return [subtract(g, multiply(exp(y), sum(g, [lastAxis(y)])))];
  },
  lower: (node, lowering) => [
    lowering.emitSingle('LogSoftmax', [lowering.nameOf(node.inputs[0] as Tensor)], {
      attributes: { axis: int(-1) },
    }),
  ],
  evaluate: ([x]) => [
    alongLast(x as Value, (slice) => {
      const largest = maximum(slice);
      const total = slice.reduce((a, v) => a + Math.exp(v - largest), 0);
      return slice.map((v) => v - largest - Math.log(total));
    }),
  ],
};
export const logSoftmax = (x: Tensor): Tensor => applySingle(logSoftmaxOperation, [x], {});

export const rmsNormOperation: Operation<{ readonly epsilon: number }> = {
  name: 'rmsNorm',
  shape: (inputs) => {
    expectDataTypes('rmsNorm', inputs, ['float32', 'float32']);
    const [input, weight] = inputs as [TensorType, TensorType];
    if (weight.shape.length !== 1 || weight.shape[0] !== input.shape.at(-1) || !isStatic(weight.shape[0]!)) {
      throw new Error(`rmsNorm of ${printShape(input.shape)} with gain ${printShape(weight.shape)}`);
    }
    return [input];
  },
  gradient: (node, [cotangent], needs) => {
    const [x, gain] = node.inputs as [Tensor, Tensor];
    const size = dimensionAt(x, -1) as number;
    const axis = [lastAxis(x)];
    const g = cotangent as Tensor;
    // From plain operations: not every runtime computes its fused kernel's second output.
    const meanSquare = scale(sum(multiply(x, x), axis), 1 / size);
    const inverse = divide(scalar(1), sqrt(add(meanSquare, scalar(node.attributes.epsilon))));
    const weighted = multiply(g, gain);
    const along = scale(sum(multiply(weighted, x), axis), 1 / size);
    const cube = multiply(multiply(inverse, inverse), inverse);
    return [
      needs[0] ? subtract(multiply(inverse, weighted), multiply(x, multiply(cube, along))) : null,
      needs[1] ? sumTo(multiply(g, multiply(x, inverse)), gain.shape) : null,
    ];
  },
  lower: (node, lowering) => [
    lowering.emitSingle(
      'SimplifiedLayerNormalization',
      node.inputs.map((tensor) => lowering.nameOf(tensor)),
      { attributes: { axis: int(-1), epsilon: float(node.attributes.epsilon) } },
    ),
  ],
  evaluate: ([x, gain], { epsilon }) => [
    alongLast(x as Value, (slice) => {
      const meanSquare = slice.reduce((total, v) => total + v * v, 0) / slice.length;
      const inverse = 1 / Math.sqrt(meanSquare + epsilon);
      return slice.map((v, at) => v * inverse * (gain as Value).data[at]!);
    }),
  ],
};

/** x / sqrt(mean(x²) + epsilon) · gain along the last axis. [Zhang & Sennrich 2019, arXiv:1910.07467] */
export function rmsNorm(x: Tensor, gain: Tensor, epsilon: number): Tensor {
  return applySingle(rmsNormOperation, [x, gain], { epsilon });
}
