/** Tables of the rows that tasks were trained on and the buffer held, by the task they come from. */
import type { RunRecord } from '../record/run.ts';
import { type Cell, plain, present, type Table } from './table.ts';

/** Rows each task was trained on, and rows the buffer then held, by the task they come from. */
export function replayTables(runs: readonly RunRecord[]): Table[] {
  const tasks = runs[0]?.results.tasks ?? [];
  const countsOf = (
    id: string,
    title: string,
    counts: (run: RunRecord, task: number) => Map<string, number> | null,
  ) =>
    present({
      id,
      title,
      columns: plain('run', 'task', ...tasks.map((task) => `of ${task}`)),
      rows: runs.flatMap((run) =>
        tasks.flatMap((task, at): Cell[][] => {
          const rows = counts(run, at);
          return rows ? [[run.label, task, ...tasks.map((origin) => rows.get(origin) ?? 0)]] : [];
        }),
      ),
    });
  return [
    ...countsOf('replay-trained', 'Replay: rows each task was trained on, by origin', trainedRows),
    ...countsOf('replay-kept', 'Replay: rows in the buffer after each task, by origin', keptRows),
  ];
}

/** By origin; the task's own among them. */
export function trainedRows({ tasks, results }: RunRecord, task: number): Map<string, number> | null {
  const replay = tasks[task]!.replay;
  return (
    replay &&
    new Map([...replay.replayed.map(entryOf), entryOf({ task: results.tasks[task]!, rows: replay.own })])
  );
}

export function keptRows({ tasks }: RunRecord, task: number): Map<string, number> | null {
  const replay = tasks[task]!.replay;
  return replay && new Map(replay.kept.map(entryOf));
}

function entryOf({ task, rows }: { readonly task: string; readonly rows: number }): [string, number] {
  return [task, rows];
}
