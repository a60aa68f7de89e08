/** A stream's tasks, loaded and checked before anything is trained: a bad file of the last task stops it now. */
import { resolve } from 'node:path';
import { countOverlap } from './overlap.ts';
import { type ReadOptions, type RowsFile, readPreferenceRows } from './read-rows.ts';
import type { PreferenceRow } from './row.ts';

/** A task as a run's config names it. */
export interface TaskEntry {
  readonly name: string;
  /** Paths, relative to the config's folder. */
  readonly train: string;
  readonly test: string;
  /** Use only the first so many valid rows of the file; null: all. */
  readonly train_rows: number | null;
  readonly test_rows: number | null;
  /** The judge's prompt for this task, if it has one. */
  readonly judge: string | null;
}

export interface TaskData {
  readonly name: string;
  readonly judge: string | null;
  readonly train: RowsFile<PreferenceRow>;
  readonly test: RowsFile<PreferenceRow>;
  /** Test rows whose prompt is among this task's training rows; more than none deserves a warning. */
  readonly overlap: number;
}

export interface LoadTasksOptions {
  /** What relative paths start from. */
  readonly folder: string;
  readonly invalidRows: ReadOptions['invalidRows'];
}

/** @throws {UserError} as `readPreferenceRows`, for the first file that has something wrong. */
export async function loadTasks(
  entries: readonly TaskEntry[],
  { folder, invalidRows }: LoadTasksOptions,
): Promise<TaskData[]> {
  const tasks: TaskData[] = [];
  for (const { name, judge, ...entry } of entries) {
    const read = (file: string, limit: number | null): Promise<RowsFile<PreferenceRow>> =>
      readPreferenceRows(resolve(folder, file), { invalidRows, limit });
    const train = await read(entry.train, entry.train_rows);
    const test = await read(entry.test, entry.test_rows);
    tasks.push({ name, judge, train, test, overlap: countOverlap(train.rows, test.rows) });
  }
  return tasks;
}
