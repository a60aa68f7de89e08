/** A comparison as tables of texts, for Markdown and LaTeX. */
import { decimal, shown, tested } from '../number-text.ts';
import { type Comparison, listed, scoreTitles } from './index.ts';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const statisticTitles = ['Last', 'BWT', 'AP', 'FWT', 'Forgetting'];

/** What was not measured, or means nothing, is a dash. */
export function comparisonTables(comparison: Comparison): Table[] {
  const { tasks, alone, compared, scores } = comparison;
  const tables = scores.flatMap(({ score, runs, differences }): Table[] => {
    const table = {
      title: `${scoreTitles[score]}: after the last task, and over the stream`,
      head: ['', ...tasks, ...statisticTitles],
      rows: runs.map((run, at) => [
        compared[at]!,
        ...run.tasks.map(({ estimate }) => decimal(estimate)),
        ...listed(run)
          .slice(tasks.length)
          .map((estimate) => shown(estimate)),
      ]),
    };
    if (differences.length === 0) return [table];
    const paired = {
      title: `${scoreTitles[score]}: ${compared[0]} minus`,
      head: ['', ...tasks, ...statisticTitles],
      rows: differences.map((difference, at) => [
        compared[at + 1]!,
        ...listed(difference).map((difference) => tested(difference)),
      ]),
    };
    return [table, paired];
  });
  return alone ? [aloneTable(alone), ...tables] : tables;
}

/** What the intervals are, and how long the runs took. */
export function comparisonNotes({ over, level, names }: Comparison): string[] {
  const percent = `${Number((100 * level).toFixed(2))} %`;
  const method =
    over === 'seeds'
      ? `Means over seeds with ${percent} intervals by Student's t; differences paired by seed, p by the paired t-test.`
      : `${percent} bootstrap intervals over test rows; differences on the same rows, p by approximate randomisation.`;
  const times = names.map(
    ({ name, seconds }) =>
      `${name} ${seconds === null ? 'not finished' : `${(seconds / 60).toFixed(1)} min`}`,
  );
  return [`${method} No p is corrected for the number of comparisons.`, `${times.join(', ')}.`];
}

function aloneTable(alone: NonNullable<Comparison['alone']>): Table {
  return {
    title: 'Each task alone (STL), %',
    head: ['task', 'test rows', 'base', 'preference accuracy', 'gain', 'reward accuracy'],
    rows: alone.map(({ task, testRows, base, accuracy, gain, rewardAccuracy }) => [
      task,
      String(testRows),
      decimal(base),
      decimal(accuracy),
      shown(gain),
      shown(rewardAccuracy),
    ]),
  };
}
