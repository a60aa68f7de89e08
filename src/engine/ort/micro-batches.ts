/** An effective batch's rows as micro-batches of the graphs' layout. */
import type { EncodedRow } from '../../text/encoded-row.ts';
import { type DistributeOptions, distribute } from '../distribute.ts';
import {
  type PackedBatch,
  packBatch,
  packedLength,
  type Responses,
  unsharedTokenCount,
  worthwhilePrefix,
} from '../packing.ts';

export interface MicroBatchOptions extends DistributeOptions {
  readonly responses: Responses;
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

/** The largest first, so that the last to end are small. The same rows in the same order give the same ones. */
export function microBatches(rows: readonly EncodedRow[], options: MicroBatchOptions): readonly MicroBatch[] {
  const lengths = rows.map((row) => packedLength(row, options.responses));
  return distribute(lengths, options).map((indices) => pack(rows, indices, options));
}

function pack(
  rows: readonly EncodedRow[],
  indices: readonly number[],
  { responses, pairsPerBatch, sharePrefix, headPieces, pieceSize }: MicroBatchOptions,
): MicroBatch {
  const members = indices.map((index) => rows[index]!);
  const prefix = sharePrefix && pairsPerBatch > 1 ? worthwhilePrefix(members) : 0;
  const filled = [...members, ...fillers(members, prefix, pairsPerBatch)];
  return {
    indices,
    batch: packBatch(filled, responses, { prefix, headPieces, pieceSize }),
    unsharedTokenCount: unsharedTokenCount(members, responses),
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
