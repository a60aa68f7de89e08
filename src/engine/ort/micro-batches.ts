/** An effective batch's rows as micro-batches of the graphs' layout. */
import type { Recompute } from '../../model/graph/decoder.ts';
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
  /** How a micro-batch of so many tokens, what fills it up included, is worked on. */
  readonly planOf: (tokens: number) => BatchPlan;
}

export interface BatchPlan extends Required<Pick<PackOptions, 'tiles' | 'headPieces' | 'pieceSize'>> {
  /** Whether it is filled up to as many pairs as fit; see `fillers`. */
  readonly filled: boolean;
  readonly recompute: Recompute;
}

export interface MicroBatch {
  /** Of its rows in the effective batch. */
  readonly indices: readonly number[];
  readonly batch: PackedBatch;
  readonly recompute: Recompute;
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
  { responses, pairsPerBatch, sharePrefix, planOf }: MicroBatchOptions,
): MicroBatch {
  const members = indices.map((index) => rows[index]!);
  const filledUp = ({ filled, tiles }: Pick<BatchPlan, 'filled' | 'tiles'>) => {
    const lacking = filled ? pairsPerBatch - members.length : 0;
    const prefix = sharePrefix && members.length + lacking > 1 ? worthwhilePrefix(members, tiles) : 0;
    return { prefix, all: [...members, ...fillers(members, prefix, tiles, lacking)] };
  };
  const uncut = filledUp({ filled: true, tiles: 1 });
  const plan = planOf(tokenCount(uncut.all, responses, uncut.prefix));
  const segments = members.flatMap((row) => [row.prompt, ...responsesOf(row, responses)]);
  const tiles = segments.every(({ length }) => length >= plan.tiles) ? plan.tiles : 1;
  const { prefix, all } = filledUp({ ...plan, tiles });
  return {
    indices,
    batch: packBatch(all, responses, { ...plan, prefix, tiles }),
    recompute: plan.recompute,
    unsharedTokenCount: unsharedTokenCount(members, responses),
  };
}

/** Of a packed batch, whose prefix stands in it once. */
function tokenCount(rows: readonly EncodedRow[], responses: Responses, prefix: number): number {
  return rows.reduce((total, row) => total + packedLength(row, responses) - prefix, prefix);
}

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
