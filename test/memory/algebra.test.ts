/** The algebra of denoising, projection and consolidation, over random matrices and histories. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ConsolidationSettings, consolidateMatrix } from '../../src/memory/consolidate.ts';
import { denoise } from '../../src/memory/denoise.ts';
import { MatrixHistory } from '../../src/memory/history.ts';
import { addScaled, dot, norm } from '../../src/memory/matrix.ts';
import { Random } from '../../src/support/random.ts';

type Shape = readonly [number, number];

const shapes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 }));
const value = fc.float({ min: -4, max: 4, noNaN: true, noDefaultInfinity: true });
const vector = (length: number) => fc.float32Array({ ...limits, minLength: length, maxLength: length });
const limits = { min: -4, max: 4, noNaN: true, noDefaultInfinity: true } as const;
const thresholds = fc.double({ min: 0.01, max: 1, noNaN: true });
const lambdas = fc.double({ min: 0, max: 1, noNaN: true });

/** A matrix shape, that many float32 values `count` times, and up to `rows` history rows. */
const problem = (count: number, rows = 4) =>
  shapes.chain((shape) => {
    const one = vector(shape[0] * shape[1]);
    return fc.record({
      shape: fc.constant<Shape>(shape),
      values: fc.tuple(...Array.from({ length: count }, () => one)),
      rows: fc.array(one, { maxLength: rows }),
    });
  });

function historyOf(rows: readonly Float32Array[]): MatrixHistory {
  const history = new MatrixHistory();
  for (const row of rows) history.append(row);
  return history;
}

const matrixOf = ([rows, columns]: Shape, data: Float32Array) => ({
  rows,
  columns,
  data: Float64Array.from(data),
});

const run = (
  shape: Shape,
  before: Float32Array,
  after: Float32Array,
  rows: readonly Float32Array[],
  settings: ConsolidationSettings,
) => consolidateMatrix({ shape, data: before }, { shape, data: after }, historyOf(rows), settings);

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  norm(Float64Array.from(a, (x, i) => x - (b[i] as number)));

