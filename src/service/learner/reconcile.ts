/**
 * The memory's head against what is served. They differ for one of three reasons: a candidate is on its way, and that is
 * well; a candidate was rolled back, and the memory has to follow, or the next task would be trained on top of it; or
 * somebody has moved the memory by hand, and what is served follows the memory.
 */
import type { Commit } from '../../memory/store/store.ts';
import type { Store } from '../store/open.ts';
import type { Lease } from './lease.ts';
import { type LearnerMemory, withLock } from './memory.ts';
import { type LearnerTask, moveTask, openTask, recordDecision, taskByName } from './tasks.ts';

export interface Reconciling {
  readonly store: Store;
  readonly memory: LearnerMemory;
  readonly lease: Lease;
}

/** @returns whether learning may go on: false where the memory cannot be brought back yet */
export async function reconcile({ store, memory, lease }: Reconciling): Promise<boolean> {
  const { name } = memory;
  const { serving } = await store.db
    .selectFrom('learner')
    .select('serving')
    .where('memory', '=', name)
    .executeTakeFirstOrThrow();
  const { commit: head } = await memory.store.head();
  const open = await openTask(store.db, name);
  const candidate = open?.version === null ? undefined : open;
  if (head.number === serving) {
    if (candidate) await follow({ store, memory, lease }, serving, head, candidate);
    return true;
  }
  if (candidate?.version === head.number) return true;
  const task = head.task === null ? undefined : await taskByName(store.db, head.task);
  // Learned, and not yet known to be.
  if (task && (task.state === 'collected' || task.state === 'learning')) return true;
  if (task && (await isUnwanted(store, task, head)))
    return revert({ store, memory, lease }, serving, head, task);
  await follow({ store, memory, lease }, serving, head, candidate);
  return true;
}

/** Once the memory was brought back, whoever makes it the head again means it. */
async function isUnwanted({ db }: Store, task: LearnerTask, head: Commit): Promise<boolean> {
  if (task.state === 'failed') return true;
  if (task.state !== 'rolled-back' || task.version !== head.number) return false;
  const reverted = await db
    .selectFrom('learner_decisions')
    .select('id')
    .where('task_id', '=', task.id)
    .where('action', '=', 'revert')
    .executeTakeFirst();
  return reverted === undefined;
}

async function revert(
  { memory, lease }: Reconciling,
  serving: number,
  head: Commit,
  task: LearnerTask,
): Promise<boolean> {
  const done = await withLock(memory.store, async (writer) => {
    if ((await writer.store.head()).commit.hash !== head.hash) return false;
    await lease.renew();
    await writer.revert(String(serving), `task ${task.name} was rolled back`);
    return true;
  });
  if (done !== true) return false;
  await lease.fenced((transaction) =>
    recordDecision(transaction, {
      ...{ memory: memory.name, task, actor: 'learner', action: 'revert' },
      detail: { from_version: head.number, to_version: serving },
    }),
  );
  return true;
}

async function follow(
  { memory, lease }: Reconciling,
  serving: number,
  head: Commit,
  candidate: LearnerTask | undefined,
): Promise<void> {
  await lease.fenced(async (transaction) => {
    if (candidate) {
      await moveTask(transaction, candidate, {
        ...{ to: 'rolled-back', actor: 'learner', action: 'roll-back' },
        reason: `the memory was moved to version ${head.number} by others`,
      });
    }
    if (serving === head.number) return;
    await transaction
      .updateTable('learner')
      .set({ serving: head.number })
      .where('memory', '=', memory.name)
      .execute();
    await recordDecision(transaction, {
      ...{ memory: memory.name, task: null, actor: 'learner', action: 'follow' },
      detail: { from_version: serving, to_version: head.number },
    });
  });
}
