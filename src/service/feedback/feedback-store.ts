/**
 * Feedback on its way into the database. What is acknowledged has been committed, and synced to disk, before. A
 * repeated request with the same idempotency key gets the first one's acknowledgement.
 */
import type { Transaction } from 'kysely';
import { sha256 } from '../../support/hash.ts';
import { ApiError } from '../api-error.ts';
import type { Batcher } from '../store/group-commit.ts';
import { InsertMany } from '../store/insert-many.ts';
import type { Store } from '../store/open.ts';
import { type FeedbackTable, newId, type Tables } from '../store/tables.ts';
import { redactMessage } from './completion-log.ts';
import { DailyLimits } from './daily-limits.ts';
import type { Redact } from './redact.ts';
import { type FeedbackKind, type FeedbackRequest, kindOf } from './request.ts';

export interface FeedbackPolicy {
  /** Days for which answers are kept for feedback; 0: none is. */
  readonly keptDays: number;
  /** Days for which feedback is kept; 0: for ever. */
  readonly feedbackDays: number;
  /** Pieces of feedback a day; 0: any number. */
  readonly perPerson: number;
  readonly perSource: number;
}

export interface FeedbackStoreOptions {
  readonly store: Store;
  readonly redact: Redact;
  readonly policy: FeedbackPolicy;
}

export interface Acknowledgement {
  readonly id: string;
  readonly kind: FeedbackKind;
  readonly createdAt: number;
  /** Whether it was stored by an earlier request. */
  readonly repeated: boolean;
}

/** About what: the conversation and the answer. */
interface Subject {
  readonly messages: readonly unknown[] | null;
  readonly answer: string | null;
  readonly model: string | null;
}

export class FeedbackStore {
  readonly store: Store;
  readonly policy: FeedbackPolicy;
  readonly #redact: Redact;
  readonly #persons: DailyLimits;
  readonly #sources: DailyLimits;
  readonly #insert: Batcher<FeedbackTable, Stored>;

  constructor({ store, redact, policy }: FeedbackStoreOptions) {
    this.store = store;
    this.policy = policy;
    this.#redact = redact;
    this.#persons = new DailyLimits(store, 'person', policy.perPerson);
    this.#sources = new DailyLimits(store, 'source', policy.perSource);
    const insert = new InsertMany<FeedbackTable>(store.kind, 'feedback', COLUMNS);
    this.#insert = (transaction, rows) => insertFeedback(insert, transaction, rows);
  }