describe('projection', () => {
  it('is idempotent, splits into orthogonal parts that add up, and keeps the energy', () => {
    fc.assert(
      fc.property(problem(1), ({ values: [f32], rows }) => {
        const history = historyOf(rows);
        const f = Float64Array.from(f32 as Float32Array);
        const { parallel, perpendicular } = history.project(f);
        const tolerance = 1e-12 * norm(f);
        expect(distance(history.project(parallel).parallel, parallel)).toBeLessThanOrEqual(tolerance);
        expect(norm(history.project(perpendicular).parallel)).toBeLessThanOrEqual(tolerance);
        expect(Math.abs(dot(parallel, perpendicular))).toBeLessThanOrEqual(tolerance * norm(f));
        expect(
          distance(
            parallel.map((x, i) => x + (perpendicular[i] as number)),
            f,
          ),
        ).toBeLessThanOrEqual(tolerance);
        const energies = norm(parallel) ** 2 + norm(perpendicular) ** 2;
        expect(Math.abs(energies - norm(f) ** 2)).toBeLessThanOrEqual(1e-11 * norm(f) ** 2);
      }),
    );
  });

  it('gives back every row of the history, and nothing of what is orthogonal to them all', () => {
    fc.assert(
      fc.property(problem(0), ({ rows }) => {
        const history = historyOf(rows);
        for (const row of rows) {
          const f = Float64Array.from(row);
          // A row left out of the basis lies up to 1e-6 of its norm outside the span.
          expect(norm(history.project(f).perpendicular)).toBeLessThanOrEqual(2e-6 * norm(f));
        }
      }),
    );
    const history = historyOf([new Float32Array([1, 2, 0]), new Float32Array([0, 1, 0])]);
    expect([...history.project(new Float64Array([0, 0, 5])).parallel]).toEqual([0, 0, 0]);
  });

  it('leaves rows of zeros and linear combinations out of the basis, and counts them', () => {
    fc.assert(
      fc.property(problem(1, 3), value, value, ({ values: [f32], rows, shape }, a, b) => {
        const f = Float64Array.from(f32 as Float32Array);
        const history = historyOf(rows);
        const before = { rank: history.rank, parallel: history.project(f).parallel };
        history.append(new Float32Array(shape[0] * shape[1]));
        // Small integers and halves: the combination is exact in float32.
        const rounded = rows.map((row) => row.map((x) => Math.round(2 * x) / 2));
        const exact = historyOf(rounded);
        const rank = exact.rank;
        const [first, last] = [rounded[0], rounded.at(-1)];
        if (first !== undefined && last !== undefined) {
          exact.append(first.map((x, i) => Math.round(a) * x + Math.round(b) * (last[i] as number)));
        }
        expect(exact.rank).toBe(rank);
        expect(history.rank).toBe(before.rank);
        expect(history.project(f).parallel).toEqual(before.parallel);
        expect(history.rows).toBe(rows.length + 1);
      }),
    );
  });

  it('draws the line at 1e-6 of a row’s own norm, however small the row', () => {
    for (const scale of [1, 1e-20, 1e20]) {
      const first = new Float32Array([scale, 0]);
      expect(historyOf([first, new Float32Array([scale, 0.9e-6 * scale])]).rank).toBe(1);
      expect(historyOf([first, new Float32Array([scale, 1.1e-6 * scale])]).rank).toBe(2);
    }
  });

  it('spans the same whatever the order of independent and dependent rows', () => {
    // Integers: rows are dependent exactly or not at all.
    const integers = fc.array(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 5, maxLength: 5 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(integers, fc.array(value, { minLength: 5, maxLength: 5 }), (rows, f) => {
        const float32 = rows.map((row) => Float32Array.from(row));
        const [forth, back] = [historyOf(float32), historyOf([...float32].reverse())];
        expect(forth.rank).toBe(back.rank);
        const target = Float64Array.from(f);
        expect(distance(forth.project(target).parallel, back.project(target).parallel)).toBeLessThan(1e-10);
      }),
    );
  });

  it('is the same, bit for bit, when built again in one go from rows that came one by one', () => {
    fc.assert(
      fc.property(problem(1, 10), ({ values: [f32], rows }) => {
        const f = Float64Array.from(f32 as Float32Array);
        const grown = new MatrixHistory();
        for (const row of rows) {
          grown.append(row);
          grown.project(f);
        }
        expect(historyOf(rows).project(f)).toEqual(grown.project(f));
      }),
      { numRuns: 50 },
    );
  });

  it('agrees with an orthonormal basis, also where rows nearly lie in the span of those before', () => {
    const numbers = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 16, maxLength: 16 });
    const row = fc.record({
      fresh: numbers,
      weights: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
      /** In powers of ten, of the row's own. */
      apart: fc.double({ min: -5, max: 0, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 8 }), numbers, (described, target) => {
        const rows: Float32Array[] = [];
        for (const { fresh, weights, apart } of described) {
          const combined = (i: number) =>
            rows.reduce((sum, earlier, at) => sum + weights[at]! * earlier[i]!, 0);
          rows.push(Float32Array.from(fresh, (value, i) => combined(i) + 10 ** apart * value));
        }
        const f = Float64Array.from(target);
        const { basis, apart } = orthonormal(rows);
        // Near the line that decides what spans nothing, rounding does; rounding of rows grows by what they are apart.
        fc.pre(apart.every((share) => share > 1e-5 || share === 0));
        const smallest = apart
          .filter((share) => share > 0)
          .reduce((least, share) => Math.min(least, share), 1);
        const history = historyOf(rows);
        expect(history.rank).toBe(basis.length);
        const expected = new Float64Array(f.length);
        for (const direction of basis) addScaled(expected, dot(direction, f), direction);
        expect(distance(history.project(f).parallel, expected)).toBeLessThanOrEqual(
          (1e-13 / smallest) * norm(f),
        );
      }),
      { numRuns: 200 },
    );
  });

  it.each([0.26, 0.3, 0.5, 0.9])(
    'stays a projection for chains of rows that leave %f of themselves',
    (apart) => {
      for (const count of [12, 30, 100]) {
        const random = Random.fromSeed(count);
        const directions = orthonormal(
          Array.from({ length: count }, () =>
            Float32Array.from({ length: 150 }, () => 2 * random.uniform() - 1),
          ),
        ).basis;
        const rows = directions.map((own, at) => {
          const before = directions[at - 1];
          const near = Math.sqrt(1 - apart * apart);
          return Float32Array.from(own, (value, i) => (before ? near * before[i]! + apart * value : value));
        });
        const history = historyOf(rows);
        const f = Float64Array.from({ length: 150 }, () => 2 * random.uniform() - 1);
        const { parallel, perpendicular } = history.project(f);
        expect(history.rank).toBe(count);
        expect(distance(history.project(parallel).parallel, parallel)).toBeLessThanOrEqual(1e-12 * norm(f));
        expect(Math.abs(dot(parallel, perpendicular))).toBeLessThanOrEqual(1e-12 * norm(f) ** 2);
      }
    },
  );
});

