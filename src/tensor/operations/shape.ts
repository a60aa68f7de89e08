/** Operations that move elements without changing them. Each is linear; its gradient moves them back. */
import {
  addDimensions,
  type Dimension,
  elementCount,
  isStatic,
  printShape,
  type Shape,
  sameShape,
} from '../dimension.ts';
import { int, ints } from '../onnx/lowering.ts';
import type { Operation, Value } from '../operation.ts';
import {
  applyOperation,
  applySingle,
  dimensionAt,
  expectDataTypes,
  type Tensor,
  type TensorType,
} from '../tensor.ts';
import { around, countOf, fill, stridesOf } from './indexing.ts';
import { constant, sizeOf } from './source.ts';

export const reshapeOperation: Operation<{ readonly shape: Shape }> = {
  name: 'reshape',
  shape: ([tensor], { shape }) => {
    const from = elementCount((tensor as TensorType).shape);
    const to = elementCount(shape);
    if (from.factor !== to.factor || from.symbols.join() !== to.symbols.join()) {
      throw new Error(`cannot reshape ${printShape((tensor as TensorType).shape)} to ${printShape(shape)}`);
    }
    if (shape.filter((dimension) => !isStatic(dimension)).length > 1) {
      throw new Error(`reshape to ${printShape(shape)}: at most one symbolic dimension can be inferred`);
    }
    // ONNX reads a size of 0 as "the input's".
    if (shape.includes(0)) throw new Error(`reshape to ${printShape(shape)}: a static dimension is positive`);
    return [{ shape, dataType: (tensor as TensorType).dataType }];
  },
  gradient: (node, [cotangent]) => [reshape(cotangent as Tensor, (node.inputs[0] as Tensor).shape)],
  lower: (node, lowering) => {
    const sizes = node.attributes.shape.map((dimension) => (isStatic(dimension) ? dimension : -1));
    const target = lowering.constant(sizes, [sizes.length], 'int64');
    return [lowering.emitSingle('Reshape', [lowering.nameOf(node.inputs[0] as Tensor), target])];
  },
  evaluate: ([value], { shape }) => {
    const { data } = value as Value;
    const known = countOf(shape.filter(isStatic));
    return [
      { shape: shape.map((dimension) => (isStatic(dimension) ? dimension : data.length / known)), data },
    ];
  },
};

/** The same elements in row-major order under another shape. */
export function reshape(tensor: Tensor, shape: Shape): Tensor {
  return applySingle(reshapeOperation, [tensor], { shape });
}

export const permuteOperation: Operation<{ readonly order: readonly number[] }> = {
  name: 'permute',
  shape: ([tensor], { order }) => {
    const { shape, dataType } = tensor as TensorType;
    if ([...order].sort((a, b) => a - b).join() !== shape.map((_, axis) => axis).join()) {
      throw new Error(`[${order}] is no order of the axes of ${printShape(shape)}`);
    }
    return [{ shape: order.map((axis) => shape[axis] as Dimension), dataType }];
  },
  gradient: (node, [cotangent]) => {
    const { order } = node.attributes;
    const inverse = order.map((_, axis) => order.indexOf(axis));
    return [permute(cotangent as Tensor, inverse)];
  },
  lower: (node, lowering) => [
    lowering.emitSingle('Transpose', [lowering.nameOf(node.inputs[0] as Tensor)], {
      attributes: { perm: ints(node.attributes.order) },
    }),
  ],
  evaluate: ([value], { order }) => {
    const { shape, data } = value as Value;
    const strides = stridesOf(shape);
    return [
      fill(
        order.map((axis) => shape[axis] as number),
        (index) =>
          data[order.reduce((offset, axis, to) => offset + index[to]! * strides[axis]!, 0)] as number,
      ),
    ];
  },
};

/** Axis `i` of the result is axis `order[i]` of the tensor. */
export function permute(tensor: Tensor, order: readonly number[]): Tensor {
  return applySingle(permuteOperation, [tensor], { order });
}

interface ConcatAttributes {
  readonly axis: number;
  /** How many of the inputs are joined; one behind them has their sizes. */
  readonly parts: number;
}

