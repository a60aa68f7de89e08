/**
 * Accepted feedback that no task has taken, and a task made of it. Each piece is taken once.
 *
 * Thumbs without a counterpart may wait for ever, and be many: once looked at they are found again by the hash of their
 * prompt alone, when another thumb on an answer to it comes. What is read is so what is new, and what that can be
 * paired with. Marks of what was looked at are the learner's alone, and undone by whoever decides about the piece anew;
 * without one a piece is only looked at once more.
 */
import { sql } from 'kysely';
import { sha256 } from '../../support/hash.ts';
import { KINDS } from '../feedback/request.ts';
import type { Store } from '../store/open.ts';
import { newId } from '../store/tables.ts';
import type { Lease } from './lease.ts';
import { type FeedbackOutcome, OUTCOMES, promptHash, rowsOfFeedback } from './rows.ts';
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
  'feedback.waits_on',
] as const;

/** Comments say nothing that could be a row. */
const LEARNED_KINDS = KINDS.filter((kind) => kind !== 'comment');

/** What is not known yet, in no task. */
function unseen(db: Db) {
  return db
    .selectFrom('feedback')
    .where('feedback.status', '=', 'accepted')
    .where('feedback.learner_seen', 'is', null)
    .where('feedback.kind', 'in', LEARNED_KINDS)
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

/** Thumbs known to wait: never two that could be paired with each other. */
function waiting(db: Db) {
  return db
    .selectFrom('feedback')
    .where('feedback.status', '=', 'accepted')
    .where('feedback.waits_on', 'is not', null);
}

async function countWaiting(db: Db): Promise<number> {
  const { count } = await waiting(db)
    .select(({ fn }) => fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** How many pieces wait, and a text that differs when they are others. */
async function countUnlearned(db: Db): Promise<{ readonly count: number; readonly key: string }> {
  const row = await unseen(db)
    .select(({ fn }) => [
      fn.countAll().as('count'),
      fn.max('feedback.decided_at').as('decided'),
      fn.max('feedback.id').as('newest'),
    ])
    .executeTakeFirstOrThrow();
  const known = await countWaiting(db);
  return { count: Number(row.count) + known, key: `${row.count} ${row.decided} ${row.newest} ${known}` };
}

type Piece = Awaited<ReturnType<typeof newPieces>>[number];

function newPieces(db: Db) {
  return unseen(db).select(COLUMNS).execute();
}

/** In the order of their ids: what is new, and the waiting thumbs that it can be paired with or contradicts. */
async function readPieces(db: Db): Promise<readonly Piece[]> {
  const pieces = await newPieces(db);
  const hashes = [...new Set(pieces.map(promptHash))].filter((hash) => hash !== null);
  for (let at = 0; at < hashes.length; at += PIECES) {
    const met = waiting(db).where('feedback.waits_on', 'in', hashes.slice(at, at + PIECES));
    pieces.push(...(await met.select(COLUMNS).execute()));
  }
  return pieces.sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** @param waitsOn null for what is part of a task */
async function markSeen(
  db: Db,
  pieces: readonly Piece[],
  waitsOn: (piece: Piece) => string | null,
): Promise<void> {
  for (let at = 0; at < pieces.length; at += PIECES) {
    const some = pieces.slice(at, at + PIECES);
    const rows = some.map((piece) => sql`(${piece.id}, ${piece.content_hash}, ${waitsOn(piece)})`);
    // What somebody has changed meanwhile is another piece.
    await sql`update feedback set learner_seen = 1, waits_on = found.column3
      from (values ${sql.join(rows)}) as found
      where feedback.id = found.column1 and feedback.content_hash = found.column2
        and feedback.status = 'accepted'`.execute(db);
  }
}

type Outcomes = ReadonlyMap<string, FeedbackOutcome>;

/** Thumbs that are not known yet to wait. */
function newlyWaiting(pieces: readonly Piece[], outcomes: Outcomes): readonly Piece[] {
  return pieces.filter(({ id, waits_on }) => waits_on === null && outcomes.get(id) === 'unpaired');
}

/** Marks the thumbs that wait. @param db a transaction under the lease */
export async function markWaiting(db: Db): Promise<void> {
  const pieces = await readPieces(db);
  await markSeen(db, newlyWaiting(pieces, rowsOfFeedback(pieces).outcomes), promptHash);
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
  #known: { key: string; summary: UnlearnedSummary; unmarked: number } | null = null;
  #next = 0;

  constructor(store: Pick<Store, 'db'>) {
    this.#store = store;
  }

  /** How many thumbs are to be marked as waiting, as of the last summary. */
  get unmarked(): number {
    return this.#known?.unmarked ?? 0;
  }

  /** @param lease under which they are marked */
  async mark(lease: Pick<Lease, 'fenced'>): Promise<void> {
    if (this.#known === null || this.unmarked === 0) return;
    await lease.fenced(markWaiting);
    this.#known = { ...this.#known, unmarked: 0 };
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
    const { db } = this.#store;
    const { count, key } = await countUnlearned(db);
    if (this.#known?.key === key) return this.#known.summary;
    const pieces = await readPieces(db);
    const { rows, outcomes } = rowsOfFeedback(pieces);
    const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
      FeedbackOutcome,
      number
    >;
    for (const outcome of outcomes.values()) counts[outcome]++;
    // All others wait.
    counts.unpaired += Math.max(0, count - pieces.length);
    const { row: _, ...others } = counts;
    const summary = { unlearned: count, rows: rows.length, ...others };
    this.#known = { key, summary, unmarked: newlyWaiting(pieces, outcomes).length };
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

/** Of one statement: databases bound the number of parameters. */
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
  const pieces = await readPieces(db);
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
  await markSeen(db, taken, () => null);
  await markSeen(db, newlyWaiting(pieces, outcomes), promptHash);
  const task = (await taskById(db, id))!;
  const detail = {
    trigger,
    feedback: taken.length,
    rows: rows.length,
    waiting: await countWaiting(db),
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
