/**
 * Which of several instances learns: the one that holds the lease in the database. It lasts a while by the database's
 * clock and is renewed well before; who holds it next gets a higher token. Every write of a learner is made under its
 * token, in one transaction with a look at the lease (`fenced`), so that a holder that was stopped for a while, and
 * goes on believing, writes nothing more. [fencing tokens: Kleppmann 2017, Designing Data-Intensive Applications,
 * chapter 8]
 */
import type { Transaction } from 'kysely';
import { databaseNow } from '../store/clock.ts';
import type { Store } from '../store/open.ts';
import type { Tables } from '../store/tables.ts';

/** The lease is another's, or may be. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

export interface LeaseOptions {
  readonly store: Store;
  /** Whose learner. */
  readonly memory: string;
  /** This instance. */
  readonly owner: string;
  /** Milliseconds that it lasts unless it is renewed. */
  readonly lasts: number;
}

export interface Lease {
  readonly token: number;
  /** Aborted with a `LeaseLostError` once it is not sure any more that nobody else holds it. */
  readonly signal: AbortSignal;
  /** @throws {LeaseLostError} having written nothing, if the lease is not this one any more */
  fenced<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** @param progress to be told with it, JSON; undefined: as it was told before */
  renew(progress?: string | null): Promise<void>;
  /** Gives it back: whoever waits need not wait for its end. */
  release(): Promise<void>;
}

/** Takes the lease where nobody holds it; null where somebody does. The row has to be there. */
export async function takeLease({ store, memory, owner, lasts }: LeaseOptions): Promise<Lease | null> {
  const asked = performance.now();
  const now = databaseNow(store);
  const taken = await store.db
    .updateTable('learner')
    .set(({ eb }) => ({ owner, token: eb('token', '+', 1), until: eb(now, '+', lasts), progress: null }))
    .where('memory', '=', memory)
    .where('until', '<=', now)
    .returning('token')
    .executeTakeFirst();
  if (!taken) return null;
  return new HeldLease({ store, memory, owner, lasts }, Number(taken.token), asked);
}

class HeldLease implements Lease {
  readonly token: number;
  readonly #options: LeaseOptions;
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LeaseOptions, token: number, asked: number) {
    this.#options = options;
    this.token = token;
    this.#extend(asked);
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  async fenced<T>(work: (transaction: Transaction<Tables>) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const asked = performance.now();
    const result = await this.#options.store.db.transaction().execute(async (transaction) => {
      // The write comes first: it locks the row, and on SQLite the database, so that nobody takes over in between.
      await this.#hold(transaction);
      return work(transaction);
    });
    this.#extend(asked);
    return result;
  }

  async renew(progress?: string | null): Promise<void> {
    const asked = performance.now();
    await this.#hold(this.#options.store.db, progress);
    this.#extend(asked);
  }

  async release(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.signal.aborted) return;
    this.#lost.abort(new LeaseLostError('the lease was given back'));
    const { store, memory, owner } = this.#options;
    await store.db
      .updateTable('learner')
      .set({ owner: null, until: 0, progress: null })
      .where('memory', '=', memory)
      .where('owner', '=', owner)
      .where('token', '=', this.token)
      .execute();
  }

  async #hold(db: Pick<Store['db'], 'updateTable'>, progress?: string | null): Promise<void> {
    const { store, memory, owner, lasts } = this.#options;
    const now = databaseNow(store);
    const { numUpdatedRows } = await db
      .updateTable('learner')
      .set(({ eb }) => ({
        until: eb(now, '+', lasts),
        ...(progress === undefined ? {} : { progress }),
      }))
      .where('memory', '=', memory)
      .where('owner', '=', owner)
      .where('token', '=', this.token)
      .where('until', '>', now)
      .executeTakeFirst();
    if (Number(numUpdatedRows) === 1) return;
    this.#lose();
    throw this.signal.reason;
  }

  /** It lasts at least until so long after it was asked for. */
  #extend(asked: number): void {
    if (this.signal.aborted) return;
    clearTimeout(this.#timer);
    const left = asked + this.#options.lasts - performance.now();
    this.#timer = setTimeout(() => this.#lose(), Math.max(0, left));
    this.#timer.unref();
  }

  #lose(): void {
    clearTimeout(this.#timer);
    this.#lost.abort(new LeaseLostError('another instance may hold the lease'));
  }
}
