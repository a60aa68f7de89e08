/** For every operation, by name: inputs its shape rule refuses. */

import type { Shape } from '../../src/tensor/dimension.ts';
import * as tensor from '../../src/tensor/functions.ts';
import { gradients } from '../../src/tensor/gradient.ts';
import { placeOperation } from '../../src/tensor/operations/gather.ts';
import { quantisedMatmulOperation } from '../../src/tensor/operations/quantised-matrix.ts';
import { regionOperation } from '../../src/tensor/operations/region.ts';
import { applyOperation, applySingle, type DataType, type Tensor } from '../../src/tensor/tensor.ts';

const of = (shape: Shape, dataType: DataType = 'float32'): Tensor => tensor.input('x', shape, dataType);
const integers = (...shape: Shape): Tensor => of(shape, 'int64');

const unary = (apply: (x: Tensor) => Tensor) => ({
  integers: () => apply(integers(2)),
  booleans: () => apply(of([2], 'bool')),
});

const binary = (apply: (a: Tensor, b: Tensor) => Tensor) => ({
  'shapes that do not broadcast': () => apply(of([2]), of([3])),
  'a named size against another': () => apply(of(['n']), of(['m'])),
  'a named size against a number': () => apply(of(['n']), of([3])),
  'two data types': () => apply(of([2]), integers(2)),
  booleans: () => apply(of([2], 'bool'), of([2], 'bool')),
});

