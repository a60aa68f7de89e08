/**
 * The memory's head against what is served. They differ for one of three reasons: a candidate is on its way, and that is
 * well, unless what it was trained on was rolled back meanwhile; a candidate was rolled back, and the memory has to
 * follow, or the next task would be trained on top of it; or somebody has moved the memory by hand, and what is served
 * follows the memory.
 */
import type { Commit } from '../../memory/store/store.ts';
import type { Store } from '../store/open.ts';
import type { Lease } from './lease.ts';
import { type LearnerMemory, withLock } from './memory.ts';
import { onTopOf, rollBack } from './promotion.ts';
import { type Db, type LearnerTask, moveTask, openTask, recordDecision, taskByName } from './tasks.ts';

export interface Reconciling {
  readonly store: Store;
  readonly memory: LearnerMemory;
  readonly lease: Lease;
}

/** What is to be done, given the database and the memory's head. */
type Verdict =
  | { readonly kind: 'nothing' }
  /** It has learned what was rolled back while it was learning. */
  | { readonly kind: 'give up'; readonly candidate: LearnerTask }
  | { readonly kind: 'revert'; readonly serving: number; readonly task: LearnerTask }
  /** `candidate` is given up. */
  | { readonly kind: 'follow'; readonly serving: number; readonly candidate: LearnerTask | undefined };

const NOTHING: Verdict = { kind: 'nothing' };

/** @returns whether learning may go on: false where the memory cannot be brought back yet */
export async function reconcile({ store, memory, lease }: Reconciling): Promise<boolean> {
  const { commit: head } = await memory.store.head();
  const verdict = await judge(store.db, memory.name, head);
  if (verdict.kind === 'nothing') return true;
  if (verdict.kind === 'revert') return revert({ store, memory, lease }, head);
  if (verdict.kind === 'give up') {
    const { candidate } = verdict;
    const reason = onTopOf(candidate.from_version);
    await lease.fenced((transaction) => rollBack(transaction, candidate, { actor: 'learner', reason }));
    return reconcile({ store, memory, lease });
  }
  await lease.fenced((transaction) => follow(transaction, memory.name, head));
  return true;
}

async function judge(db: Db, memory: string, head: Commit): Promise<Verdict> {
  const { serving } = await db
    .selectFrom('learner')
    .select('serving')
    .where('memory', '=', memory)
    .executeTakeFirstOrThrow();
  const open = await openTask(db, memory);
  const candidate = open?.version === null ? undefined : open;
  if (head.number === serving) return candidate ? { kind: 'follow', serving, candidate } : NOTHING;
  if (candidate?.version === head.number) {
    return candidate.from_version === serving ? NOTHING : { kind: 'give up', candidate };
  }
  const task = head.task === null ? undefined : await taskByName(db, head.task);
  // Learned, and not yet known to be.
  if (task && (task.state === 'collected' || task.state === 'learning')) return NOTHING;
  if (task && (await isUnwanted(db, task, head))) return { kind: 'revert', serving, task };
  return { kind: 'follow', serving, candidate };
}

/** Once the memory was brought back, whoever makes it the head again means it. */
async function isUnwanted(db: Db, task: LearnerTask, head: Commit): Promise<boolean> {
  if (task.state === 'failed') return true;
  if (task.state !== 'rolled-back' || task.version !== head.number) return false;
  const reverted = await db
    .selectFrom('learner_decisions')
    .select('id')
    .where('memory', '=', task.memory)
    .where('action', '=', 'revert')
    // With what was learned on top of it, too.
    .where(({ eb, or }) => or([eb('task_id', '=', task.id), eb('at', '>=', task.state_at)]))
    .executeTakeFirst();
  return reverted === undefined;
}

async function revert({ store, memory, lease }: Reconciling, head: Commit): Promise<boolean> {
  const reverted = await withLock(memory.store, async (writer) => {
    if ((await writer.store.head()).commit.hash !== head.hash) return null;
    const verdict = await judge(store.db, memory.name, head);
    if (verdict.kind !== 'revert') return null;
    await lease.renew();
    await writer.revert(String(verdict.serving), `task ${verdict.task.name} was rolled back`);
    return verdict;
  });
  if (!reverted) return false;
  const { task, serving } = reverted;
  await lease.fenced((transaction) =>
    recordDecision(transaction, {
      ...{ memory: memory.name, task, actor: 'learner', action: 'revert' },
      detail: { from_version: head.number, to_version: serving },
    }),
  );
  return true;
}

/** @param transaction under the lease: a person may have decided since the verdict, so it is asked for again */
async function follow(transaction: Db, memory: string, head: Commit): Promise<void> {
  const verdict = await judge(transaction, memory, head);
  if (verdict.kind !== 'follow') return;
  const { serving, candidate } = verdict;
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
    .where('memory', '=', memory)
    .execute();
  await recordDecision(transaction, {
    ...{ memory, task: null, actor: 'learner', action: 'follow' },
    detail: { from_version: serving, to_version: head.number },
  });
}
