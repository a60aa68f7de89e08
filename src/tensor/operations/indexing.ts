/** Helpers of the reference kernels: row-major index arithmetic over plain arrays. */
import type { Value } from '../operation.ts';

export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/** Builds a value element by element; `index` is reused between calls. */
export function fill(shape: readonly number[], element: (index: readonly number[]) => number): Value {
  const data = new Float64Array(countOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let position = 0; position < data.length; position++) {
    data[position] = element(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++(index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** Reads a value at an index of higher or equal rank, broadcasting axes of size 1. */
export function broadcastReader(value: Value): (index: readonly number[]) => number {
  const strides = stridesOf(value.shape).map((stride, axis) => (value.shape[axis] === 1 ? 0 : stride));
  return (index) => {
    const skipped = index.length - strides.length;
    let offset = 0;
    for (let axis = 0; axis < strides.length; axis++) {
      offset += (index[axis + skipped] as number) * (strides[axis] as number);
    }
    return value.data[offset] as number;
  };
}

/** Sizes before, at and after an axis: the value seen as [outer, size, inner]. */
export function around(
  shape: readonly number[],
  axis: number,
): { outer: number; size: number; inner: number } {
  return {
    outer: countOf(shape.slice(0, axis)),
    size: shape[axis] as number,
    inner: countOf(shape.slice(axis + 1)),
  };
}
