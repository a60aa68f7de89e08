/** What it takes before a learner goes on. */
import type { Wait } from './schema.ts';

const HOUR = 3_600_000;

/** Nothing, once so many hours have passed. */
export function waitForHours(since: number, hours: number, now: number): readonly Wait[] {
  const until = since + Math.round(hours * HOUR);
  return until > now ? [{ kind: 'time', until }] : [];
}
