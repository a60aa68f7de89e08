/** What a learner waits for, for people and programs. */
export type Wait =
  | {
      readonly kind: 'rows' | 'comparisons' | 'answers' | 'ratings';
      readonly have: number;
      readonly need: number;
    }
  /** Milliseconds since 1970. */
  | { readonly kind: 'time'; readonly until: number }
  /** A person has to decide. */
  | { readonly kind: 'admin'; readonly reason: string }
  | { readonly kind: 'paused' };

const HOUR = 3_600_000;

/** Nothing, once so many hours have passed. */
export function waitForHours(since: number, hours: number, now: number): readonly Wait[] {
  const until = since + Math.round(hours * HOUR);
  return until > now ? [{ kind: 'time', until }] : [];
}
