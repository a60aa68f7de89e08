/** How much of what a task alone gains a method gains when it learns the task within the stream. */
import { type BenchRun, scoreMatrix, type TableScore } from './run.ts';

export interface TaskGain {
  readonly task: string;
  /** Over the base right after the task was learned, in points; means over the seeds that both have. */
  readonly gain: number | null;
  readonly alone: number | null;
}

/** @param alone runs of single-task learning; tasks are matched by name */
export function taskGains(
  runs: readonly BenchRun[],
  alone: readonly BenchRun[],
  score: TableScore,
): TaskGain[] {
  const pairs = runs.flatMap((run) => {
    const reference = alone.find(({ seed }) => seed === run.seed);
    return reference ? [{ run, reference }] : [];
  });
  return (alone[0]?.tasks ?? []).map((task) => {
    const mean = (gains: readonly (number | null)[]) => {
      const present = gains.filter((gain) => gain !== null);
      if (present.length < gains.length || gains.length === 0) return null;
      return present.reduce((sum, gain) => sum + gain, 0) / gains.length;
    };
    return {
      task,
      gain: mean(pairs.map(({ run }) => gainOf(run, task, score))),
      alone: mean(pairs.map(({ reference }) => gainOf(reference, task, score))),
    };
  });
}

function gainOf(run: BenchRun, task: string, score: TableScore): number | null {
  const at = run.tasks.indexOf(task);
  const measured = scoreMatrix(run, score);
  const [learned, before] = [measured?.matrix[at]?.[at] ?? null, measured?.base[at] ?? null];
  return learned === null || before === null ? null : learned - before;
}
