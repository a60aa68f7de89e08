/** How an effective batch is cut into micro-batches: all engines alike. */

export interface DistributeOptions {
  /** Most rows together. */
  readonly pairsPerBatch: number;
  /** Tokens up to which rows are put together. */
  readonly microBatchTokens: number;
  /** How many are worked on at a time: they come out about alike, and as many as make no lane wait. */
  readonly lanes: number;
}

/**
 * The longest row first, each to the micro-batch with the fewest tokens yet [Graham 1969, the LPT rule]; a further
 * one where it fits none.
 */
export function distribute(
  lengths: readonly number[],
  { pairsPerBatch, microBatchTokens, lanes }: DistributeOptions,
): readonly (readonly number[])[] {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const least = Math.max(Math.ceil(total / microBatchTokens), Math.ceil(lengths.length / pairsPerBatch));
  const count = Math.min(lengths.length, Math.ceil(least / lanes) * lanes);
  const batches = Array.from({ length: count }, () => ({ indices: [] as number[], tokens: 0 }));
  const longestFirst = lengths.map((_, index) => index).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  for (const index of longestFirst) {
    const length = lengths[index]!;
    const fitting = batches.filter(
      ({ indices, tokens }) =>
        indices.length === 0 || (indices.length < pairsPerBatch && tokens + length <= microBatchTokens),
    );
    let [chosen] = fitting;
    for (const one of fitting) if (one.tokens < chosen!.tokens) chosen = one;
    if (!chosen) {
      chosen = { indices: [], tokens: 0 };
      batches.push(chosen);
    }
    chosen.indices.push(index);
    chosen.tokens += length;
  }
  return batches
    .filter(({ indices }) => indices.length > 0)
    .sort((a, b) => b.tokens - a.tokens)
    .map(({ indices }) => indices.sort((a, b) => a - b));
}