export const misfits: Readonly<Record<string, Readonly<Record<string, () => unknown>>>> = {
  add: binary(tensor.add),
  attention: {
    'keys of another width': () => attend([2, 'q', 4], [2, 'k', 5], [2, 'k', 5], ['q', 'k']),
    'more heads of keys': () => attend([2, 'q', 4], [3, 'k', 4], [3, 'k', 4], ['q', 'k']),
    'values unlike keys': () => attend([2, 'q', 4], [2, 'k', 4], [2, 'm', 4], ['q', 'k']),
    'a bias the wrong way round': () => attend([2, 'q', 4], [2, 'k', 4], [2, 'k', 4], ['k', 'q']),
    'no heads': () => attend(['q', 4], ['k', 4], ['k', 4], ['q', 'k']),
  },
  barrier: { integers: () => tensor.barrier(integers(2), of([1])) },
  broadcastLike: {
    'a size that is not 1': () => tensor.broadcastLike(of([2]), of([4])),
    'a target of lower rank': () => tensor.broadcastLike(of([1, 2]), of([2])),
  },
  cachedAttention: {
    'caches of another head size': () => attendCached({ keys: ['2*n', 'c', 16], values: ['2*n', 'c', 16] }),
    'a cache of another number of heads': () =>
      attendCached({ keys: ['3*n', 'c', 8], values: ['3*n', 'c', 8] }),
    'values unlike keys': () => attendCached({ values: ['2*n', 'd', 8] }),
    'a mask of other rows': () => attendCached({ mask: ['m', 'q', 'c + q'] }),
    'a mask without the new tokens': () => attendCached({ mask: ['n', 'q', 'c'] }),
    'a query of another width': () => attendCached({ query: ['p', 40] }),
    'more keys than queries': () => attendCached({ key: ['m', 16], value: ['m', 16] }),
    'being differentiated': () => {
      const query = of(['p', 32]);
      return gradients(tensor.sum(attendCached({}, query)), [query]);
    },
  },
  concat: {
    'other axes that differ': () => tensor.concat([of([2, 'n']), of([2, 'm'])], 0),
    'ranks that differ': () => tensor.concat([of([2]), of([2, 1])], 0),
    'two data types': () => tensor.concat([of([2]), integers(2)], 0),
    'an axis from the end': () => tensor.concat([of([2]), of([2])], -1),
    'another number of sizes': () => tensor.concat([of(['n']), of(['m'])], 0, integers(3)),
    'sizes that are no integers': () => tensor.concat([of(['n']), of(['m'])], 0, of([2])),
  },
  constant: { 'too few values': () => tensor.constant([1, 2], [3]) },
  divide: binary(tensor.divide),
  exp: unary(tensor.exp),
  gatherRows: {
    'indices of two axes': () => tensor.gatherRows(of([4, 2]), integers(3, 1)),
    'float indices': () => tensor.gatherRows(of([4, 2]), of([3])),
    'a table without rows': () => tensor.gatherRows(of([]), integers(3)),
  },
  lessOrEqual: {
    'shapes that do not broadcast': () => tensor.lessOrEqual(of([2]), of([3])),
    'two data types': () => tensor.lessOrEqual(of([2]), integers(2)),
  },
  log: unary(tensor.log),
  logSoftmax: { ...unary(tensor.logSoftmax), 'no axis': () => tensor.logSoftmax(of([])) },
  matmul: {
    'inner sizes that differ': () => tensor.matmul(of([2, 3]), of([2, 3])),
    'inner names that differ': () => tensor.matmul(of([2, 'n']), of(['m', 3])),
    'leading axes that differ': () => tensor.matmul(of([2, 2, 3]), of([3, 3, 2])),
    vectors: () => tensor.matmul(of([3]), of([3])),
    'a matrix and a stack': () => tensor.matmul(of([2, 3]), of([4, 3, 2])),
    integers: () => tensor.matmul(integers(2, 2), integers(2, 2)),
  },
  multiply: binary(tensor.multiply),
  frozenMatmul: {
    'a copy of another shape': () =>
      tensor.frozenMatmul(of(['n', 3]), of([4, 3]), of([3, 4], 'int8'), of([3])),
    'scales of the wrong axis': () =>
      tensor.frozenMatmul(of(['n', 3]), of([4, 3]), of([4, 3], 'int8'), of([4])),
    'a copy that is no integers': () => tensor.frozenMatmul(of(['n', 3]), of([4, 3]), of([4, 3]), of([3])),
    'a weight that is trained': () => {
      const weight = of([4, 3]);
      const product = tensor.frozenMatmul(of([2, 3]), weight, of([4, 3], 'int8'), of([3]));
      return gradients(tensor.sum(product), [weight]);
    },
  },
  negate: unary(tensor.negate),
  permute: {
    'an axis twice': () => tensor.permute(of([2, 3]), [0, 0]),
    'too few axes': () => tensor.permute(of([2, 3]), [0]),
  },
  pick: {
    'another number of rows': () => tensor.pick(of(['n', 3]), integers('m')),
    'three axes': () => tensor.pick(of(['n', 3, 1]), integers('n')),
    'float indices': () => tensor.pick(of(['n', 3]), of(['n'])),
  },
  place: {
    'another number of rows': () => place(['n', 3], ['n'], ['m', 1]),
    'wide values': () => place(['n', 3], ['n'], ['n', 2]),
    'another number of indices': () => place(['n', 3], ['m'], ['n', 1]),
  },
  quantisedMatmul: {
    'sizes that differ': () =>
      applySingle(quantisedMatmulOperation, [of(['n', 3]), of([4, 3], 'int8'), of([3])], {}),
    'scales of the wrong axis': () =>
      applySingle(quantisedMatmulOperation, [of(['n', 4]), of([4, 3], 'int8'), of([4])], {}),
    'being differentiated': () => {
      const x = of([2, 4]);
      const product = applySingle(quantisedMatmulOperation, [x, of([4, 3], 'int8'), of([3])], {});
      return gradients(tensor.sum(product), [x]);
    },
  },
  region: {
    'inputs of another shape': () => regionWith(of([3])),
    'inputs of another data type': () => regionWith(integers(2)),
    'another number of inputs': () => regionWith(of([2]), of([2])),
  },
  relu: unary(tensor.relu),
  reshape: {
    'another number of elements': () => tensor.reshape(of([2, 3]), [5]),
    'another named size': () => tensor.reshape(of(['n', 3]), ['m', 3]),
    'two named sizes': () => tensor.reshape(of(['n', 'm']), ['m', 'n']),
    'no elements': () => tensor.reshape(of([0, 2]), [2, 0]),
  },
  rmsNorm: {
    'a gain of another width': () => tensor.rmsNorm(of(['n', 3]), of([2]), 1e-6),
    'a gain of two axes': () => tensor.rmsNorm(of(['n', 3]), of([1, 3]), 1e-6),
    'a named width': () => tensor.rmsNorm(of([3, 'n']), of(['n']), 1e-6),
  },
  rotary: {
    'a width that is no multiple of heads': () => rotate(['n', 6], ['n'], [8, 2], [8, 2]),
    'tables of whole heads': () => rotate(['n', 8], ['n'], [8, 4], [8, 4]),
    'another number of positions': () => rotate(['n', 8], ['m'], [8, 2], [8, 2]),
    'tables of different length': () => rotate(['n', 8], ['n'], [8, 2], [9, 2]),
    'three axes': () => rotate(['n', 8, 4], ['n'], [8, 2], [8, 2]),
  },
  scatterAddRows: {
    'narrower rows': () => tensor.scatterAddRows(of([4, 3]), integers('m'), of(['m', 2])),
    'another number of rows': () => tensor.scatterAddRows(of([4, 3]), integers('m'), of(['n', 3])),
    'a table of three axes': () => tensor.scatterAddRows(of([4, 3, 1]), integers('m'), of(['m', 3, 1])),
  },
  sigmoid: unary(tensor.sigmoid),
  silu: unary(tensor.silu),
  size: { 'an axis it lacks': () => tensor.sizeOf(of([2]), 1) },
  softmax: { ...unary(tensor.softmax), 'no axis': () => tensor.softmax(of([])) },
  softplus: unary(tensor.softplus),
  split: {
    'parts that do not add up': () => tensor.split(of([4]), [1, 2], 0),
    'one part that is not the whole': () => tensor.split(of([4]), [3], 0),
    'names that do not add up': () => tensor.split(of(['n + m']), ['n', 'n'], 0, integers(2)),
    'another number of sizes': () => tensor.split(of(['m + n']), ['m', 'n'], 0, integers(3)),
    'named parts without sizes': () => tensor.split(of(['m + n']), ['m', 'n'], 0),
    'an axis it lacks': () => tensor.split(of([4]), [2, 2], 1),
  },
  sqrt: unary(tensor.sqrt),
  subtract: binary(tensor.subtract),
  sum: { 'an axis it lacks': () => tensor.sum(of([2]), [1]), integers: () => tensor.sum(integers(2)) },
  tokenLogProbs: {
    'a head of another width': () => tensor.tokenLogProbs(of(['n', 3]), of([9, 4]), integers('n')),
    'another number of targets': () => tensor.tokenLogProbs(of(['n', 3]), of([9, 3]), integers('m')),
    'float targets': () => tensor.tokenLogProbs(of(['n', 3]), of([9, 3]), of(['n'])),
  },
  where: {
    'a float condition': () => tensor.where(of([2]), of([2]), of([2])),
    'shapes that do not broadcast': () => tensor.where(of([2], 'bool'), of([3]), of([3])),
    'two data types': () => tensor.where(of([2], 'bool'), of([2]), integers(2)),
  },
};

