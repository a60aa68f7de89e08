/** Encoded rows to the input values of a packed batch (layout: model/graph/layout.ts). */
import type { EncodedRow } from '../text/encoded-row.ts';

/** Which responses of a row take part. */
export type Responses = 'chosen' | 'pair';

export interface PackedBatch {
  readonly pairs: number;
  readonly responses: Responses;
  /** Whether what the prompts begin with stands in front of them. */
  readonly sharedPrefix: boolean;
  /** Segments that every prompt and every response is. */
  readonly tiles: number;
  /** Tokens in the batch, what is shared once. */
  readonly tokenCount: number;
  readonly tokens: BigInt64Array;
  readonly positions: BigInt64Array;
  readonly segmentSizes: BigInt64Array;
  readonly sources: BigInt64Array;
  readonly targets: BigInt64Array;
  readonly headSizes: BigInt64Array;
  /** Row-major [pairs · responses, targets]. */
  readonly membership: Float32Array;
}

/** The first position that each token sees through a window of so many tokens, itself among them. */
export function firstSeen(positions: BigInt64Array, window: number): BigInt64Array {
  return positions.map((position) => position - BigInt(window) + 1n);
}

/** The responses of a row that take part. */
export function responsesOf(row: EncodedRow, responses: Responses): readonly Int32Array[] {
  return responses === 'pair' ? [row.chosen, row.rejected] : [row.chosen];
}

/** Tokens a row adds to a batch. */
export function packedLength(row: EncodedRow, responses: Responses): number {
  return responsesOf(row, responses).reduce((total, one) => total + one.length, row.prompt.length);
}

/** Tokens of rows as a peer without sharing would count them: each response with its prompt. */
export function unsharedTokenCount(rows: readonly EncodedRow[], responses: Responses): number {
  return rows.reduce(
    (total, row) =>
      responsesOf(row, responses).reduce((sum, one) => sum + row.prompt.length + one.length, total),
    0,
  );
}

/** How many tokens all prompts begin with, which leave each so many of its own. */
export function sharedPrefixLength(rows: readonly EncodedRow[], own = 1): number {
  const [first, ...others] = rows.map(({ prompt }) => prompt);
  if (!first) return 0;
  let length = Math.min(...rows.map(({ prompt }) => prompt.length)) - own;
  for (const other of others) {
    const differs = first.findIndex((token, at) => at >= length || token !== other[at]);
    if (differs >= 0 && differs < length) length = differs;
  }
  return Math.max(0, length);
}

/** A shorter prefix would cost more in further small operations than it saves. */
const LEAST_PREFIX = 8;

/** `sharedPrefixLength`, or 0 where putting the prefix in front of all would not pay. */
export function worthwhilePrefix(rows: readonly EncodedRow[], own = 1): number {
  const shared = sharedPrefixLength(rows, own);
  return shared < LEAST_PREFIX ? 0 : shared;
}

export interface PackOptions {
  /** How many tokens that the prompts share stand in front of all; see `sharedPrefixLength`. */
  readonly prefix?: number;
  /** Segments that every prompt, every response and what is shared are cut into; 1 where left out. */
  readonly tiles?: number;
  /** Pieces of the language-model head's work. */
  readonly headPieces: number;
  /** Targets in a piece, more where the pieces would not hold them all. */
  readonly pieceSize: number;
}

export function packBatch(
  rows: readonly EncodedRow[],
  responses: Responses,
  { prefix = 0, tiles = 1, headPieces, pieceSize }: PackOptions,
): PackedBatch {
  const tokens: number[] = [];
  const positions: number[] = [];
  const segmentSizes: number[] = [];
  const sources: number[] = [];
  const targets: number[] = [];
  const owners: number[] = [];
  let responseCount = 0;
  const add = (part: Int32Array, position: number) => {
    part.forEach((token, at) => {
      tokens.push(token);
      positions.push(position + at);
    });
    segmentSizes.push(...evenly(part.length, tiles));
  };
  if (prefix > 0 && prefix < tiles) throw new Error(`a packed prefix ${needs(tiles)}`);
  if (prefix > 0) add(rows[0]!.prompt.subarray(0, prefix), 0);
  for (const row of rows) {
    // Attention of no queries would give its keys undefined gradients (see tensor's matmul).
    if (row.prompt.length < prefix + tiles) throw new Error(`a packed prompt ${needs(tiles)} of its own`);
    add(row.prompt.subarray(prefix), prefix);
    const last = tokens.length - 1;
    for (const response of responsesOf(row, responses)) {
      if (response.length < tiles) throw new Error(`a packed response ${needs(tiles)}`);
      const start = tokens.length;
      response.forEach((token, at) => {
        sources.push(at === 0 ? last : start + at - 1);
        targets.push(token);
        owners.push(responseCount);
      });
      add(response, row.prompt.length);
      responseCount++;
    }
  }
  const membership = new Float32Array(responseCount * targets.length);
  owners.forEach((owner, at) => {
    membership[owner * targets.length + at] = 1;
  });
  const integers = (values: readonly number[]) => BigInt64Array.from(values, BigInt);
  return {
    pairs: rows.length,
    responses,
    sharedPrefix: prefix > 0,
    tiles,
    tokenCount: tokens.length,
    tokens: integers(tokens),
    positions: integers(positions),
    segmentSizes: integers(segmentSizes),
    sources: integers(sources),
    targets: integers(targets),
    headSizes: integers(cut(targets.length, headPieces, pieceSize)),
    membership,
  };
}

function needs(tiles: number): string {
  return `needs at least ${tiles === 1 ? 'one token' : `${tiles} tokens`}`;
}

/** `total` as so many parts, none more than one larger than another. */
function evenly(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, part) => Math.floor((total + parts - 1 - part) / parts));
}

/** `total` as `pieces` parts of `size`, the last ones smaller or empty. */
function cut(total: number, pieces: number, size: number): number[] {
  const step = Math.max(size, Math.ceil(total / pieces));
  return Array.from({ length: pieces }, (_, piece) => Math.max(0, Math.min(step, total - piece * step)));
}
