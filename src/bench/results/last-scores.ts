/** What tuning goes by: Last, in percent. */
import { compareRuns, type RunResults } from '../../eval/comparison/index.ts';

const DECIDING = ['preference_accuracy', 'judge'];

/** Of preference accuracy, and of the judge where tasks have one; `null` where a run has no Last. */
export function lastScores(results: RunResults): (number | null)[] {
  // No interval is asked for.
  const { scores } = compareRuns([{ name: '', runs: [results] }], { resamples: 1 });
  return scores
    .filter(({ score }) => DECIDING.includes(score))
    .map(({ runs: [run] }) => run!.statistics.last.estimate);
}
