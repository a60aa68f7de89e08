/** Where values come from: graph inputs, weights kept in files, small constants, sizes of tensors. */

import { isStatic, type Shape } from '../dimension.ts';
import { int } from '../onnx/lowering.ts';
import type { Operation } from '../operation.ts';
import { applySingle, type DataType, dimensionAt, type Tensor } from '../tensor.ts';

interface NamedAttributes {
  readonly name: string;
  readonly shape: Shape;
  readonly dataType: DataType;
}

export const inputOperation: Operation<NamedAttributes> = {
  name: 'input',
  shape: (_, { shape, dataType }) => [{ shape, dataType }],
  gradient: () => [],
  lower: (node, lowering) => [lowering.input(node.attributes.name, node.outputs[0] as Tensor)],
  evaluate: (_, { name }) => {
    throw new Error(`no value was given for the input "${name}"`);
  },
};

/** A value given with every run. */
export function input(name: string, shape: Shape, dataType: DataType = 'float32'): Tensor {
  return applySingle(inputOperation, [], { name, shape, dataType });
}

export const weightOperation: Operation<NamedAttributes> = {
  name: 'weight',
  shape: (_, { shape, dataType }) => [{ shape, dataType }],
  gradient: () => [],
  lower: (node, lowering) => [lowering.weight(node.attributes.name, node.outputs[0] as Tensor)],
  evaluate: (_, { name }) => {
    throw new Error(`no value was given for the weight "${name}"`);
  },
};

/** A frozen float32 tensor that stays in its file; engines map it into memory. */
export function weight(name: string, shape: readonly number[]): Tensor {
  return applySingle(weightOperation, [], { name, shape, dataType: 'float32' as const });
}

interface ConstantAttributes {
  readonly data: readonly number[];
  readonly shape: readonly number[];
  readonly dataType: DataType;
}

export const constantOperation: Operation<ConstantAttributes> = {
  name: 'constant',
  shape: (_, { data, shape, dataType }) => {
    if (shape.reduce((product, size) => product * size, 1) !== data.length) {
      throw new Error(`a constant of shape [${shape}] cannot hold ${data.length} values`);
    }
    return [{ shape, dataType }];
  },
  gradient: () => [],
  lower: (node, lowering) => {
    const { data, shape, dataType } = node.attributes;
    return [lowering.constant(data, shape, dataType)];
  },
  evaluate: (_, { data, shape }) => [{ shape, data: Float64Array.from(data) }],
};

export function constant(
  data: readonly number[],
  shape: readonly number[] = [data.length],
  dataType: DataType = 'float32',
): Tensor {
  return applySingle(constantOperation, [], { data, shape, dataType });
}

/** A rank-0 float32 constant; it broadcasts against anything. */
export function scalar(value: number): Tensor {
  return constant([value], []);
}

export const sizeOperation: Operation<{ readonly axis: number }> = {
  name: 'size',
  shape: ([tensor], { axis }) => {
    if (!tensor) throw new Error('size takes one tensor');
    dimensionAt(tensor, axis);
    return [{ shape: [1], dataType: 'int64' }];
  },
  gradient: () => [null],
  lower: (node, lowering) => {
    const [tensor] = node.inputs as [Tensor];
    const dimension = dimensionAt(tensor, node.attributes.axis);
    if (isStatic(dimension)) return [lowering.constant([dimension], [1], 'int64')];
    const { axis } = node.attributes;
    const attributes = { start: int(axis), end: int(axis + 1) };
    return [lowering.emitSingle('Shape', [lowering.nameOf(tensor)], { attributes })];
  },
  evaluate: ([tensor], { axis }) => [{ shape: [1], data: Float64Array.of(tensor?.shape.at(axis) as number) }],
};

/** The run-time size of one axis, int64 [1]. `axis` counts from 0. */
export function sizeOf(tensor: Tensor, axis: number): Tensor {
  return applySingle(sizeOperation, [tensor], { axis });
}
