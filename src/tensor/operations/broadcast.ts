/** Summing over axes and its adjoint, repeating along axes. */
import { type Dimension, isStatic, printShape, type Shape, sameShape } from '../dimension.ts';
import { int } from '../onnx/lowering.ts';
import type { Operation, Value } from '../operation.ts';
import { applySingle, expectDataTypes, type Tensor, type TensorType } from '../tensor.ts';
import { broadcastReader, fill, stridesOf } from './indexing.ts';
import { reshape } from './shape.ts';

/** The shape two tensors share after broadcasting, numpy's rule. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new Error(`${printShape(a)} and ${printShape(b)} do not broadcast`);
  });
}

export const sumOperation: Operation<{ readonly axes: readonly number[] }> = {
  name: 'sum',
  shape: (inputs, { axes }) => {
    expectDataTypes('sum', inputs, ['float32']);
    const { shape } = inputs[0] as TensorType;
    if (axes.some((axis) => axis < 0 || axis >= shape.length)) {
      throw new Error(`no axes [${axes}] in ${printShape(shape)}`);
    }
    return [{ shape: shape.map((d, axis) => (axes.includes(axis) ? 1 : d)), dataType: 'float32' }];
  },
  gradient: (node, [cotangent]) => [broadcastLike(cotangent as Tensor, node.inputs[0] as Tensor)],
  lower: (node, lowering) => {
    const { axes } = node.attributes;
    return [
      lowering.emitSingle(
        'ReduceSum',
        [lowering.nameOf(node.inputs[0] as Tensor), lowering.constant(axes, [axes.length], 'int64')],
        { attributes: { keepdims: int(1) } },
      ),
    ];
  },
  evaluate: ([value], { axes }) => {
    const { shape, data } = value as Value;
    const summed = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const strides = stridesOf(summed);
    const result = new Float64Array(summed.reduce((product, size) => product * size, 1));
    let position = 0;
    fill(shape, (index) => {
      let offset = 0;
      for (let axis = 0; axis < index.length; axis++) {
        if (!axes.includes(axis)) offset += index[axis]! * strides[axis]!;
      }
      result[offset]! += data[position++]!;
      return 0;
    });
    return [{ shape: summed, data: result }];
  },
};

/** The sum over the given axes (all unless told), each kept with size 1. */
export function sum(tensor: Tensor, axes: readonly number[] = tensor.shape.map((_, axis) => axis)): Tensor {
  return axes.length === 0 ? tensor : applySingle(sumOperation, [tensor], { axes });
}

export const broadcastOperation: Operation<Record<never, never>> = {
  name: 'broadcastLike',
  shape: ([tensor, target]) => {
    const { shape } = target as TensorType;
    if (!sameShape(broadcastShapes((tensor as TensorType).shape, shape), shape)) {
      throw new Error(
        `${printShape((tensor as TensorType).shape)} does not broadcast to ${printShape(shape)}`,
      );
    }
    return [{ shape, dataType: (tensor as TensorType).dataType }];
  },
  gradient: (node, [cotangent]) => [sumTo(cotangent as Tensor, (node.inputs[0] as Tensor).shape), null],
  lower: (node, lowering) => {
    const [tensor, target] = node.inputs as [Tensor, Tensor];
    const shape = target.shape.every(isStatic)
      ? lowering.constant(target.shape as number[], [target.shape.length], 'int64')
      : lowering.emitSingle('Shape', [lowering.nameOf(target)]);
    return [lowering.emitSingle('Expand', [lowering.nameOf(tensor), shape])];
  },
  evaluate: ([value, target]) => [fill((target as Value).shape, broadcastReader(value as Value))],
};

/** Repeats a tensor along its axes of size 1 (and new leading axes) to the shape of `target`. */
export function broadcastLike(tensor: Tensor, target: Tensor): Tensor {
  return sameShape(tensor.shape, target.shape)
    ? tensor
    : applySingle(broadcastOperation, [tensor, target], {});
}

/** Sums a tensor down to a shape that broadcasts to it: the adjoint of broadcasting. */
export function sumTo(tensor: Tensor, shape: Shape): Tensor {
  if (sameShape(tensor.shape, shape)) return tensor;
  const added = tensor.shape.length - shape.length;
  const repeated = (dimension: Dimension, axis: number) =>
    axis < added || (shape[axis - added] === 1 && dimension !== 1);
  const axes = tensor.shape.flatMap((dimension, axis) => (repeated(dimension, axis) ? [axis] : []));
  return reshape(sum(tensor, axes), shape);
}
