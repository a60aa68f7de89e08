/** Tables of general ability: after each task with intervals, and the first name minus each other at the end. */
import { type Comparison, generalEstimates, generalMeasures, generalTitles } from '../../comparison/index.ts';
import { comparisonNotes, GENERAL_DIGITS, GENERAL_TITLE } from '../../comparison/tables.ts';
import type { RunRecord } from '../record/run.ts';
import { type Cell, type Column, plain, present, type Table } from './table.ts';

const measures = generalMeasures.map((measure): Column => {
  return { title: generalTitles[measure], digits: GENERAL_DIGITS };
});

/** The charts of the page are made of it. */
export function generalTable(
  runs: readonly RunRecord[],
  { resamples }: { readonly resamples: number },
): Table[] {
  return present({
    id: 'general',
    title: 'General ability after each task, nats per token',
    columns: [...plain('run', 'after'), ...measures],
    rows: runs.flatMap(({ label, results: { general, tasks } }) =>
      general.flatMap((record, task): Cell[][] => {
        if (!record) return [];
        const estimates = generalEstimates(record, { resamples });
        return [[label, tasks[task]!, ...generalMeasures.map((measure) => estimates[measure])]];
      }),
    ),
    note:
      '95 % bootstrap intervals over neutral conversations. The change of loss, from the base’s on the same ' +
      'responses, is known far better than the loss: what makes a conversation hard is in both.',
  });
}

export function generalDifferences(comparison: Comparison): Table[] {
  const { general, compared } = comparison;
  const [method] = comparisonNotes(comparison);
  return present({
    id: 'general-differences',
    title: `${GENERAL_TITLE}: ${compared[0]} minus`,
    columns: [...plain('run'), ...measures],
    rows: (general?.differences ?? []).map((difference, at): Cell[] => [
      compared[at + 1]!,
      ...generalMeasures.map((measure) => difference[measure]),
    ]),
    ...(comparison.over === 'seeds' ? { note: method! } : {}),
  });
}
