/**
 * How far a score can be trusted.
 *
 * Over test rows: they are one draw from a task's distribution, and the bootstrap redraws them with replacement
 * and looks at how much the mean moves. [Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13
 * and 16] Over seeds, which are few: Student's t.
 */
import type { Random } from '../support/random.ts';
import { studentQuantile, studentWithin } from './student-t.ts';

export interface Interval {
  /** The mean over the rows as they are. */
  readonly estimate: number;
  /** The interval's ends, by the percentile method where nothing else is said. */
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
  const { resamples = 10_000, level = 0.95 } = options;
  if (values.length === 0) throw new RangeError('an interval needs at least one value');
  const means = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0;
    for (let draw = 0; draw < values.length; draw++) sum += values[random.integer(values.length)]!;
    means[resample] = sum / values.length;
  }
  return percentileInterval(mean(values), means, level);
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

/** `estimate` between the quantiles of its resampled values, which are sorted in place. */
export function percentileInterval(estimate: number, resampled: Float64Array, level: number): Interval {
  resampled.sort();
  const tail = (1 - level) / 2;
  return { estimate, low: quantile(resampled, tail), high: quantile(resampled, 1 - tail) };
}

/**
 * The same for an estimate that is biased, such as a maximum: its resampled values lie as far from it as it lies
 * from the truth, and on the same side, so the quantiles are mirrored at it. The interval may leave the estimate
 * out. [the basic interval of Davison & Hinkley 1997, Bootstrap Methods and their Application, section 5.2]
 */
export function basicInterval(estimate: number, resampled: Float64Array, level: number): Interval {
  const { low, high } = percentileInterval(estimate, resampled, level);
  return { estimate, low: 2 * estimate - high, high: 2 * estimate - low };
}

export interface SeedMean {
  readonly mean: number;
  /** Half the width of the interval; NaN for a single value. */
  readonly margin: number;
  /** Two-sided, of the mean being 0; NaN for a single value. */
  readonly pValue: number;
}

/**
 * Mean over runs that differ in their seed, one value each, with Student's t interval and one-sample test;
 * over differences of paired runs, that is the paired t-test. Values are taken as normally distributed, which
 * two or three cannot show. Equal values other than 0 have a margin and a p-value of 0.
 */
export function meanInterval(values: readonly number[], level = 0.95): SeedMean {
  if (values.length === 0) throw new RangeError('a mean needs at least one value');
  const centre = mean(values);
  const degrees = values.length - 1;
  if (degrees === 0) return { mean: centre, margin: Number.NaN, pValue: Number.NaN };
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  const error = Math.sqrt(squares / degrees / values.length);
  const pValue = centre === 0 ? 1 : Math.max(0, 1 - studentWithin(Math.abs(centre) / error, degrees));
  return { mean: centre, margin: studentQuantile(level, degrees) * error, pValue };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Linear interpolation between order statistics, as numpy's default. `sorted` is ascending, not empty. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[above]! - sorted[below]!);
}
