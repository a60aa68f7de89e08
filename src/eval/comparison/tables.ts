/** A comparison as tables of texts, for Markdown and LaTeX. */
import { decimal, shown, tested } from '../number-text.ts';
import { type Comparison, generalMeasures, generalTitles, listed, scoreTitles } from './index.ts';

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
  const all = [...tables, ...generalTables(comparison)];
  return alone ? [aloneTable(alone), ...all] : all;
}

/** Behind the point: drift is a small number of nats. */
export const GENERAL_DIGITS = 4;

export const GENERAL_TITLE = 'General ability after the last task, nats per token';

function generalTables({ general, compared }: Comparison): Table[] {
  if (!general) return [];
  const head = ['', ...generalMeasures.map((measure) => generalTitles[measure])];
  const table = {
    title: GENERAL_TITLE,
    head,
    rows: general.runs.map((run, at) => [
      compared[at]!,
      ...generalMeasures.map((measure) => shown(run[measure], GENERAL_DIGITS)),
    ]),
  };
  if (general.differences.length === 0) return [table];
  const paired = {
    title: `${GENERAL_TITLE}: ${compared[0]} minus`,
    head,
    rows: general.differences.map((difference, at) => [
      compared[at + 1]!,
      ...generalMeasures.map((measure) => tested(difference[measure], GENERAL_DIGITS)),
    ]),
  };
  return [table, paired];
}

/** What the intervals are, and how long the runs took. */
export function comparisonNotes({ over, level, names, general }: Comparison): string[] {
  const percent = `${Number((100 * level).toFixed(2))} %`;
  const method =
    over === 'seeds'
      ? `Means over seeds with ${percent} intervals by Student's t; differences paired by seed, p by the paired t-test.`
      : `${percent} bootstrap intervals over test rows; differences on the same rows, p by approximate randomisation.`;
  const times = names.map(
    ({ name, seconds }) =>
      `${name} ${seconds === null ? 'not finished' : `${(seconds / 60).toFixed(1)} min`}`,
  );
  return [
    `${method} No p is corrected for the number of comparisons.`,
    ...(general ? [generalNote(over, general)] : []),
    `${times.join(', ')}.`,
  ];
}

function generalNote(over: Comparison['over'], { alike }: NonNullable<Comparison['general']>): string {
  const rows = over === 'seeds' ? '' : ', whose intervals are over those conversations';
  return alike
    ? `General ability is measured on neutral conversations${rows}.`
    : 'General ability was measured on different conversations, or over different bases: it does not compare.';
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
