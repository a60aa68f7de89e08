/**
 * Whether a canary does worse than what is served, looked at again and again while it runs. Each look is Fisher's exact
 * test, one-sided. The k-th look is made when the smaller side has 2^(k-1) times the least count, and gets
 * level / (k (k + 1)) of the level: over any number of looks these sum to no more than the level, so that a version that
 * is no worse is rolled back with at most that chance. [Bonferroni's bound; such a spending of the level over looks:
 * Lan & DeMets 1983, doi:10.1093/biomet/70.3.659]
 */
import { fisherHigher, type Share } from '../../eval/proportions.ts';

/** Two signals share the level. */
export const SIGNALS = ['ratings', 'errors'] as const;
export type Signal = (typeof SIGNALS)[number];

export interface CanaryTest {
  readonly at: number;
  readonly signal: Signal;
  readonly look: number;
  readonly serving: Share;
  readonly candidate: Share;
  readonly p_value: number;
  /** What it has to be below. */
  readonly level: number;
  readonly worse: boolean;
}

/** How many looks so many observations allow. */
export function looksDue(serving: number, candidate: number, least: number): number {
  const count = Math.min(serving, candidate);
  return count < least ? 0 : Math.floor(Math.log2(count / least)) + 1;
}

/** Of one signal's k-th look. */
export function levelOf(look: number, level: number): number {
  return level / SIGNALS.length / (look * (look + 1));
}

export interface Compared {
  /** Bad ones among all. */
  readonly serving: Share;
  readonly candidate: Share;
}

export function testCanary(
  signal: Signal,
  { serving, candidate }: Compared,
  { look, level, at }: { readonly look: number; readonly level: number; readonly at: number },
): CanaryTest {
  const own = levelOf(look, level);
  const p = fisherHigher(candidate, serving);
  return { at, signal, look, serving, candidate, p_value: p, level: own, worse: p < own };
}