/** Modified Gram–Schmidt, run twice; and the share of its norm that each row leaves outside the span before it. */
function orthonormal(rows: readonly Float32Array[]) {
  const basis: Float64Array[] = [];
  const apart = rows.map((row) => {
    const residual = Float64Array.from(row);
    const length = norm(residual);
    for (let pass = 0; pass < 2; pass++) {
      for (const direction of basis) addScaled(residual, -dot(direction, residual), direction);
    }
    const remaining = norm(residual);
    if (remaining <= 1e-6 * length) return 0;
    basis.push(residual.map((value) => value / remaining));
    return remaining / length;
  });
  return { basis, apart };
}

describe('denoising', () => {
  it('keeps at least the threshold of the energy, and with one direction less would not', () => {
    fc.assert(
      fc.property(problem(1), thresholds, ({ shape, values: [data] }, threshold) => {
        const matrix = matrixOf(shape, data as Float32Array);
        const { matrix: kept, keptRank, singularValues } = denoise(matrix, threshold);
        const energies = [...singularValues].map((s) => s * s);
        const total = norm(matrix.data) ** 2;
        const upTo = (k: number) => energies.slice(0, k).reduce((sum, energy) => sum + energy, 0);
        expect(Math.abs(upTo(energies.length) - total)).toBeLessThanOrEqual(1e-10 * total);
        expect(norm(kept.data) ** 2).toBeGreaterThanOrEqual((threshold - 1e-10) * total);
        if (keptRank > 0) expect(upTo(keptRank - 1)).toBeLessThan(threshold * total);
        // What is dropped is orthogonal to what is kept.
        const dropped = norm(matrix.data.map((x, i) => x - (kept.data[i] as number))) ** 2;
        expect(Math.abs(norm(kept.data) ** 2 + dropped - total)).toBeLessThanOrEqual(1e-10 * total);
      }),
    );
  });

  it('keeps no fewer directions for a higher threshold, and all of the matrix for 1', () => {
    fc.assert(
      fc.property(problem(1), thresholds, thresholds, ({ shape, values: [data] }, a, b) => {
        const matrix = matrixOf(shape, data as Float32Array);
        const [low, high] = [denoise(matrix, Math.min(a, b)), denoise(matrix, Math.max(a, b))];
        expect(low.keptRank).toBeLessThanOrEqual(high.keptRank);
        expect(denoise(matrix, 1).matrix.data).toEqual(matrix.data);
      }),
    );
  });

  it('counts a threshold that is met exactly as met', () => {
    // Energies 9, 4, 2, 1 of 16: 9/16, 13/16 and 15/16 are reached after one, two and three.
    const data = Float64Array.of(3, 0, 0, 0, 0, 2, 0, 0, 0, 0, Math.SQRT2, 0, 0, 0, 0, 1);
    const matrix = { rows: 4, columns: 4, data };
    const ranks = [9, 10, 13, 15, 15.5, 16].map((energy) => denoise(matrix, energy / 16).keptRank);
    expect(ranks).toEqual([1, 2, 2, 3, 4, 4]);
  });
});

