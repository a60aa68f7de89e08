/** When the next request may start: so many a minute, and none while the endpoint wants to be left alone. */
import type { Clock } from './clock.ts';

export class Pace {
  readonly #clock: Clock;
  /** Milliseconds between two starts: evenly spread, no minute has more than its share. */
  readonly #interval: number;
  #next = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, requestsPerMinute: number | null) {
    this.#clock = clock;
    this.#interval = requestsPerMinute === null ? 0 : 60_000 / requestsPerMinute;
  }

  /** Waits for a turn. @throws the reason of `stop`. */
  async turn(stop: AbortSignal): Promise<void> {
    for (;;) {
      stop.throwIfAborted();
      const wait = this.#next - this.#clock.now();
      if (wait <= 0) break;
      await this.#clock.sleep(wait, stop);
    }
    this.#next = this.#clock.now() + this.#interval;
  }

  /** Nobody starts for so long. */
  pause(milliseconds: number): void {
    this.#next = Math.max(this.#next, this.#clock.now() + milliseconds);
  }
}
