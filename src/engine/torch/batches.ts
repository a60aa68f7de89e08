/** An effective batch's rows as packed batches for the worker's ranks. */
import type { EncodedRow } from '../../text/encoded-row.ts';
import { distribute } from '../distribute.ts';
import { packBatch, packedLength, type Responses, unsharedTokenCount, worthwhilePrefix } from '../packing.ts';
import type { FrameTensors } from './connection.ts';

/** Each pair has attention products of its own; more would be many small ones. */
const MOST_PAIRS = 64;

/** What one rank computes of one request. */
export interface Part {
  /** Of its rows in the effective batch. */
  readonly indices: readonly number[];
  readonly rows: readonly EncodedRow[];
  readonly unsharedTokenCount: number;
}

interface BatchOptions {
  readonly responses: Responses;
  readonly ranks: number;
  readonly microBatchTokens: number;
}

/** Requests, each with at most a part for every rank; the same rows in the same order give the same ones. */
export function wavesOf(
  rows: readonly EncodedRow[],
  { responses, ranks, microBatchTokens }: BatchOptions,
): readonly (readonly Part[])[] {
  const lengths = rows.map((row) => packedLength(row, responses));
  const all = distribute(lengths, { pairsPerBatch: MOST_PAIRS, microBatchTokens, lanes: ranks });
  const parts = all.map((indices) => {
    const members = indices.map((index) => rows[index]!);
    return { indices, rows: members, unsharedTokenCount: unsharedTokenCount(members, responses) };
  });
  return Array.from({ length: Math.ceil(parts.length / ranks) }, (_, wave) =>
    parts.slice(wave * ranks, (wave + 1) * ranks),
  );
}

/**
 * A part's tensors, named `<number>.<name>`: the layout of packing.ts, its tree of segments written out.
 * @param sharePrefix whether what all prompts begin with is computed once
 */
export function partTensors(
  part: number,
  rows: readonly EncodedRow[],
  responses: Responses,
  sharePrefix: boolean,
): FrameTensors {
  const prefix = sharePrefix && rows.length > 1 ? worthwhilePrefix(rows) : 0;
  const batch = packBatch(rows, responses, { prefix, headPieces: 1, pieceSize: 1 });
  const width = responses === 'pair' ? 2 : 1;
  const lengths = rows.flatMap((row) =>
    responses === 'pair' ? [row.chosen.length, row.rejected.length] : [row.chosen.length],
  );
  const offset = prefix > 0 ? 1 : 0;
  // The prefix, then of every row its prompt and its responses.
  const parents = rows.flatMap((_, row) => {
    const prompt = offset + row * (1 + width);
    return [offset - 1, ...new Array<number>(width).fill(prompt)];
  });
  const tree = [...new Array<number>(offset).fill(-1), ...parents];
  const segments = Int32Array.from(tree.flatMap((parent, at) => [Number(batch.segmentSizes[at]), parent]));
  const integers = (data: BigInt64Array) => ({
    shape: [data.length],
    data: Int32Array.from(data, Number),
  });
  return {
    [`${part}.tokens`]: integers(batch.tokens),
    [`${part}.positions`]: integers(batch.positions),
    [`${part}.segments`]: { shape: [tree.length, 2], data: segments },
    [`${part}.sources`]: integers(batch.sources),
    [`${part}.targets`]: integers(batch.targets),
    [`${part}.lengths`]: { shape: [lengths.length], data: Int32Array.from(lengths) },
  };
}
