/** For every operation, by name: the graphs its rules are tested on. One table, hence its length. */
import fc from 'fast-check';
import { addDimensions, type Dimension, multiplyDimension, type Shape } from '../../src/tensor/dimension.ts';
import * as tensor from '../../src/tensor/functions.ts';
import { placeOperation } from '../../src/tensor/operations/gather.ts';
import { quantisedMatmulOperation } from '../../src/tensor/operations/quantised-matrix.ts';
import { rotaryOperation } from '../../src/tensor/operations/rotary.ts';
import { applySingle, type DataType, type Tensor } from '../../src/tensor/tensor.ts';
import { cachedAttention } from './cached-attention-cases.ts';
import { awayFromZero, below, type InputSpec, type Sizes, uniform, type Variant } from './variant.ts';

/** A size named n takes several values, as lengths do. */
const lengths: readonly Sizes[] = [{ n: 0 }, { n: 1 }, { n: 3 }];
const nonEmpty = lengths.slice(1);

const size = fc.integer({ min: 1, max: 3 });

/** Static shapes and shapes with one axis n. */
function shapeOf(minRank: number, maxRank: number): fc.Arbitrary<Shape> {
  return fc
    .tuple(fc.array(size, { minLength: minRank, maxLength: maxRank }), fc.option(fc.nat(maxRank - 1)))
    .map(([shape, axis]) => shape.map((dimension, at) => (at === axis ? 'n' : dimension)));
}

/** `count` shapes that broadcast together: some axes are 1, some leading axes left out. */
function broadcasting(count: number): fc.Arbitrary<readonly Shape[]> {
  return shapeOf(0, 3).chain((shape) =>
    fc.array(
      fc
        .tuple(fc.nat(shape.length), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }))
        .map(([dropped, ones]) =>
          shape.map((dimension, axis): Dimension => (ones[axis] ? 1 : dimension)).slice(dropped),
        ),
      { minLength: count, maxLength: count },
    ),
  );
}

const int64 = (shape: Shape, values: NonNullable<InputSpec['values']>): InputSpec => ({
  shape,
  dataType: 'int64',
  values,
});

function elementwise(
  shapes: fc.Arbitrary<readonly Shape[]>,
  apply: (...inputs: Tensor[]) => Tensor,
  values: readonly (InputSpec['values'] | undefined)[] = [],
  dataTypes: readonly DataType[] = [],
): fc.Arbitrary<Variant> {
  return shapes.map((all) => ({
    inputs: all.map((shape, at) => ({
      shape,
      dataType: dataTypes[at] ?? 'float32',
      ...(values[at] && { values: values[at] }),
    })),
    build: (inputs) => [apply(...inputs)],
    sizes: lengths,
  }));
}

const unary = (apply: (x: Tensor) => Tensor, values?: InputSpec['values']) =>
  elementwise(
    shapeOf(0, 3).map((shape) => [shape]),
    (x) => apply(x as Tensor),
    [values],
  );

const binary = (apply: (a: Tensor, b: Tensor) => Tensor, values?: InputSpec['values']) =>
  elementwise(broadcasting(2), (a, b) => apply(a as Tensor, b as Tensor), [undefined, values]);

/** Along the last axis, which is not empty; any other axis may be. */
const alongLast = (apply: (x: Tensor) => Tensor): fc.Arbitrary<Variant> =>
  shapeOf(1, 3).map((shape) => ({
    inputs: [{ shape }],
    build: ([x]) => [apply(x as Tensor)],
    sizes: shape.at(-1) === 'n' ? nonEmpty : lengths,
  }));

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

const sum = fc.tuple(shapeOf(0, 3), fc.subarray([0, 1, 2], { minLength: 1 })).map(
  ([shape, axes]): Variant => ({
    inputs: [{ shape }],
    build: ([x]) => {
      const present = axes.filter((axis) => axis < shape.length);
      return [
        present.length > 0
          ? tensor.sum(x as Tensor, present)
          : tensor.sum(tensor.reshape(x as Tensor, [...shape, 1])),
      ];
    },
    sizes: lengths,
  }),
);

const broadcastLike = shapeOf(1, 3).chain((shape) =>
  fc.tuple(fc.nat(shape.length - 1), fc.nat(shape.length - 1)).map(
    ([axis, dropped]): Variant => ({
      inputs: [
        { shape: shape.map((dimension, at) => (at === axis ? 1 : dimension)).slice(Math.min(dropped, axis)) },
        {
          shape: [
            ...shape.slice(0, axis),
            shape[axis] === 1 ? 2 : (shape[axis] as Dimension),
            ...shape.slice(axis + 1),
          ],
        },
      ],
      build: ([x, target]) => [tensor.broadcastLike(x as Tensor, target as Tensor)],
      sizes: lengths,
    }),
  ),
);

