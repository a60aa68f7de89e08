/** What each task alone gains over the base, from runs of single-task learning: what is there to be learned. */
import { Random } from '../../support/random.ts';
import { bootstrapDifference, bootstrapMean, meanInterval } from '../statistics.ts';
import type { Estimate } from './compare-rows.ts';
import type { RowMatrix, Rows } from './row-matrix.ts';

export interface AloneTask {
  readonly task: string;
  /** Of one run; runs over seeds may each have their own. */
  readonly testRows: number;
  /** Preference accuracies before and after training on the task, % of test rows. */
  readonly base: number;
  readonly accuracy: number;
  /** Of preference accuracy, in points. */
  readonly gain: Estimate;
  readonly rewardAccuracy: Estimate;
}

/** Of one run, with intervals over its test rows, or of several that differ in their seed. */
export function learnedAlone(
  tasks: readonly string[],
  {
    preference,
    reward,
  }: { readonly preference: readonly RowMatrix[]; readonly reward: readonly RowMatrix[] },
  level = 0.95,
): AloneTask[] {
  const diagonal = ({ cells }: RowMatrix, task: number): Rows => cells[task]![task]!;
  return tasks.flatMap((task, at) => {
    const before = measuredRows(preference.map(({ base }) => base[at]!));
    const after = measuredRows(preference.map((matrix) => diagonal(matrix, at)));
    const rewards = measuredRows(reward.map((matrix) => diagonal(matrix, at)));
    if (!before || !after || !rewards) return [];
    const random = () => Random.fromSeed(0).fork(task);
    const gains = after.map((rows, run) => mean(rows) - mean(before[run]!));
    const isSingle = preference.length === 1;
    return {
      task,
      testRows: after[0]!.length,
      base: mean(before.map(mean)),
      accuracy: mean(after.map(mean)),
      gain: isSingle
        ? bootstrapDifference(before[0]!, after[0]!, random(), { level })
        : overSeeds(gains, level),
      rewardAccuracy: isSingle
        ? bootstrapMean(rewards[0]!, random(), { level })
        : overSeeds(rewards.map(mean), level),
    };
  });
}

function measuredRows(runs: readonly Rows[]): (readonly number[])[] | null {
  const measured = runs.flatMap((rows) => (rows ? [rows] : []));
  return measured.length === runs.length ? measured : null;
}

function overSeeds(values: readonly number[], level: number): Estimate {
  const { mean: estimate, margin } = meanInterval(values, level);
  return { estimate, low: estimate - margin, high: estimate + margin };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
