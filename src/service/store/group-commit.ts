/**
 * Group commit: what is written while a commit is on its way to the disk goes into the next one together. A commit
 * costs a sync of the disk, a few milliseconds; so one a write would allow a few hundred writes a second.
 */
import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './tables.ts';

/** Several writes of one kind, made by few statements; one result for each, in order. */
export type Batcher<Item, Result> = (
  transaction: Transaction<Tables>,
  items: readonly Item[],
) => Promise<readonly Result[]>;

interface Waiting {
  readonly batcher: Batcher<never, unknown>;
  readonly item: unknown;
  readonly resolve: (result: never) => void;
  readonly reject: (reason: unknown) => void;
}

/** More than this in one transaction would make the first of them wait for long. */
const MOST_WRITES = 500;

export class GroupCommit {
  readonly #db: Kysely<Tables>;
  #waiting: Waiting[] = [];
  #working: Promise<void> | null = null;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** How many wait for their commit. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves when the write is on disk. */
  write<Item, Result>(batcher: Batcher<Item, Result>, item: Item): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({
        batcher: batcher as unknown as Batcher<never, unknown>,
        item,
        resolve: resolve as (result: never) => void,
        reject,
      });
      this.#working ??= this.#work();
    });
  }

  /** When everything is written. */
  async close(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    // What this turn of the event loop brings goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MOST_WRITES);
      try {
        await this.#commit(group);
      } catch (error) {
        // One of them may be what the database does not take: the others are not to suffer.
        if (group.length === 1) group[0]?.reject(error);
        else for (const one of group) await this.#commit([one]).catch(one.reject);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#working = null;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const results = await this.#db.transaction().execute(async (transaction) => {
      const made = new Map<Waiting, unknown>();
      for (const batcher of new Set(group.map((one) => one.batcher))) {
        const same = group.filter((one) => one.batcher === batcher);
        const results = await batcher(transaction, same.map((one) => one.item) as never[]);
        for (const [at, one] of same.entries()) made.set(one, results[at]);
      }
      return made;
    });
    for (const [one, result] of results) one.resolve(result as never);
  }
}