function attend(...shapes: [Shape, Shape, Shape, Shape]): Tensor {
  const [query, key, value, bias] = shapes.map((shape) => of(shape)) as [Tensor, Tensor, Tensor, Tensor];
  return tensor.attention(query, key, value, bias, { scale: 1 });
}

function attendCached(changes: Readonly<Record<string, Shape>>, query?: Tensor): Tensor {
  const shape = (name: string, usual: Shape) => changes[name] ?? usual;
  return tensor.cachedAttention(
    {
      query: query ?? of(shape('query', ['p', 32])),
      key: of(shape('key', ['p', 16])),
      value: of(shape('value', ['p', 16])),
      keys: of(shape('keys', ['2*n', 'c', 8])),
      values: of(shape('values', ['2*n', 'c', 8])),
      mask: of(shape('mask', ['n', 'q', 'c + q'])),
    },
    { heads: 4, keyValueHeads: 2, scale: 1 },
  );
}

function place(x: Shape, indices: Shape, values: Shape): Tensor {
  return applySingle(placeOperation, [of(x), integers(...indices), of(values)], {});
}

function rotate(x: Shape, positions: Shape, cosines: Shape, sines: Shape): Tensor {
  return tensor.rotary(of(x), integers(...positions), of(cosines), of(sines), 4);
}

/** A region over float32 [2], given something else. */
function regionWith(...inputs: Tensor[]): readonly Tensor[] {
  const parameter = of([2]);
  return applyOperation(regionOperation, inputs, {
    activations: 1,
    parameters: [parameter],
    results: [parameter],
  });
}
