/** Time as the judging client sees it, so that tests need not wait for it. */
import { setTimeout as wait } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** @throws the signal's reason after an abort. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: Date.now,
  async sleep(milliseconds, signal) {
    try {
      await wait(milliseconds, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
