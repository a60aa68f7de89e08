/** Accepted feedback that no task has taken, and a task made of it. Each piece is taken once. */
import { sha256 } from '../../support/hash.ts';
import type { Store } from '../store/open.ts';
import { newId } from '../store/tables.ts';
import { type FeedbackOutcome, OUTCOMES, rowsOfFeedback } from './rows.ts';
import { type Db, type LearnerTask, recordDecision, taskById } from './tasks.ts';

const COLUMNS = [
  'feedback.id',
  'feedback.kind',
  'feedback.prompt',
  'feedback.answer',
  'feedback.chosen',
  'feedback.rejected',
  'feedback.rating',
  'feedback.content_hash',
] as const;

/** Comments say nothing that could be a row. */
function unlearned(db: Db) {
  return db
    .selectFrom('feedback')
    .where('feedback.status', '=', 'accepted')
    .where('feedback.kind', '!=', 'comment')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('learner_feedback as taken')
            .select('taken.task_id')
            .whereRef('taken.feedback_id', '=', 'feedback.id')
            .whereRef('taken.content_hash', '=', 'feedback.content_hash'),
        ),
      ),
    );
}

/** How many pieces wait, and a text that differs when they are others. */
export async function countUnlearned({ db }: Pick<Store, 'db'>): Promise<{ count: number; key: string }> {
  const row = await unlearned(db)
    .select(({ fn }) => [
      fn.countAll().as('count'),
      fn.max('feedback.decided_at').as('decided'),
      fn.max('feedback.id').as('newest'),
    ])
    .executeTakeFirstOrThrow();
  return { count: Number(row.count), key: `${row.count} ${row.decided} ${row.newest}` };
}

export interface UnlearnedSummary extends Readonly<Record<Exclude<FeedbackOutcome, 'row'>, number>> {
  readonly unlearned: number;
  readonly rows: number;
}

/** Of the time, the share that may go into looking: thumbs that wait can be many. */
const SHARE = 0.05;

/** What would be made of it; read again only where something has changed, and the less often the longer it takes. */
export class Unlearned {
  readonly #store: Pick<Store, 'db'>;
  #known: { key: string; summary: UnlearnedSummary } | null = null;
  #next = 0;

  constructor(store: Pick<Store, 'db'>) {
    this.#store = store;
  }

  async summary(): Promise<UnlearnedSummary> {
    const start = performance.now();
    if (this.#known !== null && start < this.#next) return this.#known.summary;
    const summary = await this.#read();
    const end = performance.now();
    this.#next = end + (end - start) / SHARE;
    return summary;
  }

  async #read(): Promise<UnlearnedSummary> {
    const { count, key } = await countUnlearned(this.#store);
    if (this.#known?.key === key) return this.#known.summary;
    const pieces = await unlearned(this.#store.db).select(COLUMNS).orderBy('feedback.id').execute();
    const { rows, outcomes } = rowsOfFeedback(pieces);
    const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
      FeedbackOutcome,
      number
    >;
    for (const outcome of outcomes.values()) counts[outcome]++;
    const { row: _, ...others } = counts;
    const summary = { unlearned: count, rows: rows.length, ...others };
    this.#known = { key, summary };
    return summary;
  }
}

export interface Collecting {
  readonly memory: string;
  readonly trigger: 'threshold' | 'schedule' | 'request';
  /** Fewer rows are no task. */
  readonly least: number;
  readonly actor: string;
}

/** Of one `insert`: databases bound the number of parameters. */
const PIECES = 1000;

/**
 * Makes a task of everything that can be learned; thumbs without a counterpart go on waiting.
 * @param db a transaction under the lease: two of these at a time would take the same pieces
 * @returns null where it is fewer rows than `least`
 */
export async function collectTask(
  db: Db,
  { memory, trigger, least, actor }: Collecting,
): Promise<LearnerTask | null> {
  const pieces = await unlearned(db).select(COLUMNS).orderBy('feedback.id').execute();
  const { rows, outcomes } = rowsOfFeedback(pieces);
  if (rows.length < least) return null;
  const taken = pieces.filter(({ id }) => outcomes.get(id) !== 'unpaired');
  const now = Date.now();
  const id = newId('lt', now);
  // Tasks' names are file names, and unique in the memory: the time for people, the id's end for that.
  const name = `feedback-${new Date(now).toISOString().slice(0, 10)}-${sha256([id]).slice(0, 8)}`;
  await db
    .insertInto('learner_tasks')
    .values({
      ...{ id, memory, name, state: 'collected', state_at: now, created_at: now, trigger },
      ...{ feedback: taken.length, rows: rows.length, attempts: 0, failures: 0, stops: 0 },
      ...{ retry_at: null, data_hash: null, from_version: null, version: null, commit_hash: null },
      ...{ error: null, reason: null, gate: null, canary: null },
    })
    .execute();
  for (let at = 0; at < taken.length; at += PIECES) {
    const some = taken.slice(at, at + PIECES).map((piece) => ({
      ...{ feedback_id: piece.id, content_hash: piece.content_hash, task_id: id },
      outcome: outcomes.get(piece.id)!,
    }));
    await db.insertInto('learner_feedback').values(some).execute();
  }
  const task = (await taskById(db, id))!;
  const detail = {
    trigger,
    feedback: taken.length,
    rows: rows.length,
    waiting: pieces.length - taken.length,
  };
  await recordDecision(db, { memory, task, actor, action: 'collect', to: 'collected', detail });
  return task;
}

/**
 * A task's rows as they are now, as a data file has them: what was deleted, or decided otherwise since, is not among
 * them.
 */
export async function taskRows(db: Db, task: Pick<LearnerTask, 'id'>) {
  const pieces = await db
    .selectFrom('feedback')
    .innerJoin('learner_feedback as taken', (join) =>
      join
        .onRef('taken.feedback_id', '=', 'feedback.id')
        .onRef('taken.content_hash', '=', 'feedback.content_hash'),
    )
    .where('taken.task_id', '=', task.id)
    .where('feedback.status', '=', 'accepted')
    .select(COLUMNS)
    .orderBy('feedback.id')
    .execute();
  return rowsOfFeedback(pieces).rows.map(({ prompt, chosen, rejected }) => ({ prompt, chosen, rejected }));
}
