import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minimiseAbove } from '../../src/optim/quadratic-program.ts';
import { minimiseByActiveSets } from './active-sets.ts';

const objective = (P: readonly number[][], q: readonly number[], v: readonly number[]) =>
  P.reduce((sum, row, i) => sum + v[i]! * (q[i]! + row.reduce((s, value, j) => s + value * v[j]!, 0) / 2), 0);
const gram = (rows: readonly (readonly number[])[]) =>
  rows.map((row) => rows.map((other) => row.reduce((sum, value, at) => sum + value * other[at]!, 0)));
const times = (rows: readonly (readonly number[])[], g: readonly number[]) =>
  rows.map((row) => row.reduce((sum, value, at) => sum + value * g[at]!, 0));

const number = fc.double({ min: -2, max: 2, noNaN: true });
/** A gradient of five numbers, and one to four earlier ones. */
const problem = fc
  .tuple(
    fc.array(fc.array(number, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
    fc.array(number, { minLength: 5, maxLength: 5 }),
    fc.constantFrom(0, 0.1, 1),
  )
  .filter(([rows]) => rows.every((row) => Math.hypot(...row) > 1e-3));

describe('a quadratic program above a bound', () => {
  it('by hand: ½ · 2 v² − 4 v is least at 2, or at the bound above it', () => {
    expect(minimiseAbove(0.1, [[2]], [-4])[0]).toBeCloseTo(2, 12);
    expect(minimiseAbove(3, [[2]], [-4])[0]).toBeCloseTo(3, 12);
  });

  it('reaches the minimum that trying all sets of active bounds finds', () => {
    fc.assert(
      fc.property(problem, ([rows, g, bound]) => {
        const [P, q] = [gram(rows), times(rows, g)];
        const v = minimiseAbove(bound, P, q);
        expect(Math.min(...v)).toBeGreaterThanOrEqual(bound - 1e-9);
        const least = objective(P, q, minimiseByActiveSets(bound, P, q));
        expect(objective(P, q, v)).toBeLessThanOrEqual(least + 1e-6 * (1 + Math.abs(least)));
      }),
    );
  });

  it.each<{ what: string; rows: number[][] }>([
    {
      what: 'a row twice',
      rows: [
        [1, 2, 3],
        [1, 2, 3],
      ],
    },
    {
      what: 'a row and its double',
      rows: [
        [1, 2, 3],
        [2, 4, 6],
      ],
    },
    {
      what: 'a row almost twice',
      rows: [
        [1, 2, 3],
        [1, 2, 3 + 1e-13],
      ],
    },
    {
      what: 'a row and its opposite',
      rows: [
        [1, 2, 3],
        [-1, -2, -3],
      ],
    },
    {
      what: 'three rows in a plane',
      rows: [
        [0.1, 0.2, 0],
        [0.3, 0.7, 0],
        [0.4, 0.9, 0],
      ],
    },
  ])('with a singular matrix ($what) gives a minimum all the same', ({ rows }) => {
    const g = [-1, -0.5, 0.25];
    const [P, q] = [gram(rows), times(rows, g)];
    const v = minimiseAbove(0.1, P, q);
    const slope = P.map((row, at) => row.reduce((sum, value, column) => sum + value * v[column]!, q[at]!));
    slope.forEach((value, at) => {
      expect(value).toBeGreaterThanOrEqual(-1e-5);
      if (v[at]! > 0.1 + 1e-6) expect(value).toBeLessThanOrEqual(1e-5);
    });
    expect(Math.max(...v)).toBeLessThan(100);
  });

  it.each([1e-9, 1e9])('has the same solution in units %d times as large', (unit) => {
    const [P, q] = [
      gram([
        [1, 2],
        [2, -1.5],
      ]),
      [-1, -3],
    ];
    const scaled = minimiseAbove(
      0.1,
      P.map((row) => row.map((value) => value * unit)),
      q.map((value) => value * unit),
    );
    minimiseByActiveSets(0.1, P, q).forEach((value, at) => {
      expect(scaled[at]).toBeCloseTo(value, 9);
    });
  });
});
