/**
 * When the config's consolidation breaks a limit: which settings are tried instead, and in which order. Nothing is
 * trained again and nothing but gate rows is looked at.
 *
 * Tried first is what keeps most of the task's short-term memories, and the first that breaks no limit is taken: the
 * one that gives up least, not the one whose gate scores happen to look best among many. What the gate rows say of it
 * is still the more flattering the more settings were tried; the report rows, which decide nothing, are not.
 */
import type { CandidateSettings } from '../candidate.ts';
import type { SearchSettings } from './settings.ts';

/** Every combination but `tried`, each once. */
export function grid(
  { lambda, threshold, scale }: SearchSettings,
  tried: CandidateSettings,
): CandidateSettings[] {
  const all = lambda.flatMap((l) =>
    threshold.flatMap((t) => scale.map((s): CandidateSettings => ({ lambda: l, threshold: t, scale: s }))),
  );
  const seen = new Set([keyOf(tried)]);
  return all.filter((settings) => {
    const key = keyOf(settings);
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

export interface Tried<Judged> {
  readonly settings: CandidateSettings;
  /** Of the short-term memories' energy, the share kept. */
  readonly energyKept: number;
  readonly judged: Judged;
}

export interface SearchResult<Judged> {
  /** `null` where every one breaks a limit. */
  readonly found: Tried<Judged> | null;
  /** In the order in which they were tried, the one found among them. */
  readonly tried: readonly Tried<Judged>[];
}

/**
 * @param energyKept of a combination's refined memories
 * @param judge may stop at the first broken limit
 */
export async function search<Judged extends { readonly passed: boolean }>(
  combinations: readonly CandidateSettings[],
  energyKept: (settings: CandidateSettings) => number,
  judge: (settings: CandidateSettings, at: number) => Promise<Judged>,
): Promise<SearchResult<Judged>> {
  // A stable sort: what keeps equally much stays in the grid's order.
  const ordered = combinations
    .map((settings) => ({ settings, energyKept: energyKept(settings) }))
    .sort((a, b) => b.energyKept - a.energyKept);
  const tried: Tried<Judged>[] = [];
  for (const candidate of ordered) {
    const one = { ...candidate, judged: await judge(candidate.settings, tried.length) };
    tried.push(one);
    if (one.judged.passed) return { found: one, tried };
  }
  return { found: null, tried };
}

function keyOf({ lambda, threshold, scale }: CandidateSettings): string {
  return `${lambda} ${threshold} ${scale}`;
}
