/** The table of the step log. */
import { stepsOf, tenths } from '../curves.ts';
import { type Step, stageNames } from '../record/files.ts';
import type { RunRecord } from '../record/run.ts';
import { type Cell, type Column, plain, present, type Table } from './table.ts';

const readings: readonly {
  readonly title: string;
  readonly digits: number;
  of(step: Step): number | null;
}[] = [
  { title: 'loss', digits: 4, of: (step) => step.loss },
  { title: 'reward margin', digits: 4, of: (step) => step['rewards/margins'] },
  { title: 'reward accuracy', digits: 1, of: (step) => step['rewards/accuracies'] },
  { title: 'focal factor', digits: 3, of: (step) => step['focal/mean'] },
];

/** Per stage: means over its first and its last tenth of steps. */
export function trainingTable(runs: readonly RunRecord[]): Table[] {
  const rows = runs.flatMap((run) =>
    run.results.tasks.flatMap((task) =>
      stageNames.flatMap((stage): Cell[][] => {
        const steps = stepsOf(run.steps, task, stage);
        if (steps.length === 0) return [];
        const means = readings.flatMap(({ of }) => {
          const { first, last } = tenths(steps, of);
          return [first, last];
        });
        return [[run.label, task, stage, steps.length, ...means]];
      }),
    ),
  );
  return present({
    id: 'training',
    title: 'Training: the first and the last tenth of each stage’s steps',
    columns: [
      ...plain('run', 'task', 'stage', 'steps'),
      ...readings.flatMap(({ title, digits }): Column[] => [
        { title: `${title}, first`, digits },
        { title: `${title}, last`, digits },
      ]),
    ],
    rows,
    note:
      'Means over steps. Loss of sft is in nats per token; the focal factor is (1 − p)^gamma, ' +
      'where the objective has one.',
  });
}
