/** A task from one stage to the next, and back: what a learner decides by itself and what a person does. */
import type { LearnerSettings } from './settings.ts';
import type { TaskState } from './states.ts';
import { type Db, type LearnerTask, moveTask, openTask } from './tasks.ts';

export interface Promotion {
  readonly actor: string;
  readonly reason: string | null;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** As `learner_tasks.canary` has it. */
export interface CanaryRecord {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly share: number;
  /** Looks made so far, by signal. */
  readonly looks: Readonly<Record<string, number>>;
  readonly tests: readonly object[];
}

export function canaryOf({ canary }: Pick<LearnerTask, 'canary'>): CanaryRecord | null {
  return canary === null ? null : (JSON.parse(canary) as CanaryRecord);
}

/** Where a task goes from a stage. */
export function nextStage(
  state: TaskState,
  { canary }: Pick<LearnerSettings, 'canary'>,
): 'canary' | 'full' | null {
  if (state === 'shadow') return canary === null ? 'full' : 'canary';
  return state === 'canary' ? 'full' : null;
}

/**
 * @param db a transaction
 * @returns whether the task was still in the stage that it is promoted from
 */
export async function promote(
  db: Db,
  task: LearnerTask,
  settings: Pick<LearnerSettings, 'canary'>,
  { actor, reason, detail = {} }: Promotion,
): Promise<boolean> {
  const to = nextStage(task.state, settings);
  if (to === null) return false;
  const { version, from_version: before } = task;
  const told = { ...detail, version, from_version: before };
  if (to === 'canary') {
    const share = settings.canary!.share;
    const canary: CanaryRecord = { since: Date.now(), share, looks: {}, tests: [] };
    return moveTask(db, task, {
      ...{ to, actor, action: to, reason, detail: { ...told, share } },
      set: { canary: JSON.stringify(canary) },
    });
  }
  if (!(await moveTask(db, task, { to, actor, action: to, reason, detail: told }))) return false;
  await serve(db, task.memory, version!);
  return true;
}

/**
 * Back to what was served before: a candidate is given up, and the newest full version makes room for the one before it,
 * with a candidate that was trained on top of it.
 * @param db a transaction
 * @returns false for a task that cannot be rolled back (any more)
 */
export async function rollBack(
  db: Db,
  task: LearnerTask,
  { actor, reason, detail = {} }: Promotion,
): Promise<boolean> {
  const { state, version, from_version: before } = task;
  if (state !== 'shadow' && state !== 'canary' && state !== 'full') return false;
  if (state === 'full') {
    const { serving } = await db
      .selectFrom('learner')
      .select('serving')
      .where('memory', '=', task.memory)
      .executeTakeFirstOrThrow();
    if (serving !== version || before === null) return false;
    const { numUpdatedRows } = await db
      .updateTable('learner')
      .set({ serving: before })
      .where('memory', '=', task.memory)
      .where('serving', '=', version)
      .executeTakeFirst();
    if (Number(numUpdatedRows) === 0) return false;
    const open = await openTask(db, task.memory);
    if (open?.from_version === version) await rollBack(db, open, { actor, reason: onTopOf(version) });
  }
  return moveTask(db, task, {
    ...{ to: 'rolled-back', actor, action: 'roll-back', reason },
    detail: { ...detail, version, to_version: before },
  });
}

/** Why a candidate goes that is no worse itself. */
export function onTopOf(version: number | null): string {
  return `it was trained on top of version ${version}, which is not served any more`;
}

async function serve(db: Db, memory: string, version: number): Promise<void> {
  await db.updateTable('learner').set({ serving: version }).where('memory', '=', memory).execute();
}
