/** The difference of a score between two policies on the same rows, with its interval: one for shares, one for means. */
import { pairedShareDifference } from '../eval/paired-shares.ts';
import { bootstrapDifference, type Interval } from '../eval/statistics.ts';
import type { Random } from '../support/random.ts';
import type { GateScore, GateSettings } from './gate/settings.ts';

/**
 * Of the mean of `after[i] - before[i]`, in percentage points of an accuracy, or in nats of the margin. Equal scores,
 * settings and generator state give equal intervals.
 *
 * @param before a value for each row, as `valuesOf` gives them
 */
export function scoreDifference(
  score: GateScore,
  before: readonly number[],
  after: readonly number[],
  random: Random,
  { level, resamples }: Pick<GateSettings, 'level' | 'resamples'>,
): Interval {
  return score === 'margin'
    ? bootstrapDifference(before, after, random, { level, resamples })
    : pairedShareDifference(before, after, level);
}
