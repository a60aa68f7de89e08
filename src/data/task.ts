/** A task's files, read and checked. */
import { resolveSource } from './builtin/source.ts';
import { type ReadOptions, type RowsFile, readPreferenceRows } from './read-rows.ts';
import type { PreferenceRow } from './row.ts';

/** A task as a run's config names it. */
export interface TaskEntry {
  readonly name: string;
  /** Paths, relative to the config's folder, or built-in rows by name. */
  readonly train: string;
  readonly test: string;
  /**
   * Use only the first so many rows of the file that are valid and can be encoded; null: all. The whole
   * file is read and checked all the same, so that raising the limit brings no surprise; what is taken
   * is decided where rows are encoded.
   */
  readonly train_rows: number | null;
  readonly test_rows: number | null;
  /** The built-in judge of generated answers to the test prompts, if wanted. */
  readonly judge: string | null;
}

/** A task's entry with its files' rows in place of their paths. */
export interface TaskData extends Omit<TaskEntry, 'train' | 'test'> {
  readonly train: RowsFile<PreferenceRow>;
  readonly test: RowsFile<PreferenceRow>;
}

export interface LoadTaskOptions {
  /** What relative paths start from. */
  readonly folder: string;
  readonly invalidRows: ReadOptions['invalidRows'];
}

/** @throws {UserError} as `readPreferenceRows`, for the first file that has something wrong. */
export async function loadTask(
  entry: TaskEntry,
  { folder, invalidRows }: LoadTaskOptions,
): Promise<TaskData> {
  const read = (file: string) => readPreferenceRows(resolveSource(folder, file), { invalidRows });
  return { ...entry, train: await read(entry.train), test: await read(entry.test) };
}
