/** Encoded rows to the input values of a packed batch (layout: model/graph/layout.ts). */
import type { EncodedRow } from '../text/encoded-row.ts';

export interface PackedBatch {
  readonly pairs: number;
  readonly responses: 'chosen' | 'pair';
  /** Tokens in the batch, each prompt once. */
  readonly tokenCount: number;
  /** Tokens as a peer without prefix sharing would count them: each response with its prompt. */
  readonly unsharedTokenCount: number;
  readonly tokens: BigInt64Array;
  readonly positions: BigInt64Array;
  readonly segmentSizes: BigInt64Array;
  readonly querySizes: BigInt64Array;
  readonly sources: BigInt64Array;
  readonly targets: BigInt64Array;
  readonly headSizes: BigInt64Array;
  /** Row-major [pairs · responses, targets]. */
  readonly membership: Float32Array;
}

/** The responses of a row that take part. */
export function responsesOf(row: EncodedRow, responses: 'chosen' | 'pair'): readonly Int32Array[] {
  return responses === 'pair' ? [row.chosen, row.rejected] : [row.chosen];
}

/** Tokens a row adds to a batch. */
export function packedLength(row: EncodedRow, responses: 'chosen' | 'pair'): number {
  return responsesOf(row, responses).reduce((total, one) => total + one.length, row.prompt.length);
}

/**
 * @param headPieces pieces of the language-model head's work
 * @param pieceSize targets in a piece, more where the pieces would not hold them all
 */
export function packBatch(
  rows: readonly EncodedRow[],
  responses: 'chosen' | 'pair',
  headPieces: number,
  pieceSize: number,
): PackedBatch {
  const tokens: number[] = [];
  const positions: number[] = [];
  const segmentSizes: number[] = [];
  const querySizes: number[] = [];
  const sources: number[] = [];
  const targets: number[] = [];
  const owners: number[] = [];
  let unshared = 0;
  for (const row of rows) {
    const last = tokens.length + row.prompt.length - 1;
    if (row.prompt.length === 0) throw new Error('a packed row needs at least one prompt token');
    row.prompt.forEach((token, position) => {
      tokens.push(token);
      positions.push(position);
    });
    segmentSizes.push(row.prompt.length);
    responsesOf(row, responses).forEach((response, which) => {
      // Attention of no queries would give its keys undefined gradients (see tensor's matmul).
      if (response.length === 0) throw new Error('a packed response needs at least one token');
      const start = tokens.length;
      response.forEach((token, at) => {
        sources.push(at === 0 ? last : start + at - 1);
        targets.push(token);
        owners.push(querySizes.length);
        tokens.push(token);
        positions.push(row.prompt.length + at);
      });
      segmentSizes.push(response.length);
      querySizes.push(which === 0 ? row.prompt.length + response.length : response.length);
      unshared += row.prompt.length + response.length;
    });
  }
  const membership = new Float32Array(querySizes.length * targets.length);
  owners.forEach((owner, at) => {
    membership[owner * targets.length + at] = 1;
  });
  const integers = (values: readonly number[]) => BigInt64Array.from(values, BigInt);
  return {
    pairs: rows.length,
    responses,
    tokenCount: tokens.length,
    unsharedTokenCount: unshared,
    tokens: integers(tokens),
    positions: integers(positions),
    segmentSizes: integers(segmentSizes),
    querySizes: integers(querySizes),
    sources: integers(sources),
    targets: integers(targets),
    headSizes: integers(cut(targets.length, headPieces, pieceSize)),
    membership,
  };
}

/** `total` as `pieces` parts of `size`, the last ones smaller or empty. */
function cut(total: number, pieces: number, size: number): number[] {
  const step = Math.max(size, Math.ceil(total / pieces));
  return Array.from({ length: pieces }, (_, piece) => Math.max(0, Math.min(step, total - piece * step)));
}
