/** Dimensions are linear forms: their algebra, and that equal ones are spelled alike. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDimensions,
  type Dimension,
  dimensionValue,
  elementCount,
  isCanonical,
  matchDimension,
  multiplyDimension,
} from '../../src/tensor/dimension.ts';

const names = ['a', 'b', 'prompt0', '_x'] as const;
const sizes = fc
  .record(Object.fromEntries(names.map((name) => [name, fc.nat(9)])))
  .map((one) => new Map(Object.entries(one)));

/** Any sum of numbers and multiples of names. */
const dimension: fc.Arbitrary<Dimension> = fc
  .array(
    fc.oneof(
      fc.nat(5),
      fc.tuple(fc.constantFrom(...names), fc.nat(3)).map(([name, factor]) => multiplyDimension(name, factor)),
    ),
    { maxLength: 5 },
  )
  .map((parts) => addDimensions(...parts));

describe('dimensions', () => {
  it('add and multiply as their values do', () => {
    fc.assert(
      fc.property(dimension, dimension, fc.nat(5), sizes, (a, b, factor, known) => {
        const value = (one: Dimension) => dimensionValue(one, known);
        expect(value(addDimensions(a, b))).toBe(value(a) + value(b));
        expect(value(multiplyDimension(a, factor))).toBe(factor * value(a));
      }),
    );
  });

  it('are spelled alike whatever the order and grouping', () => {
    fc.assert(
      fc.property(dimension, dimension, dimension, fc.nat(4), (a, b, c, factor) => {
        expect(addDimensions(a, b)).toBe(addDimensions(b, a));
        expect(addDimensions(addDimensions(a, b), c)).toBe(addDimensions(a, addDimensions(b, c)));
        expect(addDimensions(a, 0)).toBe(a);
        expect(multiplyDimension(a, 1)).toBe(a);
        expect(multiplyDimension(a, 0)).toBe(0);
        expect(multiplyDimension(addDimensions(a, b), factor)).toBe(
          addDimensions(multiplyDimension(a, factor), multiplyDimension(b, factor)),
        );
        expect(isCanonical(addDimensions(a, b))).toBe(true);
      }),
    );
  });

  it('are written with names in order and the number last', () => {
    expect(addDimensions('prompt0', 1, 'chosen0', 'chosen0')).toBe('2*chosen0 + prompt0 + 1');
    expect(addDimensions(1, 2)).toBe(3);
  });

  it.each(['b + a', 'a + a', '1*a', '0*a', 'a + 0', '3'])('%s is not canonical', (spelling) => {
    expect(isCanonical(spelling)).toBe(false);
  });

  it.each([-1, 1.5, Number.NaN])('%d is no size', (size) => {
    expect(isCanonical(size)).toBe(false);
  });

  it.each(['', 'a+b', '-a', 'a - b', '2a', 'a*2'])('"%s" is not understood', (spelling) => {
    expect(() => addDimensions(spelling)).toThrow('not a dimension');
  });

  it('need the sizes of their names', () => {
    expect(() => dimensionValue('a + b', new Map([['a', 1]]))).toThrow('"b"');
  });

  it('count elements by what is the same for all sizes', () => {
    const counts = (...shapes: Dimension[][]) => shapes.map((shape) => JSON.stringify(elementCount(shape)));
    expect(new Set(counts([2, 'n', 3], ['6*n'], ['3*n', 2], [6, 'n'])).size).toBe(1);
    expect(new Set(counts(['2*m + 2*n', 3], [6, 'm + n'], [2, 'm + n', 3])).size).toBe(1);
    expect(new Set(counts(['n'], ['m'], ['2*n'], ['n', 'n'], ['n + 1'])).size).toBe(5);
  });

  it('match sizes, and teach a name that stands alone', () => {
    const known = new Map<string, number>();
    expect(matchDimension('a + b', 5, known)).toBe(true);
    expect(matchDimension('a', 2, known)).toBe(true);
    expect(matchDimension('b', 3, known)).toBe(true);
    expect(known).toEqual(
      new Map([
        ['a', 2],
        ['b', 3],
      ]),
    );
    expect(matchDimension('a + b', 5, known)).toBe(true);
    expect(matchDimension('a + b', 6, known)).toBe(false);
    expect(matchDimension('a', 3, known)).toBe(false);
    expect(matchDimension(4, 4, known)).toBe(true);
    expect(matchDimension(4, 5, known)).toBe(false);
  });
});