const matmul = fc
  .record({
    batch: oneOf<readonly number[]>([], [2], [2, 2]),
    sizes: fc.tuple(size, size, size),
    symbolic: oneOf(0, 1, 2, null),
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
    alpha: oneOf(1, 0.5, -2),
  })
  .map(({ batch, sizes, symbolic, ...options }): Variant => {
    const [m, k, n] = sizes.map((dimension, at): Dimension => (at === symbolic ? 'n' : dimension)) as [
      Dimension,
      Dimension,
      Dimension,
    ];
    return {
      inputs: [
        { shape: [...batch, ...(options.transposeA ? [k, m] : [m, k])] },
        { shape: [...batch, ...(options.transposeB ? [n, k] : [k, n])] },
      ],
      build: ([a, b]) => [tensor.matmul(a as Tensor, b as Tensor, options)],
      // Any size is an inner one of the product or of a gradient, which in a stack is not empty.
      sizes: batch.length > 0 ? nonEmpty : lengths,
    };
  });

const rmsNorm = fc.tuple(shapeOf(0, 2), size, oneOf(1e-6, 1e-2)).map(
  ([leading, width, epsilon]): Variant => ({
    inputs: [{ shape: [...leading, width], values: awayFromZero }, { shape: [width] }],
    build: ([x, gain]) => [tensor.rmsNorm(x as Tensor, gain as Tensor, epsilon)],
    sizes: lengths,
  }),
);

const positions = 6;
const rotary = fc.record({ heads: size, headSize: oneOf(2, 4, 8), inverse: fc.boolean() }).map(
  ({ heads, headSize, inverse }): Variant => ({
    inputs: [
      { shape: ['n', heads * headSize] },
      int64(['n'], below(positions)),
      { shape: [positions, headSize / 2], frozen: true },
      { shape: [positions, headSize / 2], frozen: true },
    ],
    build: (inputs) => [
      inverse
        ? applySingle(rotaryOperation, inputs, { headSize, inverse })
        : tensor.rotary(...(inputs as [Tensor, Tensor, Tensor, Tensor]), headSize),
    ],
    sizes: lengths,
  }),
);

/** Random biases, or a mask that leaves every query its first key. */
const attention = fc.record({ heads: size, width: size, masked: fc.boolean() }).map(
  ({ heads, width, masked }): Variant => ({
    inputs: [
      { shape: [heads, 'q', width] },
      { shape: [heads, 'k', width] },
      { shape: [heads, 'k', width] },
      {
        shape: ['q', 'k'],
        frozen: true,
        ...(masked && {
          values: (random, at, { k }) => (at % (k as number) > 0 && random.integer(2) === 0 ? -1e30 : 0),
        }),
      },
    ],
    build: (inputs) => [
      tensor.attention(...(inputs as [Tensor, Tensor, Tensor, Tensor]), {
        scale: 1 / Math.sqrt(width),
      }),
    ],
    sizes: [
      { q: 1, k: 1 },
      { q: 3, k: 1 },
      { q: 2, k: 4 },
    ],
  }),
);

const rows: readonly Sizes[] = [
  { n: 1, m: 0 },
  { n: 1, m: 3 },
  { n: 4, m: 3 },
];

const gatherRows = size.map(
  (width): Variant => ({
    inputs: [{ shape: ['n', width] }, int64(['m'], below('n'))],
    build: ([table, indices]) => [tensor.gatherRows(table as Tensor, indices as Tensor)],
    sizes: rows,
  }),
);

const scatterAddRows = size.map(
  (width): Variant => ({
    inputs: [{ shape: ['n', width] }, int64(['m'], below('n')), { shape: ['m', width] }],
    build: (inputs) => [tensor.scatterAddRows(...(inputs as [Tensor, Tensor, Tensor]))],
    sizes: rows,
  }),
);

const pick = size.map(
  (width): Variant => ({
    inputs: [{ shape: ['n', width] }, int64(['n'], below(width))],
    build: ([x, indices]) => [tensor.pick(x as Tensor, indices as Tensor)],
    sizes: lengths,
  }),
);