export const concatOperation: Operation<ConcatAttributes> = {
  name: 'concat',
  shape: (inputs, { axis, parts }) => {
    const joinedInputs = inputs.slice(0, parts);
    const [first] = joinedInputs as [TensorType];
    const sizes = inputs[parts];
    if (sizes && !(sizes.dataType === 'int64' && sameShape(sizes.shape, [parts]))) {
      throw new Error(`cannot join ${parts} tensors of sizes ${sizes.dataType} ${printShape(sizes.shape)}`);
    }
    for (const { shape, dataType } of joinedInputs) {
      const fits =
        axis >= 0 &&
        dataType === first.dataType &&
        shape.length === first.shape.length &&
        shape.every((dimension, other) => other === axis || dimension === first.shape[other]);
      if (!fits) {
        throw new Error(
          `cannot join ${joinedInputs.map((one) => printShape(one.shape)).join(', ')} on axis ${axis}`,
        );
      }
    }
    const joined = addDimensions(...joinedInputs.map((one) => dimensionAt(one, axis)));
    return [
      { shape: first.shape.map((d, other) => (other === axis ? joined : d)), dataType: first.dataType },
    ];
  },
  gradient: (node, [cotangent]) => {
    const { axis, parts } = node.attributes;
    const tensors = node.inputs.slice(0, parts);
    const sizes = node.inputs[parts];
    const cotangents = split(
      cotangent as Tensor,
      tensors.map((tensor) => dimensionAt(tensor, axis)),
      axis,
      sizes ?? sizesOf(tensors, axis),
    );
    return sizes ? [...cotangents, null] : cotangents;
  },
  lower: (node, lowering) => [
    lowering.emitSingle(
      'Concat',
      node.inputs.slice(0, node.attributes.parts).map((tensor) => lowering.nameOf(tensor)),
      { attributes: { axis: int(node.attributes.axis) } },
    ),
  ],
  evaluate: (inputs, { axis, parts }) => {
    const values = inputs.slice(0, parts);
    const { outer, inner } = around((values[0] as Value).shape, axis);
    const joined = values.reduce((sum, value) => sum + (value.shape[axis] as number), 0);
    const data = new Float64Array(outer * joined * inner);
    for (let row = 0, to = 0; row < outer; row++) {
      for (const value of values) {
        const length = (value.shape[axis] as number) * inner;
        data.set(value.data.subarray(row * length, (row + 1) * length), to);
        to += length;
      }
    }
    return [{ shape: (values[0] as Value).shape.map((size, at) => (at === axis ? joined : size)), data }];
  },
};

/**
 * Joins tensors along an axis; their other dimensions agree.
 *
 * @param sizes int64 [tensors]: their sizes along the axis, where these are symbolic. Without it the gradient asks the
 *   tensors themselves: what a region computes again would be all that they are made of.
 */
export function concat(tensors: readonly Tensor[], axis: number, sizes?: Tensor): Tensor {
  if (tensors.length === 1) return tensors[0] as Tensor;
  const inputs = sizes ? [...tensors, sizes] : tensors;
  return applySingle(concatOperation, inputs, { axis, parts: tensors.length });
}

/** The sizes of several tensors along an axis, int64 [tensors]. */
function sizesOf(tensors: readonly Tensor[], axis: number): Tensor {
  const dimensions = tensors.map((tensor) => dimensionAt(tensor, axis));
  if (dimensions.every(isStatic)) return constant(dimensions, [dimensions.length], 'int64');
  return concat(
    tensors.map((tensor) => sizeOf(tensor, axis)),
    0,
  );
}

interface SplitAttributes {
  readonly axis: number;
  readonly dimensions: readonly Dimension[];
}

