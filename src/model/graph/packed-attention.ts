/**
 * Attention over a packed batch, segment by segment: the tokens of a response see their prompt and themselves,
 * so that what responses or prompts share is computed once, and no mask spans the batch.
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
import type { BatchInputs } from './layout.ts';

export interface HeadSettings {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
}

const hidden = -1e30;

/** A tensor over tokens, cut into the batch's segments. */
function cut(x: Tensor, { segments, segmentSizes }: BatchInputs): readonly Tensor[] {
  return split(
    x,
    segments.map(({ length }) => length),
    0,
    segmentSizes,
  );
}

/** Those of some segments, one after another. */
function join(parts: readonly Tensor[], places: readonly number[]): Tensor {
  return concat(
    places.map((place) => parts[place] as Tensor),
    0,
  );
}

/**
 * Additive causal masks, one per segment: [group · queries, keys], 0 where the key is not later than the
 * query and −1e30 elsewhere. `group` query heads that share a key head lie one after another in rows.
 */
export function causalBiases(batch: BatchInputs, group: number): readonly Tensor[] {
  const positions = cut(batch.positions, batch);
  return batch.segments.map(({ sees }, at) => {
    const queries = positions[at] as Tensor;
    const keys = join(positions, sees);
    const allowed = lessOrEqual(
      reshape(keys, [1, dimensionAt(keys, 0)]),
      reshape(queries, [dimensionAt(queries, 0), 1]),
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
): Tensor {
  const [queries, keys, values] = [query, key, value].map((x) => cut(x, batch)) as [
    readonly Tensor[],
    readonly Tensor[],
    readonly Tensor[],
  ];
  const mixed = batch.segments.map(({ sees }, at) => {
    const own = queries[at] as Tensor;
    const result = attention(
      groupHeads(own, settings),
      groupHeads(join(keys, sees), settings),
      groupHeads(join(values, sees), settings),
      biases[at] as Tensor,
      { scale: 1 / Math.sqrt(settings.headSize) },
    );
    return ungroupHeads(result, own, settings);
  });
  return concat(mixed, 0);
}