const place = size.map(
  (width): Variant => ({
    inputs: [{ shape: ['n', width] }, int64(['n'], below(width)), { shape: ['n', 1] }],
    build: (inputs) => [applySingle(placeOperation, inputs, {})],
    sizes: lengths,
  }),
);

const tokenLogProbs = fc.tuple(size, fc.integer({ min: 1, max: 6 })).map(
  ([width, vocabulary]): Variant => ({
    inputs: [
      { shape: ['n', width] },
      { shape: [vocabulary, width], frozen: true },
      int64(['n'], below(vocabulary)),
    ],
    build: (inputs) => [tensor.tokenLogProbs(...(inputs as [Tensor, Tensor, Tensor]))],
    sizes: lengths,
  }),
);

/**
 * Odd numbers, the largest of a row being odd too: none lies halfway between two levels, where engines may
 * round either way.
 */
const oddNumbers: InputSpec['values'] = (random) =>
  (2 * random.integer(50) + 1) * (random.integer(2) === 0 ? 1 : -1);
const levels: InputSpec['values'] = (random) => random.integer(255) - 127;

const quantisedMatmul = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20 })).map(
  ([inner, columns]): Variant => ({
    inputs: [
      { shape: ['n', inner], frozen: true, values: oddNumbers },
      { shape: [inner, columns], dataType: 'int8', values: levels },
      { shape: [columns], frozen: true, values: uniform(0.001, 0.02) },
    ],
    build: (inputs) => [applySingle(quantisedMatmulOperation, inputs, {})],
    sizes: nonEmpty,
  }),
);

/** Its gradient is no derivative but nearly one: quantised-matrix.test.ts. */
const frozenMatmul = fc.tuple(size, size).map(
  ([out, inner]): Variant => ({
    inputs: [
      { shape: ['n', inner], frozen: true },
      { shape: [out, inner], frozen: true },
      { shape: [out, inner], dataType: 'int8', values: levels },
      { shape: [inner], frozen: true },
    ],
    build: (inputs) => [tensor.frozenMatmul(...(inputs as [Tensor, Tensor, Tensor, Tensor]))],
    sizes: nonEmpty,
  }),
);

const reshape = fc.tuple(size, size, fc.nat(4)).map(([a, b, which]): Variant => {
  const shapes: readonly Shape[] = [
    ['n', a * b],
    ['n', a, b],
    [a, 'n', b],
    [1, multiplyDimension('n', a), b],
    [multiplyDimension('n', a * b)],
  ];
  return {
    inputs: [{ shape: ['n', a * b] }, { shape: [a, b] }],
    build: ([x, y]) => [
      tensor.reshape(x as Tensor, shapes[which] as Shape),
      tensor.reshape(y as Tensor, [b, 1, a]),
    ],
    sizes: lengths,
  };
});

const permute = shapeOf(1, 4).chain((shape) =>
  fc
    .shuffledSubarray(
      shape.map((_, axis) => axis),
      { minLength: shape.length },
    )
    .map(
      (order): Variant => ({
        inputs: [{ shape }],
        build: ([x]) => [tensor.permute(x as Tensor, order)],
        sizes: lengths,
      }),
    ),
);

const parts: readonly Sizes[] = [
  { n: 0, m: 0 },
  { n: 0, m: 1 },
  { n: 2, m: 3 },
];

const around = (axis: number, dimension: Dimension): Shape => (axis === 0 ? [dimension, 2] : [3, dimension]);

/** The values of so many dimensions at run time. */
const sizesOf = (dimensions: readonly Dimension[]): InputSpec =>
  int64([dimensions.length], (_, at, sizes) => {
    const dimension = dimensions[at] as Dimension;
    return typeof dimension === 'number' ? dimension : (sizes[dimension] as number);
  });

const concat = fc
  .tuple(
    oneOf(0, 1),
    fc.array(oneOf<Dimension>('n', 'm', 1, 2), { minLength: 2, maxLength: 4 }),
    fc.boolean(),
  )
  .map(([axis, dimensions, areTold]): Variant => {
    const joined = dimensions.map((dimension) => ({ shape: around(axis, dimension) }));
    return {
      inputs: areTold ? [...joined, sizesOf(dimensions)] : joined,
      build: (inputs) => [tensor.concat(inputs.slice(0, dimensions.length), axis, inputs[dimensions.length])],
      sizes: parts,
    };
  });

