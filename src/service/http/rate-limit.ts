/** Token buckets: so many requests a minute for each client, all of them at once if it likes. */
import { ApiError } from '../api-error.ts';

interface Bucket {
  left: number;
  at: number;
}

/** Clients remembered; beyond, those whose buckets are full again are forgotten first. */
const MOST_CLIENTS = 10_000;
const MINUTE = 60_000;

export class RateLimiter {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param perMinute 0 for no limit */
  constructor(perMinute: number, now: () => number = Date.now) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** @throws {ApiError} 429, with the seconds until there is one again */
  take(client: string, amount = 1): void {
    if (this.#perMinute === 0) return;
    const bucket = this.#refilled(client);
    if (bucket.left < amount) throw this.#refusal(bucket, amount);
    bucket.left -= amount;
  }

  /** As `take`, but only looks. */
  check(client: string): void {
    if (this.#perMinute === 0) return;
    const bucket = this.#refilled(client);
    if (bucket.left < 1) throw this.#refusal(bucket, 1);
  }

  #refusal({ left }: Bucket, amount: number): ApiError {
    const retryAfter = ((amount - left) * MINUTE) / this.#perMinute / 1000;
    const message = `more than ${this.#perMinute} requests a minute`;
    return new ApiError(429, message, { code: 'rate_limit_exceeded', retryAfter });
  }

  #refilled(client: string): Bucket {
    const now = this.#now();
    const bucket = this.#buckets.get(client) ?? { left: this.#perMinute, at: now };
    const refill = (Math.max(0, now - bucket.at) * this.#perMinute) / MINUTE;
    bucket.left = Math.min(this.#perMinute, bucket.left + refill);
    bucket.at = now;
    // The most recent last.
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    if (this.#buckets.size > MOST_CLIENTS) this.#forget(now);
    return bucket;
  }

  #forget(now: number): void {
    for (const [client, bucket] of this.#buckets) {
      if (this.#buckets.size <= MOST_CLIENTS) return;
      if (now - bucket.at >= MINUTE || this.#buckets.size > 2 * MOST_CLIENTS) this.#buckets.delete(client);
    }
  }
}
