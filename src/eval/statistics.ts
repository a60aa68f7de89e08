/**
 * How far a score over test rows can be trusted. The rows are one draw from a task's distribution: the
 * bootstrap redraws them with replacement and looks at how much the mean moves. [Efron & Tibshirani 1993,
 * An Introduction to the Bootstrap, chapters 13 and 16]
 */
import type { Random } from '../support/random.ts';

export interface Interval {
  /** The mean over the rows as they are. */
  readonly estimate: number;
  /** The interval's ends, percentile method. */
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  readonly resamples?: number;
  /** Coverage, in (0, 1). */
  readonly level?: number;
}

/**
 * A confidence interval for the mean of `values`, one value per test row, in their unit: pass 0 and 100
 * for an accuracy in percent. Equal values, options and generator state give the same interval.
 */
export function bootstrapMean(
  values: readonly number[],
  random: Random,
  options: BootstrapOptions = {},
): Interval {
  return bootstrapSumOfMeans([values], random, options);
}

/**
 * The same for the sum of several means over different rows, such as an average over tasks: each
 * stratum's rows are redrawn apart, as each task has test rows of its own.
 */
export function bootstrapSumOfMeans(
  strata: readonly (readonly number[])[],
  random: Random,
  options: BootstrapOptions = {},
): Interval {
  const { resamples = 10_000, level = 0.95 } = options;
  if (strata.some((values) => values.length === 0))
    throw new RangeError('an interval needs at least one value');
  const sums = new Float64Array(resamples);
  for (const values of strata) {
    for (let resample = 0; resample < resamples; resample++) {
      let sum = 0;
      for (let draw = 0; draw < values.length; draw++) sum += values[random.integer(values.length)]!;
      sums[resample]! += sum / values.length;
    }
  }
  sums.sort();
  const tail = (1 - level) / 2;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    estimate: strata.reduce((sum, values) => sum + mean(values), 0),
    low: quantile(sums, tail),
    high: quantile(sums, 1 - tail),
  };
}

/**
 * The same for the mean of `after[i] - before[i]`, both measured on the same rows in the same order: far
 * narrower than two separate intervals, since what makes a row hard is shared. An interval that leaves
 * out 0 is a difference beyond chance at its level.
 */
export function bootstrapDifference(
  before: readonly number[],
  after: readonly number[],
  random: Random,
  options: BootstrapOptions = {},
): Interval {
  if (before.length !== after.length) {
    throw new RangeError(
      `a paired difference needs equally many values, got ${before.length} and ${after.length}`,
    );
  }
  const differences = after.map((value, row) => value - before[row]!);
  return bootstrapMean(differences, random, options);
}

/** Linear interpolation between order statistics, as numpy's default. `sorted` is ascending. */
function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}
