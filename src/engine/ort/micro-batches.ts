/** How an effective batch is cut into micro-batches. */
import type { EncodedRow } from '../../text/encoded-row.ts';
import { type PackedBatch, packBatch, packedLength, responsesOf, sharedPrefixLength } from '../packing.ts';

export interface MicroBatchOptions {
  readonly responses: 'chosen' | 'pair';
  /** Most rows together. */
  readonly pairsPerBatch: number;
  /** Tokens up to which rows are put together. */
  readonly microBatchTokens: number;
  /** How many are worked on at a time: they come out about alike, and as many as make no lane wait. */
  readonly lanes: number;
  /** Whether what all prompts of a micro-batch begin with is computed once. */
  readonly sharePrefix: boolean;
  readonly headPieces: number;
  /** Targets in a piece of the head's work. */
  readonly pieceSize: number;
}

export interface MicroBatch {
  /** Of its rows in the effective batch. */
  readonly indices: readonly number[];
  /** Always as many pairs as fit: those that lack are filled up. */
  readonly batch: PackedBatch;
  /** Tokens of its rows as a peer without sharing would count them: each response with its prompt. */
  readonly unsharedTokenCount: number;
}

/** A shorter prefix would cost more in further small operations than it saves. */
const LEAST_PREFIX = 8;

/** The largest first, so that the last to end are small. The same rows in the same order give the same ones. */
export function microBatches(rows: readonly EncodedRow[], options: MicroBatchOptions): readonly MicroBatch[] {
  const lengths = rows.map((row) => packedLength(row, options.responses));
  return distribute(lengths, options).map((indices) => pack(rows, indices, options));
}

/**
 * The longest row first, each to the micro-batch with the fewest tokens yet [Graham 1969, the LPT rule]; a further
 * one where it fits none.
 */
function distribute(
  lengths: readonly number[],
  { pairsPerBatch, microBatchTokens, lanes }: MicroBatchOptions,
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

function pack(
  rows: readonly EncodedRow[],
  indices: readonly number[],
  { responses, pairsPerBatch, sharePrefix, headPieces, pieceSize }: MicroBatchOptions,
): MicroBatch {
  const members = indices.map((index) => rows[index]!);
  const shared = sharePrefix && pairsPerBatch > 1 ? sharedPrefixLength(members) : 0;
  const prefix = shared < LEAST_PREFIX ? 0 : shared;
  const filled = [...members, ...fillers(members, prefix, pairsPerBatch)];
  return {
    indices,
    batch: packBatch(filled, responses, { prefix, headPieces, pieceSize }),
    unsharedTokenCount: members.reduce(
      (total, row) =>
        responsesOf(row, responses).reduce((sum, one) => sum + row.prompt.length + one.length, total),
      0,
    ),
  };
}

/**
 * Every number of pairs is a graph of its own, with memory of its own. So that there is one, what lacks is filled
 * up with pairs of a token for each segment, which weigh nothing.
 */
function fillers(
  members: readonly EncodedRow[],
  prefix: number,
  pairsPerBatch: number,
): readonly EncodedRow[] {
  const one = Int32Array.of(0);
  const prompt = Int32Array.of(...members[0]!.prompt.subarray(0, prefix), 0);
  const filler = { prompt, chosen: one, rejected: one };
  return new Array<EncodedRow>(pairsPerBatch - members.length).fill(filler);
}
