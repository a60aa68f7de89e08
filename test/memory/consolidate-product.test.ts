/** Consolidation in product space: against whole matrices in numpy, by its laws, and at the size of a large model. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consolidateMatrix } from '../../src/memory/consolidate.ts';
import { consolidateModule, type ModuleFactors } from '../../src/memory/consolidate-product.ts';
import { MatrixHistory } from '../../src/memory/history.ts';
import { norm } from '../../src/memory/matrix.ts';
import type { LoraTensor } from '../../src/model/adapter.ts';
import { expectClose } from './fixture.ts';
import { factors, product, productCases, productHistory } from './product-fixture.ts';

describe('consolidation in product space equals numpy on whole matrices', () => {
  it.each(productCases)('$name', ({ before, after, history, threshold, lambda, expected }) => {
    const memories = productHistory(history.map(factors));
    const result = consolidateModule(factors(before), factors(after), memories, { threshold, lambda });
    const { report } = result;
    expect(report.keptRank).toBe(expected.kept_rank);
    expect(report.historyRank).toBe(expected.history_rank);
    expect(report.historyRows).toBe(history.length);
    const values = expected.singular_values;
    expectClose(
      report.singularValues
        .concat(new Array(Math.max(0, values.length - report.singularValues.length)).fill(0))
        .slice(0, values.length),
      values,
    );
    expectClose(product(result.longTerm), expected.long_term.data);
    expectClose(product(result.refined), expected.refined.data);
    const { energy, truncation } = report;
    expect(Math.abs(energy.parallel - expected.parallel_energy)).toBeLessThanOrEqual(1e-6 * energy.denoised);
    expect(Math.abs(truncation!.lost - expected.lost)).toBeLessThanOrEqual(1e-6 * truncation!.merged);
    expect(Math.abs(truncation!.refinedLost - expected.refined_lost)).toBeLessThanOrEqual(
      1e-6 * truncation!.refined,
    );
  });
});

const limits = { min: -4, max: 4, noNaN: true, noDefaultInfinity: true } as const;
const tensorOf = (rows: number, columns: number) =>
  fc
    .float32Array({ ...limits, minLength: rows * columns, maxLength: rows * columns })
    // Numbers a billion times smaller than others of the same adapter, squared, are beyond what the laws below allow for.
    .map((data): LoraTensor => ({ shape: [rows, columns], data: data.map(none) }));
const none = (value: number) => (Math.abs(value) < 1e-4 ? 0 : value);
const [OUT, RANK, IN] = [7, 2, 6];
const pair = fc.record({ b: tensorOf(OUT, RANK), a: tensorOf(RANK, IN) });
const history = fc.array(pair, { maxLength: 4 });
const thresholds = fc.double({ min: 0.05, max: 1, noNaN: true });
const lambdas = fc.double({ min: 0, max: 1, noNaN: true });
/** Invertible, with exact small entries: float32 holds what they do to quarters exactly. */
const splits = fc.constantFrom([1, 1, 0, 1], [2, 0, 0, 0.5], [0, 1, -1, 0], [1, 0, -2, 1], [4, 2, 0, 0.25]);

/** (B R, R⁻¹ A): the same product, split in another way. */
function split({ b, a }: ModuleFactors, [p, q, r, s]: readonly number[]): ModuleFactors {
  const [det, quarters] = [p! * s! - q! * r!, (data: Float32Array) => data.map((x) => Math.round(4 * x) / 4)];
  const [dataB, dataA] = [quarters(b.data), quarters(a.data)];
  const newB = dataB.map((_, at) => {
    const [x, y] = [dataB[at - (at % RANK)]!, dataB[at - (at % RANK) + 1]!];
    return at % RANK === 0 ? x * p! + y * r! : x * q! + y * s!;
  });
  const newA = dataA.map((_, at) => {
    const [x, y] = [dataA[at % IN]!, dataA[IN + (at % IN)]!];
    return (at < IN ? s! * x - q! * y : p! * y - r! * x) / det;
  });
  return { b: { shape: b.shape, data: newB }, a: { shape: a.shape, data: newA } };
}

