/** A commit after which the process was ended before it had cleared up: what the memory and the working state say of it. */
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import type { UpdateMetrics } from './update.ts';
import type { WorkFolder, WorkState } from './work-folder.ts';

export interface LeftOver {
  /** The task's last. */
  readonly version: Commit;
  readonly rows: { readonly train: number; readonly gate: number; readonly report: number };
  readonly metrics: UpdateMetrics;
  /** What decided the training that was committed. */
  readonly training: WorkState['training'];
  /** As the commit has it. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** `null` where the task's working state is that of nothing committed. */
export async function leftOverOf(store: MemoryStore, work: WorkFolder): Promise<LeftOver | null> {
  const state = await work.lastState();
  const { commit: head } = await store.head();
  const stages = (await store.learned(head)).filter(({ task }) => task === work.task);
  const [first, last] = [stages[0], stages.at(-1)];
  if (state === null || first === undefined || first.parent !== state.onto) return null;
  const version = last!;
  if (await wasKeptAside(store, version)) return null;
  const metrics = (await store.metrics(version)) as unknown as UpdateMetrics | null;
  const record = await store.taskRecord(version);
  if (metrics === null || record === null) return null;
  const { train, gate, report } = record;
  const rows = { train: train.length, gate: gate.length, report: report.length };
  return { version, rows, metrics, training: state.training, config: await store.commitConfig(version) };
}

/** By `revert` the head may be what the gate refused, whose training was kept and not left over. */
async function wasKeptAside(store: MemoryStore, { hash }: Commit): Promise<boolean> {
  for await (const { action, added } of store.entries()) if (added.includes(hash)) return action === 'aside';
  return false;
}