export const splitOperation: Operation<SplitAttributes> = {
  name: 'split',
  shape: (inputs, { axis, dimensions }) => {
    expectDataTypes('split', inputs, ['any', 'int64']);
    const [{ shape, dataType }, sizes] = inputs as [TensorType, TensorType];
    if (addDimensions(...dimensions) !== shape[axis] || !sameShape(sizes.shape, [dimensions.length])) {
      throw new Error(`cannot split axis ${axis} of ${printShape(shape)} into [${dimensions.join(', ')}]`);
    }
    return dimensions.map((part) => ({ shape: shape.map((d, at) => (at === axis ? part : d)), dataType }));
  },
  gradient: (node, cotangents) => [
    concat(
      cotangents.map((cotangent, part) => cotangent ?? zerosLike(node.outputs[part] as Tensor)),
      node.attributes.axis,
    ),
    null,
  ],
  lower: (node, lowering) =>
    lowering.emit(
      'Split',
      node.inputs.map((tensor) => lowering.nameOf(tensor)),
      { attributes: { axis: int(node.attributes.axis) }, outputs: node.outputs.length },
    ),
  evaluate: ([value, sizes], { axis }) => {
    const { shape, data } = value as Value;
    const { outer, size, inner } = around(shape, axis);
    let from = 0;
    return [...(sizes as Value).data].map((length) => {
      const part = new Float64Array(outer * length * inner);
      for (let row = 0; row < outer; row++) {
        const start = (row * size + from) * inner;
        part.set(data.subarray(start, start + length * inner), row * length * inner);
      }
      from += length;
      return { shape: shape.map((d, at) => (at === axis ? length : d)), data: part };
    });
  },
};

/**
 * Cuts a tensor along an axis into parts of the given dimensions, which add up to it. Where they are
 * symbolic, `sizes` (int64 [parts]) gives their values at run time.
 */
export function split(
  tensor: Tensor,
  dimensions: readonly Dimension[],
  axis: number,
  sizes?: Tensor,
): readonly Tensor[] {
  if (dimensions.length === 1 && dimensions[0] === tensor.shape[axis]) return [tensor];
  const lengths = sizes ?? constant(dimensions.map(staticSize), [dimensions.length], 'int64');
  return applyOperation(splitOperation, [tensor, lengths], { axis, dimensions });
}

function staticSize(dimension: Dimension): number {
  if (!isStatic(dimension)) throw new Error(`the size "${dimension}" is symbolic: pass sizes`);
  return dimension;
}

export const zerosOperation: Operation<Record<never, never>> = {
  name: 'zerosLike',
  shape: ([tensor]) => [{ shape: (tensor as TensorType).shape, dataType: 'float32' }],
  gradient: () => [null],
  lower: (node, lowering) => [
    lowering.emitSingle('ConstantOfShape', [
      lowering.emitSingle('Shape', [lowering.nameOf(node.inputs[0] as Tensor)]),
    ]),
  ],
  evaluate: ([value]) => [
    { shape: (value as Value).shape, data: new Float64Array((value as Value).data.length) },
  ],
};

export function zerosLike(tensor: Tensor): Tensor {
  return applySingle(zerosOperation, [tensor], {});
}

export const barrierOperation: Operation<Record<never, never>> = {
  name: 'barrier',
  shape: (inputs) => {
    expectDataTypes(
      'barrier',
      inputs,
      inputs.map(() => 'float32'),
    );
    return [inputs[0] as TensorType];
  },
  gradient: (node, [cotangent]) => [cotangent as Tensor, ...node.inputs.slice(1).map(() => null)],
  lower: (node, lowering) => {
    // Its own shape, followed by none of a trigger's sizes, is not known before the trigger exists. The runtime copies
    // nothing for a reshape.
    const [tensor, ...triggers] = node.inputs as [Tensor, ...Tensor[]];
    const shapeOf = (one: Tensor) => lowering.emitSingle('Shape', [lowering.nameOf(one)]);
    const none = (trigger: Tensor) =>
      lowering.emitSingle('Slice', [
        shapeOf(trigger),
        ...[0, 0].map((bound) => lowering.constant([bound], [1], 'int64')),
      ]);
    const shape = lowering.emitSingle('Concat', [shapeOf(tensor), ...triggers.map(none)], {
      attributes: { axis: int(0) },
    });
    // Sizes of 0 are meant as such here.
    return [
      lowering.emitSingle('Reshape', [lowering.nameOf(tensor), shape], { attributes: { allowzero: int(1) } }),
    ];
  },
  evaluate: ([value]) => [value as Value],
};

/**
 * The tensor itself, but not available before the triggers are: what is recomputed from it in the backward
 * pass cannot be scheduled into, or merged with, the forward pass.
 */
export function barrier(tensor: Tensor, ...triggers: readonly Tensor[]): Tensor {
  return applySingle(barrierOperation, [tensor, ...triggers], {});
}
