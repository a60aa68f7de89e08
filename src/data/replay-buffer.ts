/**
 * The replay buffer: a fixed number of rows from finished tasks, trained on beside a new task's own.
 * [Method: "Replay buffer" of the LifeAlign paper, arXiv:2509.17183, and its reference code]
 */
import type { Random } from '../support/random.ts';
import type { PreferenceRow } from './row.ts';

/**
 * Which rows of a task enter, and which leave when the buffer is full:
 *
 * - `paper`: a random share enters; the oldest rows leave.
 * - `reference`: the first rows of the task enter; the newest do not (the reference code).
 */
export const replayPolicies = ['paper', 'reference'] as const;
export type ReplayPolicy = (typeof replayPolicies)[number];

export interface ReplaySettings {
  /** The most rows kept; the paper's 3000. */
  readonly capacity: number;
  /** The share of a finished task's rows that enters, in [0, 1]; the paper's 0.2. Rounded down to rows. */
  readonly fraction: number;
  readonly policy: ReplayPolicy;
}

export interface ReplayEntry<Payload> {
  /** The task the row comes from. */
  readonly task: string;
  readonly row: PreferenceRow;
  /** What was computed once and travels along, such as reference log-probs: plain JSON, finite numbers. */
  readonly payload: Payload;
}

/** Immutable: adding a task's rows gives a new buffer, so that a checkpoint's state cannot move under it. */
export class ReplayBuffer<Payload> {
  readonly settings: ReplaySettings;
  /** In order of arrival. */
  readonly entries: readonly ReplayEntry<Payload>[];

  constructor(settings: ReplaySettings, entries: readonly ReplayEntry<Payload>[] = []) {
    const { capacity, fraction } = settings;
    if (!(Number.isInteger(capacity) && capacity >= 0)) throw new RangeError(`replay capacity ${capacity}`);
    if (!(fraction >= 0 && fraction <= 1)) throw new RangeError(`replay fraction ${fraction}`);
    if (entries.length > capacity) throw new RangeError(`${entries.length} rows exceed capacity ${capacity}`);
    this.settings = settings;
    this.entries = entries;
  }

  /**
   * The buffer after a task: floor(fraction · rows) of its entries have entered. `random` is drawn from under
   * the policy `paper` only.
   */
  withTask(entries: readonly ReplayEntry<Payload>[], random: Random): ReplayBuffer<Payload> {
    const { capacity, fraction, policy } = this.settings;
    const count = Math.floor(fraction * entries.length);
    const entered = policy === 'reference' ? entries.slice(0, count) : random.sample(entries, count);
    const all = [...this.entries, ...entered];
    return new ReplayBuffer(this.settings, keeping[policy](all, capacity));
  }
}

type Keep = <Entry>(all: readonly Entry[], count: number) => readonly Entry[];

/** What stays of the rows when there are more than the buffer holds. */
const keeping: Readonly<Record<ReplayPolicy, Keep>> = {
  paper: lastOf,
  reference: firstOf,
};

function firstOf<T>(items: readonly T[], count: number): T[] {
  return items.slice(0, count);
}

/** `slice(-count)` would return everything for a count of 0. */
function lastOf<T>(items: readonly T[], count: number): T[] {
  return items.slice(Math.max(0, items.length - count));
}
