/**
 * How much feedback of one person, or of one source, is taken in a day: so that nobody can fill the queue, or
 * outvote all others. Counted in memory; the day's count so far is read from the database once.
 */
import { ApiError } from '../api-error.ts';
import type { Store } from '../store/open.ts';

const DAY = 86_400_000;
/** Beyond, the whole memory is read again as it is needed. */
const MOST_NAMES = 100_000;

export class DailyLimits {
  readonly #store: Store;
  readonly #column: 'person' | 'source';
  readonly #limit: number;
  readonly #counts = new Map<string, Promise<{ count: number }>>();
  #day = 0;

  /** @param limit 0 for none */
  constructor(store: Store, column: 'person' | 'source', limit: number) {
    this.#store = store;
    this.#column = column;
    this.#limit = limit;
  }

  /**
   * Counts one.
   * @returns takes it back
   * @throws {ApiError} 429 where the day's are used up
   */
  async take(name: string): Promise<() => void> {
    if (this.#limit === 0) return () => {};
    const day = Math.floor(Date.now() / DAY);
    if (day !== this.#day || this.#counts.size > MOST_NAMES) this.#counts.clear();
    this.#day = day;
    const known = this.#counts.get(name) ?? this.#read(name, day);
    this.#counts.set(name, known);
    known.catch(() => this.#counts.delete(name));
    const counted = await known;
    if (counted.count >= this.#limit) {
      const message = `more than ${this.#limit} pieces of feedback of one ${this.#column} a day`;
      const retryAfter = ((day + 1) * DAY - Date.now()) / 1000;
      throw new ApiError(429, message, { code: 'daily_limit', retryAfter });
    }
    counted.count++;
    return () => {
      counted.count--;
    };
  }

  async #read(name: string, day: number): Promise<{ count: number }> {
    const { count } = await this.#store.db
      .selectFrom('feedback')
      .select(({ fn }) => fn.countAll().as('count'))
      .where(this.#column, '=', name)
      .where('at', '>=', day * DAY)
      .executeTakeFirstOrThrow();
    return { count: Number(count) };
  }
}
