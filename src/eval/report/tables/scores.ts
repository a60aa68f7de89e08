/** Tables of what was measured on test rows: matrices, each task through the stream, statistics, differences. */
import { type Comparison, listed, scoreTitles } from '../../comparison/index.ts';
import { comparisonNotes, statisticTitles } from '../../comparison/tables.ts';
import type { RunRecord } from '../record/run.ts';
import { digitsOf, measuredScores, scoresOf } from '../scores.ts';
import { type Cell, type Column, plain, type Table } from './table.ts';

/** Per score: a row for the base and one after each task, of each run; drift and loss beside them. */
export function matrixTables(runs: readonly RunRecord[]): Table[] {
  return measuredScores(runs).map((score) => {
    const tasks = runs[0]!.results.tasks;
    const digits = digitsOf(score);
    return {
      id: `matrix-${score}`,
      title: `${scoreTitles[score]}: after each task`,
      columns: [
        ...plain('run', 'after'),
        ...tasks.map((title): Column => ({ title, digits })),
        { title: 'KL to base', digits: 4 },
        { title: 'neutral loss', digits: 4 },
      ],
      rows: runs.flatMap((run): Cell[][] => {
        const { base, cells } = scoresOf(run, score);
        const baseLoss = run.results.general.find((general) => general)?.baseLoss ?? null;
        return [
          [run.label, 'base', ...base, baseLoss === null ? null : 0, baseLoss],
          ...cells.map((row, task) => {
            const general = run.results.general[task];
            return [run.label, tasks[task]!, ...row, general?.kl ?? null, general?.loss ?? null];
          }),
        ];
      }),
      note:
        'A dash: not measured. KL to the base and loss, both on neutral conversations, in nats per token; with ' +
        'intervals in the table of general ability.',
    };
  });
}

/** Per score and task: before, when learned, best since, at the end, and what became of it. */
export function taskTables(runs: readonly RunRecord[]): Table[] {
  return measuredScores(runs).map((score) => {
    const titles = ['base', 'when learned', 'best since', 'at the end', 'change since learned'];
    return {
      id: `tasks-${score}`,
      title: `${scoreTitles[score]}: each task through the stream`,
      columns: [
        ...plain('run', 'task'),
        ...titles.map((title): Column => ({ title, digits: digitsOf(score) })),
      ],
      rows: runs.flatMap((run) => {
        const { base, cells } = scoresOf(run, score);
        return run.results.tasks.map((name, task): Cell[] => {
          const since = cells.slice(task).flatMap((row) => row[task] ?? []);
          const learned = cells[task]![task] ?? null;
          const end = cells.at(-1)![task] ?? null;
          const change = learned === null || end === null ? null : end - learned;
          return [
            run.label,
            name,
            base[task]!,
            learned,
            since.length === 0 ? null : Math.max(...since),
            end,
            change,
          ];
        });
      }),
    };
  });
}

/** Last, BWT, AP, FWT and forgetting with intervals; then the first name minus each other. */
export function statisticTables(comparison: Comparison): Table[] {
  const { tasks, compared, scores } = comparison;
  const [method = ''] = comparisonNotes(comparison);
  return scores.flatMap(({ score, runs, differences }) => {
    const digits = digitsOf(score);
    const columns = [
      ...plain('run'),
      ...[...statisticTitles, ...tasks].map((title): Column => ({ title, digits })),
    ];
    const row = (name: string, quantities: readonly Cell[]): Cell[] => [
      name,
      ...quantities.slice(tasks.length),
      ...quantities.slice(0, tasks.length),
    ];
    const statistics: Table = {
      id: `statistics-${score}`,
      title: `${scoreTitles[score]}: over the stream, and each task after the last`,
      columns,
      rows: runs.map((run, at) => row(compared[at]!, listed(run))),
      note: method,
    };
    const paired: Table = {
      id: `differences-${score}`,
      title: `${scoreTitles[score]}: ${compared[0]} minus`,
      columns,
      rows: differences.map((run, at) => row(compared[at + 1]!, listed(run))),
      note: method,
    };
    return differences.length === 0 ? [statistics] : [statistics, paired];
  });
}

/** What each task alone gains, of runs named stl. */
export function aloneTable({ alone }: Pick<Comparison, 'alone'>): Table[] {
  if (!alone) return [];
  return [
    {
      id: 'alone',
      title: 'Each task alone (single-task learning), %',
      columns: [
        ...plain('task', 'test rows'),
        ...['base', 'preference accuracy', 'gain', 'reward accuracy'].map((title) => ({ title })),
      ],
      rows: alone.map(({ task, testRows, base, accuracy, gain, rewardAccuracy }) => [
        task,
        testRows,
        base,
        accuracy,
        gain,
        rewardAccuracy,
      ]),
    },
  ];
}
