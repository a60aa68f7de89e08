/** An effective batch's rows as micro-batches of the graphs' layout. */
import type { EncodedRow } from '../../text/encoded-row.ts';
import { type DistributeOptions, distribute } from '../distribute.ts';
import {
  type PackedBatch,
  type PackOptions,
  packBatch,
  packedLength,
  type Responses,
  responsesOf,
  unsharedTokenCount,
  worthwhilePrefix,
} from '../packing.ts';

export interface MicroBatchOptions extends DistributeOptions {
  readonly responses: Responses;
  /** Whether what all prompts of a micro-batch begin with is computed once. */
  readonly sharePrefix: boolean;
  /** How a micro-batch of so many tokens is cut up; more of them never into less. */
  readonly cutOf: (tokens: number) => Cut;
}

/** See `PackOptions`. */
export type Cut = Required<Pick<PackOptions, 'tiles' | 'headPieces' | 'pieceSize'>>;

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
  { responses, pairsPerBatch, sharePrefix, cutOf }: MicroBatchOptions,
): MicroBatch {
  const members = indices.map((index) => rows[index]!);
  const packed = (cut: Cut) => {
    const prefix = sharePrefix && pairsPerBatch > 1 ? worthwhilePrefix(members, cut.tiles) : 0;
    const filled = [...members, ...fillers(members, prefix, cut.tiles, pairsPerBatch - members.length)];
    return packBatch(filled, responses, { ...cut, prefix });
  };
  const cut = cutOf(packed(UNCUT).tokenCount);
  const segments = members.flatMap((row) => [row.prompt, ...responsesOf(row, responses)]);
  const tiles = segments.every(({ length }) => length >= cut.tiles) ? cut.tiles : 1;
  return {
    indices,
    batch: packed({ ...cut, tiles }),
    unsharedTokenCount: unsharedTokenCount(members, responses),
  };
}

const UNCUT: Cut = { tiles: 1, headPieces: 1, pieceSize: 1 };

/**
 * Every number of pairs is a graph of its own, with memory of its own. So that there is one, what lacks is filled
 * up with pairs of a token for each segment, which weigh nothing.
 */
function fillers(
  members: readonly EncodedRow[],
  prefix: number,
  tiles: number,
  count: number,
): readonly EncodedRow[] {
  const least = new Int32Array(tiles);
  const prompt = Int32Array.of(...members[0]!.prompt.subarray(0, prefix), ...least);
  return new Array<EncodedRow>(count).fill({ prompt, chosen: least, rejected: least });
}
