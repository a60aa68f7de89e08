/** What was asked: a run stores no rows, so their file is read again, if it still is what it was. */
import { readPreferenceRows } from '../../../data/read-rows.ts';
import type { PreferenceRow } from '../../../data/row.ts';
import { UserError } from '../../../support/errors.ts';
import type { ConfigFile } from './files.ts';

export interface TestRows {
  /** By position in the file; empty where the file cannot be used. */
  readonly rows: ReadonlyMap<number, PreferenceRow>;
  /** Why there are none. */
  readonly problem: string | null;
}

/** The test rows of a task that is not private. */
export async function readTestRows({ tasks, provenance }: ConfigFile, task: number): Promise<TestRows> {
  const none = (problem: string): TestRows => ({ rows: new Map(), problem });
  const file = tasks[task]!.test;
  if (file === undefined) return none('the run does not say where its test rows were');
  try {
    const { rows, sha256 } = await readPreferenceRows(file, { invalidRows: 'skip' });
    if (sha256 !== provenance.hashes.tasks[task]!.test) {
      return none(`${file} is not what it was when the run began`);
    }
    return { rows: new Map(rows.map((row) => [row.index, row])), problem: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return none(`${file} can no longer be read`);
  }
}
