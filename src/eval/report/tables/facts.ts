/** Tables of what the runs are: their settings, rows, versions and hashes. */
import type { RunRecord } from '../record/run.ts';
import { tasksReached } from '../scores.ts';
import { type Cell, plain, present, type Table } from './table.ts';

export function runTable(runs: readonly RunRecord[]): Table {
  return {
    id: 'runs',
    title: 'Runs',
    columns: [
      ...plain('run', 'method', 'base', 'seed', 'tasks measured', 'tasks', 'steps', 'tokens'),
      { title: 'minutes' },
      ...plain('folder'),
    ],
    rows: runs.map(({ label, config, results, summary, steps, folder }, at): Cell[] => [
      label,
      config.method ?? null,
      config.base ?? null,
      config.seed,
      tasksReached(runs[at]!),
      results.tasks.length,
      summary?.steps ?? steps.length,
      summary?.tokens ?? null,
      summary && summary.seconds / 60,
      folder,
    ]),
    note: 'Tokens of the gradients; a prompt counts once for each response run. Minutes of work, over all resumes.',
  };
}

/** Rows used and rows left out, of finished runs. */
export function rowTable(runs: readonly RunRecord[]): Table[] {
  const rows = runs.flatMap(({ label, config, summary }) =>
    (summary?.rows ?? []).map((row): Cell[] => {
      const task = config.tasks.find(({ name }) => name === row.task);
      return [
        label,
        row.task,
        task?.judge ?? null,
        task?.private ? 'private' : 'public',
        row.train,
        row.train_cut_prompts,
        row.train_skipped_rows,
        row.test,
        row.test_cut_prompts,
        row.test_skipped_rows,
      ];
    }),
  );
  const columns = [
    ...['run', 'task', 'judge', 'texts'],
    ...['train rows', 'cut prompts', 'skipped'],
    ...['test rows', 'cut test prompts', 'skipped test rows'],
  ];
  const note =
    'Cut prompts lost their beginning to fit max_length; skipped rows were invalid and left out of the counts.';
  return present({ id: 'rows', title: 'Rows', columns: plain(...columns), rows, note });
}

export function provenanceTable(runs: readonly RunRecord[]): Table {
  return {
    id: 'provenance',
    title: 'Versions and SHA-256 hashes',
    columns: plain('run', 'of', 'value'),
    rows: runs.flatMap(({ label, config: { provenance, tasks } }) => {
      const { tasks: files, ...parts } = provenance.hashes;
      const hashes = Object.entries(parts).map(([name, hash]) => [
        name,
        hash === null ? 'none' : String(hash),
      ]);
      const rowHashes = files.flatMap(({ train, test }, task) => [
        [`${tasks[task]?.name} train rows`, typeof train === 'string' ? train : 'not recorded'],
        [`${tasks[task]?.name} test rows`, test],
      ]);
      const all = [...Object.entries(provenance.versions), ...hashes, ...rowHashes];
      return all.map(([name, value]): Cell[] => [label, name!, value!]);
    }),
  };
}
