/**
 * How far a difference of two accuracies on the same few rows can be trusted. The bootstrap redraws the rows there are,
 * so where none of ten rows has turned it is certain that none ever will; the score interval reaches to 28
 * points there. [Tango 1998, Statistics in Medicine 17:891-908, equations 6 to 10]
 */
import { bisect } from './bisection.ts';
import { normalQuantile } from './normal.ts';
import type { Interval } from './statistics.ts';

/**
 * For the mean of `after[i] - before[i]`, values of 0 or 100 (percent) measured on the same rows in the same order. The
 * ends are the differences δ that a score test at the level just does not reject, in [-100, 100].
 *
 * With b rows right before and wrong after, c the other way round, of n:
 *
 *     z(δ) = (c - b - n δ) / sqrt(n (2 q + δ (1 - δ)))      q: the likeliest share of rows lost, given δ
 *
 * @param level coverage, in (0, 1)
 */
export function pairedShareDifference(
  before: readonly number[],
  after: readonly number[],
  level: number,
): Interval {
  const rows = after.length;
  if (rows === 0 || before.length !== rows) {
    throw new RangeError(`a paired difference needs equally many values, got ${before.length} and ${rows}`);
  }
  const differences = after.map((value, row) => (value - before[row]!) / 100);
  const gained = differences.reduce((sum, one) => sum + Math.max(0, one), 0);
  const lost = differences.reduce((sum, one) => sum + Math.max(0, -one), 0);
  const estimate = (gained - lost) / rows;
  const quantile = normalQuantile(level);
  const isWithin = (delta: number) => Math.abs(pairedScore({ gained, lost, rows }, delta)) <= quantile;
  return {
    // In this order it is the mean of the differences, to the last bit.
    estimate: (100 * (gained - lost)) / rows,
    low: 100 * lastWithin(estimate, -1, isWithin),
    high: 100 * lastWithin(estimate, 1, isWithin),
  };
}

interface Counts {
  readonly gained: number;
  readonly lost: number;
  readonly rows: number;
}

/** z(δ), falling in δ. */
export function pairedScore({ gained, lost, rows }: Counts, delta: number): number {
  const excess = gained - lost - rows * delta;
  if (excess === 0) return 0;
  // 2n q² + ((2n − c + b) δ − b − c) q − b δ (1 − δ) = 0, for the share q of rows lost; that of rows gained is q + δ.
  const half = -gained - lost + (2 * rows - gained + lost) * delta;
  const root = Math.sqrt(Math.max(0, half ** 2 + 8 * rows * lost * delta * (1 - delta)));
  const share = Math.max(0, -delta, (root - half) / (4 * rows));
  return excess / Math.sqrt(rows * Math.max(0, 2 * share + delta * (1 - delta)));
}

/** From `start`, which is within, towards `end`. */
function lastWithin(start: number, end: number, isWithin: (delta: number) => boolean): number {
  return isWithin(end) ? end : bisect(start, end, isWithin).inside;
}
