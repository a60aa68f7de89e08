/** Graphs that attention over a cache is tested on: rows that begin, rows that go on, a row in pieces. */
import fc from 'fast-check';
import { addDimensions, multiplyDimension, type Shape } from '../../src/tensor/dimension.ts';
import * as tensor from '../../src/tensor/functions.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { InputSpec, Variant } from './variant.ts';

const size = 4;

type Six = readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

/** New tokens see those before them, and themselves; which places of the cache they see is arbitrary. */
export const cachedAttention: fc.Arbitrary<Variant> = fc
  .record({
    queries: fc.constantFrom(1, 3),
    keyValueHeads: fc.constantFrom(1, 2),
    group: fc.constantFrom(1, 3),
    pattern: fc.nat(30),
  })
  .map(({ queries, keyValueHeads, group, pattern }): Variant => {
    const heads = keyValueHeads * group;
    const places = multiplyDimension('n', queries);
    const floats = (...shape: Shape): InputSpec => ({ shape, frozen: true });
    const cache = floats(multiplyDimension('n', keyValueHeads), 'c', size);
    const visible = ([row, query, place]: readonly number[], capacity: number) => {
      if (place! >= capacity) return place! - capacity <= query!;
      return (row! + place! + pattern) % 3 > 0;
    };
    return {
      inputs: [
        floats(places, heads * size),
        floats(places, keyValueHeads * size),
        floats(places, keyValueHeads * size),
        cache,
        cache,
        {
          shape: ['n', queries, addDimensions('c', queries)],
          frozen: true,
          values: (_, at, sizes) => {
            const capacity = sizes['c'] as number;
            const seen = capacity + queries;
            const place = [Math.floor(at / seen / queries), Math.floor(at / seen) % queries, at % seen];
            return visible(place, capacity) ? 0 : -1e30;
          },
        },
      ],
      build: (inputs) => {
        const [query, key, value, keys, values, mask] = inputs as unknown as Six;
        const attributes = { heads, keyValueHeads, scale: 0.4 };
        return [tensor.cachedAttention({ query, key, value, keys, values, mask }, attributes)];
      },
      sizes: [
        { n: 1, c: 1 },
        { n: 2, c: 5 },
        { n: 3, c: 2 },
      ],
    };
  });