describe('consolidation', () => {
  it('is the identity for threshold = lambda = 1, to the last bit', () => {
    const any = fc.float({ noNaN: true, min: Math.fround(-1e37), max: Math.fround(1e37) });
    const settings = { threshold: 1, lambda: 1 };
    fc.assert(
      fc.property(fc.array(fc.tuple(any, any, any), { minLength: 6, maxLength: 6 }), (triples) => {
        const [before, after, row] = [0, 1, 2].map((i) =>
          Float32Array.from(triples, (triple) => triple[i] as number),
        );
        const result = run(
          [2, 3],
          before as Float32Array,
          after as Float32Array,
          [row as Float32Array],
          settings,
        );
        expect(result.longTerm).toEqual(after);
      }),
    );
  });

  it('keeps lambda of what lies along the history and all of the rest', () => {
    fc.assert(
      fc.property(problem(2), thresholds, lambdas, ({ shape, values, rows }, threshold, lambda) => {
        const [before, after] = values as [Float32Array, Float32Array];
        const { refined, longTerm } = run(shape, before, after, rows, { threshold, lambda });
        const change = Float64Array.from(after, (x, i) => x - (before[i] as number));
        const f = denoise({ rows: shape[0], columns: shape[1], data: change }, threshold).matrix.data;
        const history = historyOf(rows);
        const whole = history.project(f);
        const split = history.project(Float64Array.from(refined));
        const tolerance = 1e-6 * norm(f);
        expect(distance(split.perpendicular, whole.perpendicular)).toBeLessThanOrEqual(tolerance);
        expect(
          distance(
            split.parallel,
            whole.parallel.map((x) => lambda * x),
          ),
        ).toBeLessThanOrEqual(tolerance);
        const sum = before.map((x, i) => x + (refined[i] as number));
        expect(distance(longTerm, sum)).toBeLessThanOrEqual(
          1e-6 * (norm(f) + norm(Float64Array.from(before))),
        );
      }),
    );
  });

  it('scales with its input: powers of two change exponents and nothing else', () => {
    const scales = fc.integer({ min: -60, max: 60 });
    fc.assert(
      fc.property(
        problem(2),
        thresholds,
        lambdas,
        scales,
        ({ shape, values, rows }, threshold, lambda, exponent) => {
          const scale = (x: Float32Array) => x.map((v) => v * 2 ** exponent);
          // Whole numbers of quarters: no value becomes a subnormal on its way.
          const quarters = (x: Float32Array) => x.map((v) => Math.round(4 * v) / 4);
          const [before, after] = values.map(quarters) as [Float32Array, Float32Array];
          const exact = rows.map(quarters);
          const settings = { threshold, lambda };
          const plain = run(shape, before, after, exact, settings);
          const scaled = run(shape, scale(before), scale(after), exact.map(scale), settings);
          expect(scaled.report.keptRank).toBe(plain.report.keptRank);
          expect(distance(scaled.refined, scale(plain.refined))).toBeLessThanOrEqual(
            1e-6 * 2 ** exponent * norm(Float64Array.from(plain.refined)),
          );
        },
      ),
    );
  });

  it('refines no change to zeros and leaves the matrix as it was', () => {
    fc.assert(
      fc.property(problem(1), thresholds, lambdas, ({ shape, values: [data], rows }, threshold, lambda) => {
        const before = data as Float32Array;
        const { refined, longTerm, report } = run(shape, before, before, rows, { threshold, lambda });
        expect(longTerm).toEqual(before);
        expect(refined.every((x) => x === 0)).toBe(true);
        expect(report.keptRank).toBe(0);
      }),
    );
  });

  it('removes a repeated change wholly for lambda = 0, and leaves the history alone', () => {
    const history = historyOf([new Float32Array([1, 2, 3, 4])]);
    const zero = { shape: [2, 2] as const, data: new Float32Array(4) };
    const twice = { shape: [2, 2] as const, data: new Float32Array([2, 4, 6, 8]) };
    const result = consolidateMatrix(zero, twice, history, { threshold: 1, lambda: 0 });
    for (const x of result.longTerm) expect(Math.abs(x)).toBeLessThan(1e-14);
    expect([history.rows, history.rank]).toEqual([1, 1]);
  });
});
