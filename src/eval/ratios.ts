/**
 * Means over tokens, which are ratios of two sums over rows, and how far they can be trusted: a row's tokens stay
 * together when rows are redrawn. [the ratio estimator of Davison & Hinkley 1997, Bootstrap Methods and their
 * Application, section 2.5]
 */
import type { Random } from '../support/random.ts';
import { type BootstrapOptions, type Interval, percentileInterval } from './statistics.ts';

/** What one row adds to both sums. */
export interface RatioRow {
  readonly sum: number;
  /** Above 0: how many tokens the sum is of. */
  readonly tokens: number;
}

export function ratioOf(rows: readonly RatioRow[]): number {
  let [sum, tokens] = [0, 0];
  for (const row of rows) {
    sum += row.sum;
    tokens += row.tokens;
  }
  return sum / tokens;
}

/** A percentile interval over redrawn rows, at least one. */
export function bootstrapRatio(
  rows: readonly RatioRow[],
  random: Random,
  { resamples = 10_000, level = 0.95 }: BootstrapOptions = {},
): Interval {
  if (rows.length === 0) throw new RangeError('an interval needs at least one row');
  const resampled = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    resampled[resample] = ratioOf(rows.map(() => rows[random.integer(rows.length)]!));
  }
  return percentileInterval(ratioOf(rows), resampled, level);
}

export interface TestedInterval extends Interval {
  /** Two-sided, by approximate randomisation as in comparison/compare-rows.ts. */
  readonly pValue: number;
}

/** The ratio of `one` minus that of `other`, measured on the same rows in the same order, redrawn together. */
export function bootstrapRatioDifference(
  one: readonly RatioRow[],
  other: readonly RatioRow[],
  random: Random,
  { resamples = 10_000, level = 0.95 }: BootstrapOptions = {},
): TestedInterval {
  if (one.length === 0 || one.length !== other.length) {
    throw new RangeError(
      `a paired difference needs equally many rows, got ${one.length} and ${other.length}`,
    );
  }
  const observed = ratioOf(one) - ratioOf(other);
  // Sums of the same numbers in another order may differ in their last bits.
  const least = Math.abs(observed) * (1 - 1e-9) - 1e-12;
  const resampled = new Float64Array(resamples);
  let asFar = 1;
  for (let resample = 0; resample < resamples; resample++) {
    const draws = one.map(() => random.integer(one.length));
    resampled[resample] = ratioOf(draws.map((row) => one[row]!)) - ratioOf(draws.map((row) => other[row]!));
    const swaps = one.map(() => random.integer(2) === 1);
    const exchanged =
      ratioOf(swaps.map((swap, row) => (swap ? other : one)[row]!)) -
      ratioOf(swaps.map((swap, row) => (swap ? one : other)[row]!));
    if (Math.abs(exchanged) >= least) asFar++;
  }
  return { ...percentileInterval(observed, resampled, level), pValue: asFar / (resamples + 1) };
}
