/**
 * Reverting and dropping from afar: first as a dry run that writes nothing and tells the effect, then in earnest, on
 * condition that the head is still the one the dry run was about.
 */
import { laterTasks, type PlannedDrop, planDrop } from '../../memory/store/drop.ts';
import type { CommitMetrics } from '../../memory/store/records.ts';
import type { Commit, MemoryStore } from '../../memory/store/store.ts';
import { lockMemory } from '../../memory/store/writer.ts';
import { relativeChange } from '../../model/adapter-change.ts';
import { UserError } from '../../support/errors.ts';
import { ApiError } from '../api-error.ts';
import { taskNames } from './describe.ts';
import type { Effect } from './schema.ts';

/** Scores the tasks of a memory with and without one of them. */
export type MeasureDrop = (
  store: MemoryStore,
  plan: PlannedDrop,
  signal: AbortSignal,
) => Promise<CommitMetrics>;

interface Wanted {
  readonly dry_run: boolean;
  /** The commit that the head has to be. */
  readonly head?: string | undefined;
  readonly note: string;
}

/** Seconds for another writer to be done. */
const WAIT = 1;

export async function revert(
  store: MemoryStore,
  { version, ...wanted }: Wanted & { readonly version: number },
): Promise<Effect> {
  const { commit: from } = await expectedHead(store, wanted);
  const to = await store.resolve(String(version));
  const [one, other] = [taskNames(await store.learned(from)), taskNames(await store.learned(to))];
  const of = async (commit: Commit) => (await store.metrics(commit))?.after ?? {};
  const effect = {
    ...{ head: from.hash, from: from.number, to: to.number },
    tasks_gone: one.filter((task) => !other.includes(task)),
    tasks_back: other.filter((task) => !one.includes(task)),
    ...{ rows_withdrawn: 0, trained_on_top: [], measured: false },
    relative_change: 100 * relativeChange(await store.adapter(from), await store.adapter(to)),
    ...{ before: await of(from), after: await of(to) },
  };
  if (wanted.dry_run) return { done: false, ...effect };
  await writing(store, wanted, (writer) => writer.revert(to.hash, wanted.note));
  return { done: true, ...effect };
}

export async function drop(
  store: MemoryStore,
  { task, measure, ...wanted }: Wanted & { readonly task: string; readonly measure: MeasureDrop | null },
  signal: AbortSignal,
): Promise<Effect> {
  const { commit: from } = await expectedHead(store, wanted);
  const plan = await planDrop(store, task);
  const measured = measure === null ? null : await measure(store, plan, signal);
  const effect = {
    ...{ head: from.hash, from: from.number },
    ...{ tasks_gone: [task], tasks_back: [], rows_withdrawn: plan.rows.length },
    trained_on_top: [...laterTasks(plan)],
    relative_change: 100 * relativeChange(await store.adapter(from), plan.adapter),
    measured: measured !== null,
    before: measured?.before ?? (await store.metrics(from))?.after ?? {},
    after: measured?.after ?? {},
  };
  if (wanted.dry_run) return { done: false, to: null, ...effect };
  const made = await writing(store, wanted, async (writer) =>
    writer.drop(await writer.planDrop(task), { metrics: measured, note: wanted.note }),
  );
  return { done: true, to: made.number, ...effect };
}

async function expectedHead(store: MemoryStore, { dry_run, head: expected }: Wanted) {
  const head = await store.head();
  if (dry_run || head.commit.hash === expected) return head;
  throw new ApiError(409, `the head is version ${head.commit.number} by now; look at the effect again`, {
    ...{ param: 'head', code: 'head_moved' },
  });
}

/** Under the memory's lock, with the head looked at again. @throws {ApiError} 409 while another process writes */
async function writing<T>(
  store: MemoryStore,
  wanted: Wanted,
  work: (writer: Awaited<ReturnType<typeof lockMemory>>) => Promise<T>,
): Promise<T> {
  const writer = await lockMemory(store.folder, { wait: WAIT }).catch((cause: unknown) => {
    if (!(cause instanceof UserError)) throw cause;
    const message = 'another process is writing this memory; try again when it is done';
    throw new ApiError(409, message, { cause, code: 'memory_locked' });
  });
  try {
    await expectedHead(store, wanted);
    return await work(writer);
  } finally {
    writer.release();
  }
}
