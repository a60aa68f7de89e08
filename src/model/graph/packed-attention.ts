/**
 * Attention over a packed batch, pair by pair: the chosen response sees prompt and chosen, the rejected
 * one prompt and rejected, so a shared prompt is computed once and no mask spans the batch.
 */
import { multiplyDimension } from '../../tensor/dimension.ts';
import {
  attention,
  concat,
  lessOrEqual,
  permute,
  reshape,
  scalar,
  split,
  where,
} from '../../tensor/functions.ts';
import { dimensionAt, type Tensor } from '../../tensor/tensor.ts';
import { type BatchInputs, queryDimensions, segmentDimensions } from './layout.ts';

export interface HeadSettings {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
}

/** The queries and keys of one run, given per-segment and per-run parts of some tensor. */
interface Run {
  readonly query: number;
  readonly keys: readonly number[];
}

/** For each run its place among the query parts and the segments it sees, in order. */
function runsOf({ pairs }: BatchInputs): readonly Run[] {
  const runs: Run[] = [];
  let segment = 0;
  for (const { responses } of pairs) {
    const prompt = segment;
    responses.forEach((_, response) => {
      runs.push({ query: runs.length, keys: [prompt, prompt + 1 + response] });
    });
    segment += 1 + responses.length;
  }
  return runs;
}

const hidden = -1e30;

/**
 * Additive causal masks, one per run: [group · queries, keys], 0 where the key is not later than the
 * query and −1e30 elsewhere. `group` query heads that share a key head lie one after another in rows.
 */
export function causalBiases(batch: BatchInputs, group: number): readonly Tensor[] {
  const queries = split(batch.positions, queryDimensions(batch), 0, batch.querySizes);
  const segments = split(batch.positions, segmentDimensions(batch), 0, batch.segmentSizes);
  return runsOf(batch).map(({ query, keys }) => {
    const at = queries[query] as Tensor;
    const seen = concat(
      keys.map((key) => segments[key] as Tensor),
      0,
    );
    const allowed = lessOrEqual(
      reshape(seen, [1, dimensionAt(seen, 0)]),
      reshape(at, [dimensionAt(at, 0), 1]),
    );
    const bias = where(allowed, scalar(0), scalar(hidden));
    return concat(new Array<Tensor>(group).fill(bias), 0);
  });
}

/** [tokens, heads · size] to [keyValueHeads, group · tokens, size]. */
function groupHeads(x: Tensor, { keyValueHeads, headSize }: HeadSettings): Tensor {
  const tokens = dimensionAt(x, 0);
  const group = (dimensionAt(x, 1) as number) / keyValueHeads / headSize;
  if (group === 1) return permute(reshape(x, [tokens, keyValueHeads, headSize]), [1, 0, 2]);
  const heads = permute(reshape(x, [tokens, keyValueHeads, group, headSize]), [1, 2, 0, 3]);
  return reshape(heads, [keyValueHeads, multiplyDimension(tokens, group), headSize]);
}

/** The inverse of `groupHeads`. */
function ungroupHeads(x: Tensor, like: Tensor, { keyValueHeads, headSize }: HeadSettings): Tensor {
  const [tokens, width] = [dimensionAt(like, 0), dimensionAt(like, 1) as number];
  const group = width / keyValueHeads / headSize;
  const heads = reshape(x, [keyValueHeads, group, tokens, headSize]);
  return reshape(permute(heads, [2, 0, 1, 3]), [tokens, width]);
}

/**
 * @param query rotated, [tokens, heads · size]
 * @param key rotated, [tokens, keyValueHeads · size]
 * @param value [tokens, keyValueHeads · size]
 * @param biases of `causalBiases`, with group = heads / keyValueHeads
 * @returns [tokens, heads · size]
 */
export function packedAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  batch: BatchInputs,
  biases: readonly Tensor[],
  settings: HeadSettings,
  recompute: boolean,
): Tensor {
  const queries = split(query, queryDimensions(batch), 0, batch.querySizes);
  const [keys, values] = [key, value].map((x) =>
    split(x, segmentDimensions(batch), 0, batch.segmentSizes),
  ) as [readonly Tensor[], readonly Tensor[]];
  const gather = (parts: readonly Tensor[], run: Run) =>
    groupHeads(
      concat(
        run.keys.map((segment) => parts[segment] as Tensor),
        0,
      ),
      settings,
    );
  const results = runsOf(batch).map((run) => {
    const part = queries[run.query] as Tensor;
    const mixed = attention(
      groupHeads(part, settings),
      gather(keys, run),
      gather(values, run),
      biases[run.query] as Tensor,
      { scale: 1 / Math.sqrt(settings.headSize), recompute },
    );
    return ungroupHeads(mixed, part, settings);
  });
  return concat(results, 0);
}
