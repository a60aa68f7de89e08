/** What it takes before a learner goes on. */
import type { Wait } from './schema.ts';
import type { LearnerTask } from './tasks.ts';

const HOUR = 3_600_000;

/** Nothing, once so many hours have passed. */
export function waitForHours(since: number, hours: number, now: number): readonly Wait[] {
  const until = since + Math.round(hours * HOUR);
  return until > now ? [{ kind: 'time', until }] : [];
}

/** Of a task whose last process came to no result. */
export function retryWaits({ retry_at: until }: Pick<LearnerTask, 'retry_at'>, now: number): readonly Wait[] {
  return until !== null && until > now ? [{ kind: 'time', until }] : [];
}