const whole = (values: readonly number[]) => Float64Array.from(values);
const distance = (one: readonly number[], other: readonly number[]) =>
  norm(Float64Array.from(one, (value, at) => value - other[at]!));
const IDENTITY = [1, 0, 0, 1];

describe('how a product is split into factors', () => {
  it('changes nothing of what is kept and what is remembered', () => {
    fc.assert(
      fc.property(pair, pair, history, splits, splits, lambdas, (before, after, past, one, other, lambda) => {
        // Where two singular values are alike, or a threshold is just met, rounding decides what is kept: θ = 1.
        const settings = { threshold: 1, lambda };
        const memories = (of: readonly number[]) => productHistory(past.map((memory) => split(memory, of)));
        const plain = consolidateModule(
          split(before, IDENTITY),
          split(after, IDENTITY),
          memories(IDENTITY),
          settings,
        );
        const resplit = consolidateModule(split(before, one), split(after, other), memories(one), settings);
        const scale =
          1e-5 *
          (1 + norm(whole(product(split(after, IDENTITY)))) + norm(whole(product(split(before, IDENTITY)))));
        const { report } = plain;
        expect(Math.abs(resplit.report.energy.refined - report.energy.refined)).toBeLessThanOrEqual(
          1e-6 * report.energy.shortTerm + 1e-12,
        );
        expect(Math.abs(resplit.report.truncation!.lost - report.truncation!.lost)).toBeLessThanOrEqual(
          1e-6 * report.truncation!.merged + 1e-12,
        );
        if (report.truncation!.lost === 0)
          expect(distance(product(resplit.longTerm), product(plain.longTerm))).toBeLessThan(scale);
      }),
    );
  });

  it('decides what becomes of A and B consolidated apart: another product for another split', () => {
    const before = { b: tensorFrom(3, 2, [0, 0, 0, 0, 0, 0]), a: tensorFrom(2, 3, [1, 0, 0, 0, 1, 0]) };
    const after = { b: tensorFrom(3, 2, [3, 0, 0, 1, 1, 1]), a: tensorFrom(2, 3, [1, 0, 0, 0, 1, 0]) };
    const settings = { threshold: 0.8, lambda: 0.5 };
    const apart = (scale: number) => {
      const scaled = ({ b, a }: ModuleFactors) => ({
        // (B D, D⁻¹ A) with D = diag(1, scale).
        b: { ...b, data: b.data.map((x, at) => (at % 2 === 1 ? x * scale : x)) },
        a: { ...a, data: a.data.map((x, at) => (at >= 3 ? x / scale : x)) },
      });
      const [from, to] = [scaled(before), scaled(after)];
      const sides = (['b', 'a'] as const).map((side) => ({
        shape: to[side].shape,
        data: consolidateMatrix(from[side], to[side], new MatrixHistory(), settings).longTerm,
      }));
      return product({ b: sides[0]!, a: sides[1]! });
    };
    const together = (scale: number) => {
      const scaled = ({ b, a }: ModuleFactors) => ({
        b: { ...b, data: b.data.map((x, at) => (at % 2 === 1 ? x * scale : x)) },
        a: { ...a, data: a.data.map((x, at) => (at >= 3 ? x / scale : x)) },
      });
      const result = consolidateModule(scaled(before), scaled(after), productHistory([]), settings);
      return product(result.longTerm);
    };
    expect(distance(apart(1), apart(8))).toBeGreaterThan(0.3);
    expect(distance(together(1), together(8))).toBeLessThan(1e-6);
  });
});

function tensorFrom(rows: number, columns: number, values: readonly number[]): LoraTensor {
  return { shape: [rows, columns], data: Float32Array.from(values) };
}