/** Only the last part is left out of the results: its cotangent is none. */
const split = fc.tuple(oneOf(0, 1), fc.shuffledSubarray<Dimension>(['n', 'm', 1, 2], { minLength: 2 })).map(
  ([axis, dimensions]): Variant => ({
    inputs: [{ shape: around(axis, addDimensions(...dimensions)) }, sizesOf(dimensions)],
    build: ([x, sizes]) => tensor.split(x as Tensor, dimensions, axis, sizes).slice(0, -1),
    sizes: parts,
  }),
);

const staticSplit = fc.constant<Variant>({
  inputs: [{ shape: [2, 4] }],
  build: ([x]) => tensor.split(x as Tensor, [1, 3], 1),
  sizes: [{}],
});

/** Values captured from outside, a weight among them, and a second result. */
const region = fc.boolean().map(
  (twice): Variant => ({
    inputs: [['n', 3], [3, 3], [3]].map((shape) => ({ shape, values: uniform(-1, 1) })),
    build: ([x, matrix, gain]) => {
      const outside = tensor.exp(gain as Tensor);
      const inside = (from: Tensor) => {
        const [result, other] = tensor.region([from], (inner) => {
          const mixed = tensor.matmul(tensor.silu(inner as Tensor), matrix as Tensor);
          return [tensor.multiply(mixed, outside), tensor.sigmoid(mixed)];
        });
        return tensor.add(result as Tensor, other as Tensor);
      };
      return [twice ? inside(inside(x as Tensor)) : inside(x as Tensor)];
    },
    sizes: lengths,
  }),
);

const named = (isWeight: boolean) =>
  fc.array(size, { maxLength: 3 }).map(
    (shape): Variant => ({
      inputs: [{ shape: isWeight ? shape : ['n', ...shape], weight: isWeight }],
      build: ([x]) => [x as Tensor],
      sizes: isWeight ? [{}] : lengths,
    }),
  );

const constant = fc
  .tuple(fc.array(size, { maxLength: 2 }), oneOf<DataType>('float32', 'int64', 'bool'))
  .map(([shape, dataType]): Variant => {
    const count = shape.reduce((product, dimension) => product * dimension, 1);
    const data = Array.from({ length: count }, (_, at) => (dataType === 'bool' ? at % 2 : at - 2));
    return { inputs: [], build: () => [tensor.constant(data, shape, dataType)], sizes: [{}] };
  });

export const cases: Readonly<Record<string, fc.Arbitrary<Variant>>> = {
  add: binary(tensor.add),
  attention,
  barrier: elementwise(fc.tuple(shapeOf(0, 3), shapeOf(0, 2)), (x, trigger) =>
    tensor.barrier(x as Tensor, trigger as Tensor),
  ),
  broadcastLike,
  cachedAttention,
  concat,
  constant,
  divide: binary(tensor.divide, awayFromZero),
  exp: unary(tensor.exp),
  frozenMatmul,
  gatherRows,
  input: named(false),
  lessOrEqual: fc.oneof(
    binary(tensor.lessOrEqual),
    elementwise(
      broadcasting(2),
      (a, b) => tensor.lessOrEqual(a as Tensor, b as Tensor),
      [below(3), below(3)],
      ['int64', 'int64'],
    ),
  ),
  log: unary(tensor.log, uniform(0.2, 3)),
  logSoftmax: alongLast(tensor.logSoftmax),
  matmul,
  multiply: binary(tensor.multiply),
  negate: unary(tensor.negate),
  permute,
  pick,
  place,
  quantisedMatmul,
  region,
  relu: unary(tensor.relu, awayFromZero),
  reshape,
  rmsNorm,
  rotary,
  scatterAddRows,
  sigmoid: unary(tensor.sigmoid, uniform(-20, 20)),
  silu: unary(tensor.silu),
  size: shapeOf(1, 3).map((shape) => ({
    inputs: [{ shape }],
    build: ([x]) => shape.map((_, axis) => tensor.sizeOf(x as Tensor, axis)),
    sizes: lengths,
  })),
  softmax: alongLast(tensor.softmax),
  softplus: unary(tensor.softplus, uniform(-20, 20)),
  split: fc.oneof(split, staticSplit),
  sqrt: unary(tensor.sqrt, uniform(0.2, 3)),
  subtract: binary(tensor.subtract),
  sum,
  tokenLogProbs,
  weight: named(true),
  where: elementwise(
    broadcasting(3),
    (condition, a, b) => tensor.where(condition as Tensor, a as Tensor, b as Tensor),
    [below(2)],
    ['bool'],
  ),
  zerosLike: unary(tensor.zerosLike),
};
