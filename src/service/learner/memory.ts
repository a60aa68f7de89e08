/** What the learner asks of the memory: what became of a task, and the way back to what is served. */
import type { CommitMetrics } from '../../memory/store/records.ts';
import type { Commit, MemoryStore } from '../../memory/store/store.ts';
import { lockMemory, type MemoryWriter } from '../../memory/store/writer.ts';
import { UserError } from '../../support/errors.ts';

export interface LearnerMemory {
  /** The model's bare name. */
  readonly name: string;
  readonly store: MemoryStore;
}

export interface LearnedOutcome {
  readonly committed: boolean;
  /** The version: the task's last stage. */
  readonly commit: Commit;
  /** The gate's table, JSON; null where nothing was measured. */
  readonly gate: string | null;
}

/** By the memory's log, which is the one witness: whatever a process said or could not say any more. */
export async function outcomeOf(store: MemoryStore, task: string): Promise<LearnedOutcome | null> {
  for await (const { action, added } of store.entries()) {
    const last = added.at(-1);
    if (last === undefined || (action !== 'learn' && action !== 'aside')) continue;
    const commit = await store.commit(last);
    if (commit.task !== task) continue;
    return { committed: action === 'learn', commit, gate: gateTable(await store.metrics(commit)) };
  }
  return null;
}

/** The gate's verdict with what was measured, in one object; there is no text of a row in it. */
function gateTable(metrics: CommitMetrics | null): string | null {
  if (metrics === null) return null;
  const { gate, ...measured } = metrics;
  return gate === undefined ? null : JSON.stringify({ ...(gate as object), ...measured });
}

/** Runs `work` with the memory locked; undefined where another process is at work there. */
export async function withLock<T>(
  store: MemoryStore,
  work: (writer: MemoryWriter) => Promise<T>,
): Promise<T | undefined> {
  let writer: MemoryWriter;
  try {
    writer = await lockMemory(store.folder);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
  try {
    return await work(writer);
  } finally {
    writer.release();
  }
}