  /**
   * Stores a piece of feedback.
   * @param source the key it comes by
   * @param idempotencyKey of the request, or null
   * @throws {ApiError} 404 for an answer that is not kept (any more), 409 for a key that came with other feedback,
   *   429 beyond a day's number
   */
  async add(
    request: FeedbackRequest,
    source: string,
    idempotencyKey: string | null,
  ): Promise<Acknowledgement> {
    // Before anything is waited for: what is added first stands first.
    const at = Date.now();
    const named = { id: newId('fb', at), at };
    const row = { ...named, ...(await this.#row(request, source, idempotencyKey)) };
    const taken: (() => void)[] = [];
    let stored = false;
    try {
      taken.push(await this.#sources.take(source));
      if (row.person !== null) taken.push(await this.#persons.take(row.person));
      const { id, kind, at, request_hash } = await this.store.writes.write(this.#insert, row);
      stored = id === row.id;
      if (request_hash !== row.request_hash) {
        const message = 'this idempotency key came with other feedback before';
        throw new ApiError(409, message, { code: 'idempotency_key_reused' });
      }
      return { id, kind: kind as FeedbackKind, createdAt: at, repeated: !stored };
    } finally {
      if (!stored) for (const giveBack of taken) giveBack();
    }
  }

  async #row(
    request: FeedbackRequest,
    source: string,
    idempotencyKey: string | null,
  ): Promise<Omit<FeedbackTable, 'id' | 'at'>> {
    const subject = await this.#subjectOf(request);
    const { answer, chosen, rejected } = textsOf(request, subject.answer);
    if (chosen !== null && chosen === rejected) {
      throw new ApiError(400, 'edited: equal to the answer', { param: 'edited' });
    }
    const clear = async (text: string | null) => (text === null ? null : this.#redact(text));
    const messages =
      subject.messages &&
      (await Promise.all(subject.messages.map((one) => redactMessage(one, this.#redact))));
    const content = {
      kind: kindOf(request),
      prompt: messages && JSON.stringify(messages),
      answer: await clear(answer),
      chosen: await clear(chosen),
      rejected: await clear(rejected),
      rating: request.rating === undefined ? null : request.rating === 'up' ? 1 : -1,
      comment: await clear(request.comment ?? null),
    };
    return {
      ...{ source, person: request.person ?? null },
      ...{ completion_id: request.completion_id ?? null, model: subject.model },
      ...content,
      ...hashesOf(content),
      tags: JSON.stringify([...new Set(request.tags)]),
      status: 'pending',
      ...{ decided_at: null, decided_by: null, idempotency_key: idempotencyKey },
      ...{ learner_seen: null, waits_on: null },
      request_hash: idempotencyKey === null ? null : sha256([JSON.stringify(request)]),
    };
  }

  async #subjectOf(request: FeedbackRequest): Promise<Subject> {
    const { completion_id: id, prompt, answer = null, choice = 0 } = request;
    if (id === undefined) {
      const messages = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : (prompt ?? null);
      return { messages, answer, model: null };
    }
    const found = await this.store.db
      .selectFrom('completions')
      .select(['messages', 'answers', 'model'])
      .where('id', '=', id)
      .executeTakeFirst();
    const answers = found === undefined ? [] : (JSON.parse(found.answers) as string[]);
    const chosen = answers[choice];
    if (found === undefined || chosen === undefined) {
      const what =
        found === undefined ? 'no such answer is kept (any more)' : 'the answer has no such choice';
      throw new ApiError(404, `${what}; send prompt and answer instead`, {
        param: found === undefined ? 'completion_id' : 'choice',
        code: 'completion_not_found',
      });
    }
    return { messages: JSON.parse(found.messages) as unknown[], answer: chosen, model: found.model };
  }
}

/** What is compared, or the one answer that something is said of. */
function textsOf({ edited, chosen, rejected }: FeedbackRequest, answer: string | null) {
  if (chosen !== undefined && rejected !== undefined) return { answer: null, chosen, rejected };
  if (edited !== undefined) return { answer: null, chosen: edited, rejected: answer };
  return { answer, chosen: null, rejected: null };
}

export type FeedbackContent = Pick<
  FeedbackTable,
  'kind' | 'prompt' | 'answer' | 'chosen' | 'rejected' | 'rating' | 'comment'
>;

/** By which duplicates and contradictions are found; of texts as they are stored. */
export function hashesOf({ kind, prompt, answer, chosen, rejected, rating, comment }: FeedbackContent) {
  const said = [prompt, answer, chosen, rejected, rating, kind === 'comment' ? comment : null];
  const about = [prompt, ...[answer, chosen, rejected].filter((text) => text !== null).sort()];
  const hash = (parts: readonly unknown[]) => sha256([JSON.stringify(parts)]);
  return { content_hash: hash(said), subject_hash: hash(about) };
}

type Stored = Pick<FeedbackTable, 'id' | 'kind' | 'at' | 'request_hash'>;

const COLUMNS: readonly (keyof FeedbackTable)[] = [
  ...(['id', 'at', 'source', 'person', 'kind', 'completion_id', 'model', 'prompt', 'answer'] as const),
  ...(['chosen', 'rejected', 'rating', 'comment', 'tags', 'status', 'content_hash', 'subject_hash'] as const),
  ...(['decided_at', 'decided_by', 'idempotency_key', 'request_hash'] as const),
];

/** For `GroupCommit`: two statements, however many rows. */
async function insertFeedback(
  insert: InsertMany<FeedbackTable>,
  transaction: Transaction<Tables>,
  rows: readonly FeedbackTable[],
): Promise<readonly Stored[]> {
  const ids = await insert.run(transaction, rows);
  if (ids.size === rows.length) return rows;
  const before = await Promise.all(
    rows.filter(({ id }) => !ids.has(id)).map((row) => storedBefore(transaction, row)),
  );
  const earlier = new Map(before);
  return rows.map((row) => earlier.get(row.id) ?? row);
}

async function storedBefore(
  transaction: Transaction<Tables>,
  { id, source, idempotency_key }: FeedbackTable,
): Promise<readonly [string, Stored]> {
  const found = await transaction
    .selectFrom('feedback')
    .select(['id', 'kind', 'at', 'request_hash'])
    .where(({ eb, and, or }) =>
      or([
        // Of a commit that went through though it seemed to fail.
        eb('id', '=', id),
        and([eb('source', '=', source), eb('idempotency_key', '=', idempotency_key)]),
      ]),
    )
    .executeTakeFirstOrThrow();
  return [id, found];
}