describe('the laws', () => {
  it('theta = lambda = 1 gives back what training left, to the last bit', () => {
    fc.assert(
      fc.property(pair, pair, history, (before, after, past) => {
        const settings = { threshold: 1, lambda: 1 };
        const { longTerm, report } = consolidateModule(before, after, productHistory(past), settings);
        expect(longTerm).toEqual(after);
        expect(report.truncation!.lost).toBe(0);
      }),
    );
  });

  it('what is merged and what is remembered have the adapter’s rank and shapes, and lose what they say', () => {
    fc.assert(
      fc.property(pair, pair, history, thresholds, lambdas, (before, after, past, threshold, lambda) => {
        const result = consolidateModule(before, after, productHistory(past), { threshold, lambda });
        const { merged, lost } = result.report.truncation!;
        expect(result.longTerm.b.shape).toEqual(after.b.shape);
        expect(result.refined.a.shape).toEqual(after.a.shape);
        expect(lost).toBeLessThanOrEqual(merged * (1 + 1e-9));
        const kept = norm(whole(product(result.longTerm))) ** 2;
        // What cancels leaves rounding of what there was, and singular values come from squares (matrix.ts).
        const energy = ({ data }: LoraTensor) => norm(Float64Array.from(data)) ** 2;
        const given = (energy(before.b) + energy(after.b)) * (energy(before.a) + energy(after.a));
        expect(Math.abs(kept - (merged - lost))).toBeLessThanOrEqual(1e-4 * merged + 1e-16 * given);
      }),
    );
  });

  it('a part along the history is damped to lambda of it, and what is orthogonal is left alone', () => {
    // The history is the matrix with a 1 in its corner; the change is 2 there and 3 on the other diagonal place.
    const past = { b: tensorFrom(3, 2, [1, 0, 0, 0, 0, 0]), a: tensorFrom(2, 3, [1, 0, 0, 0, 0, 0]) };
    const before = { b: tensorFrom(3, 2, [0, 0, 0, 0, 0, 0]), a: tensorFrom(2, 3, [1, 0, 0, 0, 1, 0]) };
    const after = { b: tensorFrom(3, 2, [2, 0, 0, 3, 0, 0]), a: before.a };
    const { longTerm, report } = consolidateModule(before, after, productHistory([past]), {
      threshold: 1,
      lambda: 0.25,
    });
    expectClose(product(longTerm), [0.5, 0, 0, 0, 3, 0, 0, 0, 0]);
    expect(report.energy).toEqual({ shortTerm: 13, denoised: 13, parallel: 4, refined: 13 - 4 + 0.25 });
  });

  it('directions that the product does not use keep a row of A, so that they can be learned', () => {
    const before = { b: tensorFrom(3, 2, [0, 0, 0, 0, 0, 0]), a: tensorFrom(2, 3, [1, 0, 0, 0, 1, 0]) };
    const after = { b: tensorFrom(3, 2, [9, 0, 0, 0.1, 0, 0]), a: before.a };
    const { longTerm } = consolidateModule(before, after, productHistory([]), {
      threshold: 0.9,
      lambda: 0.5,
    });
    expectClose(product(longTerm), [9, 0, 0, 0, 0, 0, 0, 0, 0]);
    expectClose([...longTerm.a.data].map(Math.abs), [3, 0, 0, 0, 1, 0]);
    expectClose([...longTerm.b.data].map(Math.abs), [3, 0, 0, 0, 0, 0]);
  });

  it('the history made in one go is the one that grew', () => {
    const memories = productCases.find(({ name }) => name.includes('twenty'))!.history.map(factors);
    const grown = productHistory([]);
    for (const { b, a } of memories) {
      grown.append(b, a);
      expect(grown.rank).toBe(grown.rows);
    }
    const change = productCases.find(({ name }) => name.includes('twenty'))!;
    const settings = { threshold: 0.9, lambda: 0.5 };
    const of = (past: typeof grown) =>
      consolidateModule(factors(change.before), factors(change.after), past, settings);
    expect(of(grown)).toEqual(of(productHistory(memories)));
  });
});
