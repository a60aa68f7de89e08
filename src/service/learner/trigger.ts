/** When the next task is made of accepted feedback. */
import type { UnlearnedSummary } from './collect.ts';
import { type LearnerSettings, leastRows } from './settings.ts';
import type { LearnerTask } from './tasks.ts';
import { type Wait, waitForHours } from './waits.ts';

export interface TriggerInput {
  readonly settings: Pick<LearnerSettings, 'from' | 'every' | 'least' | 'retry'>;
  readonly unlearned: Pick<UnlearnedSummary, 'rows'>;
  /** The newest, whatever became of it. */
  readonly last: Pick<LearnerTask, 'state' | 'state_at' | 'created_at'> | undefined;
  /** When the learner was first there, milliseconds since 1970. */
  readonly started: number;
  /** Somebody has asked. */
  readonly requested: boolean;
  readonly now: number;
}

export type TriggerResult =
  | { readonly trigger: 'threshold' | 'schedule' | 'request' }
  | { readonly trigger: null; readonly waits: readonly Wait[] };

export function triggerOf(input: TriggerInput): TriggerResult {
  const { settings, unlearned, last, started, requested, now } = input;
  const { rows } = unlearned;
  const least = leastRows(settings);
  if (requested && rows >= least) return { trigger: 'request' };
  const retry = last?.state === 'failed' ? waitForHours(last.state_at, settings.retry, now) : [];
  const { from, every } = settings;
  const due = every === null ? [] : waitForHours(last?.created_at ?? started, every, now);
  if (retry.length === 0) {
    if (from !== null && rows >= Math.max(from, least)) return { trigger: 'threshold' };
    if (every !== null && due.length === 0 && rows >= least) return { trigger: 'schedule' };
  }
  const need =
    requested || from === null || (every !== null && due.length === 0) ? least : Math.max(from, least);
  return {
    trigger: null,
    waits: [...(rows < need ? [{ kind: 'rows', have: rows, need } as const] : []), ...due, ...retry],
  };
}
