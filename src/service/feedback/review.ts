/**
 * The review queue: feedback that waits for a person's decision. Feedback that says the same about the same is one
 * item with a count, decided together; what contradicts it is counted too.
 */
import type { Kysely } from 'kysely';
import * as z from 'zod';
import { ApiError } from '../api-error.ts';
import { storedText } from '../http/text.ts';
import { audit } from '../keys/audit.ts';
import type { Store } from '../store/open.ts';
import type { FeedbackTable, Tables } from '../store/tables.ts';
import { hashesOf } from './feedback-store.ts';
import { type ReviewItem, STATUSES, type Status } from './item.ts';
import { KINDS } from './request.ts';

export const queueQuery = z.strictObject({
  status: z.enum(STATUSES).default('pending'),
  kind: z.enum(KINDS).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(64).optional().meta({ description: 'The id of the last item before.' }),
});

export const fixSchema = z
  .strictObject({
    chosen: storedText().min(1),
    rejected: storedText().min(1).optional().meta({ description: 'Left out: the one that stands there.' }),
  })
  .refine(({ chosen, rejected }) => chosen !== rejected, { path: ['rejected'], error: 'equal to chosen' });

/** In the order in which they came: of those that say the same, the first. */
export async function listQueue(
  { db }: Store,
  { status, kind, limit, after }: z.output<typeof queueQuery>,
): Promise<readonly ReviewItem[]> {
  let query = items(db)
    .where('item.status', '=', status)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('feedback as earlier')
            .select('earlier.id')
            .whereRef('earlier.content_hash', '=', 'item.content_hash')
            .whereRef('earlier.status', '=', 'item.status')
            .whereRef('earlier.id', '<', 'item.id'),
        ),
      ),
    )
    .orderBy('item.id')
    .limit(limit);
  if (kind !== undefined) query = query.where('item.kind', '=', kind);
  if (after !== undefined) query = query.where('item.id', '>', after);
  return (await query.execute()).map(itemOf);
}

/** @throws {ApiError} 404 */
export async function readItem({ db }: Store, id: string): Promise<ReviewItem> {
  const row = await items(db).where('item.id', '=', id).executeTakeFirst();
  if (row) return itemOf(row);
  throw notFound();
}

/** Rows with how many others say the same, and how many something else about the same. */
function items(db: Kysely<Tables>) {
  return db
    .selectFrom('feedback as item')
    .selectAll('item')
    .select(({ selectFrom, fn }) => [
      selectFrom('feedback as same')
        .select(fn.countAll().as('count'))
        .whereRef('same.content_hash', '=', 'item.content_hash')
        .whereRef('same.status', '=', 'item.status')
        .as('same'),
      selectFrom('feedback as other')
        .select(fn.countAll().as('count'))
        .whereRef('other.subject_hash', '=', 'item.subject_hash')
        .whereRef('other.content_hash', '!=', 'item.content_hash')
        .as('contradicting'),
    ]);
}

export interface Decision {
  readonly status: Exclude<Status, 'pending'>;
  /** Texts in place of those that stand there. */
  readonly fix?: z.output<typeof fixSchema>;
}

/**
 * Decides an item and all that say the same. A decision can be changed by another.
 * @param by the key that decides
 * @throws {ApiError} 404, or 400 for a fix without anything to reject
 */
export async function decide(
  store: Store,
  id: string,
  { status, fix }: Decision,
  by: string,
): Promise<ReviewItem> {
  const row = await rowOf(store, id);
  // For the learner it is another piece from now on.
  const unseen = { learner_seen: null, waits_on: null };
  const decided = { status, decided_at: Date.now(), decided_by: by, ...unseen };
  const changed = fix === undefined ? {} : fixed(row, fix);
  await store.db.transaction().execute(async (transaction) => {
    const { numUpdatedRows } = await transaction
      .updateTable('feedback')
      .set({ ...decided, ...changed })
      .where('content_hash', '=', row.content_hash)
      .where(({ eb, or }) => or([eb('status', '=', row.status), eb('id', '=', id)]))
      .executeTakeFirst();
    const action =
      fix === undefined ? `feedback.${status === 'accepted' ? 'accept' : 'reject'}` : 'feedback.fix';
    await audit(transaction, {
      ...{ actor: by, action, target: id },
      detail: { rows: Number(numUpdatedRows), before: row.status },
    });
  });
  return readItem(store, id);
}

/** The fixed pair stands for whatever was said. */
function fixed(row: FeedbackTable, fix: z.output<typeof fixSchema>) {
  const rejected = fix.rejected ?? row.rejected ?? row.answer;
  if (rejected === null) {
    const message = 'missing; there is no answer here that it could be better than';
    throw new ApiError(400, `rejected: ${message}`, { param: 'rejected' });
  }
  if (rejected === fix.chosen) throw new ApiError(400, 'chosen: equal to rejected', { param: 'chosen' });
  const { prompt, comment } = row;
  const content = { kind: 'edit', prompt, answer: null, chosen: fix.chosen, rejected, rating: null, comment };
  const { comment: _, ...texts } = content;
  return { ...texts, ...hashesOf(content) };
}

async function rowOf({ db }: Store, id: string): Promise<FeedbackTable> {
  const row = await db.selectFrom('feedback').selectAll().where('id', '=', id).executeTakeFirst();
  if (row) return row;
  throw notFound();
}

function notFound(): ApiError {
  return new ApiError(404, 'there is no such feedback', { code: 'feedback_not_found' });
}

type ItemRow = Awaited<ReturnType<ReturnType<typeof items>['executeTakeFirstOrThrow']>>;

function itemOf(row: ItemRow): ReviewItem {
  const { id, source, person, completion_id, model, answer, chosen, rejected, comment } = row;
  return {
    ...{ id, source, person, completion_id, model, answer, chosen, rejected, comment },
    created_at: row.at,
    status: row.status as Status,
    kind: row.kind as ReviewItem['kind'],
    prompt: row.prompt === null ? null : (JSON.parse(row.prompt) as unknown[]),
    rating: row.rating === null ? null : row.rating > 0 ? 'up' : 'down',
    tags: JSON.parse(row.tags) as string[],
    ...{ decided_at: row.decided_at, decided_by: row.decided_by },
    ...{ same: Number(row.same), contradicting: Number(row.contradicting) },
  };
}
