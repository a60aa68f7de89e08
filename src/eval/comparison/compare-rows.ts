/** One score of several runs, one run a name: intervals over test rows, and the first run against each other. */
import { Random } from '../../support/random.ts';
import { basicInterval, percentileInterval } from '../statistics.ts';
import { fromList, isLinear, listed, type Quantities, quantitiesOfRows } from './quantities.ts';
import { bootstrapQuantities, exchangeQuantities } from './resample.ts';
import type { RowMatrix } from './row-matrix.ts';

/** A number and its interval, all `null` where a cell it needs was not measured; without its ends where it has none. */
export interface Estimate {
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface TestedEstimate extends Estimate {
  /** Two-sided. */
  readonly pValue: number | null;
}

/** In the order of the runs; `differences[k]` is the first run minus run k + 1. */
export interface ScoreComparison {
  readonly runs: readonly Quantities<Estimate>[];
  readonly differences: readonly Quantities<TestedEstimate>[];
}

export interface ResampleOptions {
  readonly resamples?: number;
  readonly level?: number;
  readonly seed?: number;
}

/**
 * Bootstrap intervals, each task's test rows redrawn apart and whole statistics computed anew: percentile
 * intervals, and for forgetting the basic one, for its maximum takes noise for skill. Where scores of a task
 * differ by nothing but noise, forgetting's estimate is too high and its interval covers less than it says
 * (test/eval/interval-coverage.ts; about 90 % for 95). Where all rows score alike no interval has any width.
 *
 * The p-value of a difference is that of approximate randomisation: how often it would be as far from 0 if
 * each row's scores could as well have been the other run's. [Noreen 1989, Computer-Intensive Methods for
 * Testing Hypotheses, chapter 2] The observed arrangement counts as one more, so it is never 0 [Phipson & Smyth
 * 2010]. For what is linear in the cells that is the sign-flip permutation test of the rows' differences. It is
 * not corrected for how many of them are looked at.
 *
 * Test rows are all that is redrawn: another seed of the training may differ by more.
 */
export function compareRows(
  runs: readonly RowMatrix[],
  { resamples = 10_000, level = 0.95, seed = 0 }: ResampleOptions = {},
): ScoreComparison {
  const [first, ...others] = runs;
  if (!first) return { runs: [], differences: [] };
  const observed = runs.map((run) => listed(quantitiesOfRows(run)));
  const random = Random.fromSeed(seed);
  const sampleOf = (values: readonly (number | null)[]) => values.map(() => new Float64Array(resamples));
  const samples = observed.map(sampleOf);
  const differences = others.map((_, at) => ({ of: minus(observed[0]!, observed[at + 1]!), at: at + 1 }));
  const differenceSamples = differences.map(({ of }) => sampleOf(of));
  bootstrapQuantities(runs, resamples, random.fork('test rows'), (resample, quantities) => {
    const lists = quantities.map(listed);
    lists.forEach((values, run) => {
      keep(samples[run]!, resample, values);
    });
    differences.forEach(({ at }, pair) => {
      keep(differenceSamples[pair]!, resample, minus(lists[0]!, lists[at]!));
    });
  });
  const interval = (value: number | null, sample: Float64Array, at: number): Estimate => {
    if (value === null) return { estimate: null, low: null, high: null };
    return isLinear(at, first.base.length)
      ? percentileInterval(value, sample, level)
      : basicInterval(value, sample, level);
  };
  return {
    runs: observed.map((values, run) =>
      fromList(values.map((value, at) => interval(value, samples[run]![at]!, at))),
    ),
    differences: differences.map(({ of, at: run }, pair) => {
      const pValues = exchangeTest([first, runs[run]!], of, resamples, random.fork('exchange'));
      return fromList(
        of.map((value, at) => ({
          ...interval(value, differenceSamples[pair]![at]!, at),
          pValue: pValues[at]!,
        })),
      );
    }),
  };
}

function exchangeTest(
  pair: readonly [RowMatrix, RowMatrix],
  observed: readonly (number | null)[],
  resamples: number,
  random: Random,
): (number | null)[] {
  const asFar = observed.map(() => 1);
  exchangeQuantities(pair, resamples, random, (_, [one, other]) => {
    minus(listed(one!), listed(other!)).forEach((value, at) => {
      // Sums of the same numbers in another order may differ in their last bits.
      const least = Math.abs(observed[at] ?? 0) * (1 - 1e-9) - 1e-12;
      if (value !== null && Math.abs(value) >= least) asFar[at]!++;
    });
  });
  return observed.map((value, at) => (value === null ? null : asFar[at]! / (resamples + 1)));
}

function keep(samples: readonly Float64Array[], at: number, values: readonly (number | null)[]): void {
  for (const [quantity, value] of values.entries()) samples[quantity]![at] = value ?? Number.NaN;
}

export function minus(one: readonly (number | null)[], other: readonly (number | null)[]): (number | null)[] {
  return one.map((value, at) => {
    const subtracted = other[at] ?? null;
    return value === null || subtracted === null ? null : value - subtracted;
  });
}
