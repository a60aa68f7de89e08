/** Where versions stand to the head, and what of a task's rows is left: for whoever lists or explains versions. */
import { ancestry, refusedVersions } from './lineage.ts';
import type { TaskRecord } from './records.ts';
import type { Commit, MemoryStore, Withdrawal } from './store.ts';

/** Under the head, beside the way there, or never there because the gate refused it. */
export type Standing = 'head' | 'in head' | 'left out' | 'aside';

/** A stage whose task was dropped since is left out, though the head came from it. */
export async function standings(
  store: MemoryStore,
  head: Commit,
): Promise<(commit: Pick<Commit, 'hash' | 'kind'>) => Standing> {
  const line = new Set((await ancestry(store, head)).map(({ hash }) => hash));
  const learned = new Set((await store.learned(head)).map(({ hash }) => hash));
  const refused = await refusedVersions(store);
  return ({ hash, kind }) => {
    if (hash === head.hash) return 'head';
    if (line.has(hash) && (kind !== 'stage' || learned.has(hash))) return 'in head';
    return refused.has(hash) ? 'aside' : 'left out';
  };
}

export interface RowCounts {
  readonly private: boolean;
  readonly train: number;
  readonly gate: number;
  readonly report: number;
  /** Of all three, those whose texts are gone. */
  readonly withdrawn: number;
}

export function rowCounts(record: TaskRecord, withdrawn: ReadonlyMap<string, Withdrawal>): RowCounts {
  const { train, gate, report } = record;
  return {
    private: record.private,
    ...{ train: train.length, gate: gate.length, report: report.length },
    withdrawn: [...train, ...gate, ...report].filter((id) => withdrawn.has(id)).length,
  };
}
