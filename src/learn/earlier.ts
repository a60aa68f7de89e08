/** The tasks a memory has learned, as measuring and replaying need them: their rows, and the version that learned each. */
import type { TaskRecord } from '../memory/store/records.ts';
import { preferenceRows, type StoredRow } from '../memory/store/rows.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import { encodeTaskRows, type TaskRows, type TaskRowsOptions, untoldOf } from '../train/task-rows.ts';
import { contentHash } from './split.ts';

export interface EarlierTaskRows {
  readonly name: string;
  readonly private: boolean;
  /** The version with which it had been learned: that of its last stage. */
  readonly learned: Commit;
  /** Those that have not been withdrawn; `null` where none is left. */
  readonly gate: TaskRows | null;
  readonly report: TaskRows | null;
}

type Encoding = Pick<TaskRowsOptions, 'text' | 'maxLength'>;

/** In the order in which they were learned. */
export async function earlierTasks(
  store: MemoryStore,
  head: Commit,
  encoding: Encoding,
): Promise<readonly EarlierTaskRows[]> {
  const commits = await store.learned(head);
  const records = await store.tasks(head);
  const texts = await store.rows(records.flatMap(({ gate, report }) => [...gate, ...report]));
  return Promise.all(
    records.map(async (record): Promise<EarlierTaskRows> => {
      const learned = commits.filter(({ task }) => task === record.task).at(-1)!;
      const part = (ids: readonly string[]) => storedRows(record, ids, texts, encoding);
      return {
        name: record.task,
        private: record.private,
        learned,
        gate: part(record.gate),
        report: part(record.report),
      };
    }),
  );
}

/** The given rows of a task, encoded anew; `null` where none is left. */
export function storedRows(
  { task, private: isPrivate }: Pick<TaskRecord, 'task' | 'private'>,
  ids: readonly string[],
  texts: ReadonlyMap<string, StoredRow>,
  encoding: Encoding,
): TaskRows | null {
  const rows = preferenceRows(ids, texts);
  if (rows.length === 0) return null;
  const file = `memory:${task}`;
  const source = { file, rows, skipped: [], sha256: contentHash(rows), notes: [] };
  // What there was to say of them was said when they came.
  const options = { ...encoding, invalidRows: 'error', limit: null, use: 'encoded', log: () => {} } as const;
  return encodeTaskRows(source, { ...options, ...untoldOf(isPrivate) });
}
