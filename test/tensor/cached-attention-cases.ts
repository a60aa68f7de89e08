/** Graphs that attention over a cache is tested on: rows that begin, rows that go on, a row in pieces. */
import fc from 'fast-check';
import { multiplyDimension, type Shape } from '../../src/tensor/dimension.ts';
import * as tensor from '../../src/tensor/functions.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { InputSpec, Variant } from './variant.ts';

interface Rows {
  readonly queries: number;
  /** Of every row, by its number. */
  readonly length: (row: number) => number;
  readonly longest: number;
  readonly counts: readonly number[];
}

const capacity = 7;
const size = 8;

const kinds: Readonly<Record<string, Rows>> = {
  begin: { queries: 3, length: (row) => 1 + (row % 3), longest: 3, counts: [3, 5] },
  beginWithOne: { queries: 1, length: () => 1, longest: 1, counts: [1, 4] },
  goOn: { queries: 1, length: (row) => 2 + ((3 * row) % 6), longest: 7, counts: [1, 2, 5] },
  inPieces: { queries: 3, length: () => 5, longest: 5, counts: [1] },
};

const int64 = (shape: Shape, value: (at: number) => number): InputSpec => ({
  shape,
  dataType: 'int64',
  values: (_, at) => value(at),
});

/** Only what is defined is compared: each row's first and last query, and cached tokens within its length. */
export const cachedAttention: fc.Arbitrary<Variant> = fc
  .record({
    kind: fc.constantFrom(...Object.keys(kinds)),
    keyValueHeads: fc.constantFrom(1, 2),
    group: fc.constantFrom(1, 3),
  })
  .map(({ kind, keyValueHeads, group }): Variant => {
    const { queries, length, longest, counts } = kinds[kind] as Rows;
    const heads = keyValueHeads * group;
    const tokens = multiplyDimension('n', queries);
    const floats = (...shape: Shape): InputSpec => ({ shape, frozen: true });
    const cache = floats('n', keyValueHeads, capacity, size);
    const start = (row: number) => (kind.startsWith('begin') ? 0 : length(row) - queries);
    const lastQuery = (row: number) => row * queries + length(row) - 1 - start(row);
    const cached = (row: number, position: number) =>
      (row + 1) * keyValueHeads * capacity - capacity + position;
    return {
      inputs: [
        floats(tokens, heads * size),
        floats(tokens, keyValueHeads * size),
        floats(tokens, keyValueHeads * size),
        cache,
        cache,
        int64(['n'], length),
        int64([1], () => longest),
        int64(['n'], (row) => row * queries),
        int64(['n'], lastQuery),
        int64(['n'], (row) => cached(row, 0)),
        int64(['n'], (row) => cached(row, length(row) - 1)),
      ],
      build: (inputs) => {
        const [query, key, value, keys, values, lengths, greatest, ...places] = inputs as [
          ...(readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]),
          ...Tensor[],
        ];
        const [first, last, oldest, newest] = places as [Tensor, Tensor, Tensor, Tensor];
        const result = tensor.cachedAttention(
          { query, key, value, keys, values, lengths, longest: greatest },
          { heads, keyValueHeads, scale: 0.4 },
        );
        const flat = [result.keys, result.values].map((one) =>
          tensor.reshape(one, [multiplyDimension('n', keyValueHeads * capacity), size]),
        );
        return [
          tensor.gatherRows(result.mixed, first),
          tensor.gatherRows(result.mixed, last),
          ...flat.flatMap((one) => [tensor.gatherRows(one, oldest), tensor.gatherRows(one, newest)]),
        ];
      },
      sizes: counts.map((n) => ({ n })),
    };
  });
