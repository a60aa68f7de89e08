/** Tasks and decisions in the database. A task moves from a state it is in, or not at all: several may want to. */
import type { Kysely, Selectable } from 'kysely';
import { type LearnerTasksTable, newId, type Tables } from '../store/tables.ts';
import { type DecisionAction, OPEN, type TaskState } from './states.ts';

export interface LearnerTask extends Omit<Selectable<LearnerTasksTable>, 'state'> {
  readonly state: TaskState;
}

/** A database, or a transaction of it. */
export type Db = Kysely<Tables>;

export interface Decision {
  readonly memory: string;
  readonly task: Pick<LearnerTask, 'id'> | null;
  /** `learner`, or the id of a person's key. */
  readonly actor: string;
  readonly action: DecisionAction;
  readonly from?: TaskState;
  readonly to?: TaskState;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** @param db the transaction in which what was decided is done */
export async function recordDecision(db: Db, decision: Decision): Promise<void> {
  const { memory, task, actor, action, from = null, to = null, detail = {} } = decision;
  const at = Date.now();
  await db
    .insertInto('learner_decisions')
    .values({
      ...{ id: newId('ld', at), at, memory, task_id: task?.id ?? null, actor, action },
      ...{ from_state: from, to_state: to, detail: JSON.stringify(detail) },
    })
    .execute();
}

export interface Move {
  readonly to: TaskState;
  readonly actor: string;
  readonly action: DecisionAction;
  /** For people; stands at the task until the next move. */
  readonly reason?: string | null;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly set?: Partial<
    Omit<LearnerTasksTable, 'id' | 'memory' | 'name' | 'state' | 'state_at' | 'created_at' | 'reason'>
  >;
}

/**
 * Moves a task on from the state that it was read in, and records why.
 * @returns whether it was still in it
 */
export async function moveTask(
  db: Db,
  task: LearnerTask,
  { to, actor, action, reason = null, detail = {}, set = {} }: Move,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('learner_tasks')
    .set({ ...set, state: to, reason, state_at: Date.now() })
    .where('id', '=', task.id)
    .where('state', '=', task.state)
    .executeTakeFirst();
  if (Number(numUpdatedRows) === 0) return false;
  const told = reason === null ? detail : { ...detail, reason };
  await recordDecision(db, {
    ...{ memory: task.memory, task, actor, action, from: task.state, to },
    detail: told,
  });
  return true;
}

/** One task of a memory, the first that what is added asks for. */
function taskOf(db: Db, memory: string) {
  return db.selectFrom('learner_tasks').selectAll().where('memory', '=', memory).limit(1);
}

/** The one that is on its way. */
export async function openTask(db: Db, memory: string): Promise<LearnerTask | undefined> {
  const row = await taskOf(db, memory).where('state', 'in', OPEN).executeTakeFirst();
  return row as LearnerTask | undefined;
}

export async function newestTask(db: Db, memory: string): Promise<LearnerTask | undefined> {
  const row = await taskOf(db, memory).orderBy('id', 'desc').executeTakeFirst();
  return row as LearnerTask | undefined;
}

export async function taskById(db: Db, id: string): Promise<LearnerTask | undefined> {
  const row = await db.selectFrom('learner_tasks').selectAll().where('id', '=', id).executeTakeFirst();
  return row as LearnerTask | undefined;
}

/** By its name in the memory. */
export async function taskByName(db: Db, memory: string, name: string): Promise<LearnerTask | undefined> {
  const row = await taskOf(db, memory).where('name', '=', name).executeTakeFirst();
  return row as LearnerTask | undefined;
}

/** How many tasks of a memory there are in each state that has any. */
export async function countTasks(db: Db, memory: string): Promise<ReadonlyMap<TaskState, number>> {
  const rows = await db
    .selectFrom('learner_tasks')
    .select(({ fn }) => ['state', fn.countAll().as('count')])
    .where('memory', '=', memory)
    .groupBy('state')
    .execute();
  return new Map(rows.map(({ state, count }) => [state as TaskState, Number(count)]));
}

/** How many of its processes came to no result: those that ended unseen too, and one that is at work. */
export function fruitless({ attempts, stops }: Pick<LearnerTask, 'attempts' | 'stops'>): number {
  return attempts - stops;
}

/** Its feedback may be learned again: by another task. */
export async function releaseFeedback(db: Db, task: Pick<LearnerTask, 'id'>): Promise<number> {
  const taken = db.selectFrom('learner_feedback').select('feedback_id').where('task_id', '=', task.id);
  await db.updateTable('feedback').set({ learner_seen: null }).where('id', 'in', taken).execute();
  const { numDeletedRows } = await db
    .deleteFrom('learner_feedback')
    .where('task_id', '=', task.id)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
