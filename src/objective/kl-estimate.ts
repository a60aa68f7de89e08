/**
 * KTO's reference point: how far the policy has moved from the reference on responses that were not
 * written for the prompt at hand. [arXiv:2402.01306, section 4.1]
 */
import type { EncodedRow } from '../text/encoded-row.ts';

/** Sequence log-probs of the responses of some rows. */
interface ResponseLogProbs {
  readonly chosen: Float64Array;
  readonly rejected: Float64Array;
}

/**
 * Each prompt with the responses of the row before it, the first with those of the last. A prompt loses
 * its beginning where the other row's longer response leaves too little of `maxLength` tokens.
 */
export function unmatchedRows(rows: readonly EncodedRow[], maxLength: number): readonly EncodedRow[] {
  return rows.map(({ prompt }, index) => {
    const { chosen, rejected } = rows.at(index - 1) as EncodedRow;
    const room = maxLength - Math.max(chosen.length, rejected.length);
    return { prompt: prompt.slice(-room), chosen, rejected };
  });
}

/**
 * The mean log-ratio in nats over both responses of the unmatched rows of an effective batch, or 0 where
 * that is negative. A batch of a single row has no unmatched responses: use 0.
 */
export function klEstimate(policy: ResponseLogProbs, reference: ResponseLogProbs): number {
  const rows = policy.chosen.length;
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    sum += (policy.chosen[row] as number) - (reference.chosen[row] as number);
    sum += (policy.rejected[row] as number) - (reference.rejected[row] as number);
  }
  return Math.max(0, sum / (2 * rows));
}
