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
import type { BatchInputs, Segment } from './layout.ts';

export interface HeadSettings {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** As in `DecoderConfig`. */
  readonly attentionScale?: number;
}

const hidden = -1e30;

/** What products of queries and keys are multiplied by. */
export function attentionScale({ attentionScale: scale, headSize }: HeadSettings): number {
  return scale ?? 1 / Math.sqrt(headSize);
}

/** A tensor over tokens, which are its `axis`, cut into the batch's segments. */
function cut(x: Tensor, { segments, segmentSizes }: BatchInputs, axis: number): readonly Tensor[] {
  return split(
    x,
    segments.map(({ length }) => length),
    axis,
    segmentSizes,
  );
}

/** Those of some segments, one after another. */
function join(parts: readonly Tensor[], places: readonly number[], axis: number): Tensor {
  return concat(
    places.map((place) => parts[place] as Tensor),
    axis,
  );
}

/**
 * Additive causal masks, one per segment: [group · queries, keys], 0 where the key is not later than the
 * query, nor, under a sliding window, before the first that it sees, and −1e30 elsewhere. `group` query heads that
 * share a key head lie one after another in rows.
 */
export function causalBiases(batch: BatchInputs, group: number, isSliding = false): readonly Tensor[] {
  const positions = cut(batch.positions, batch, 0);
  const firsts = isSliding ? cut(batch.firstSeen, batch, 0) : null;
  const column = (x: Tensor) => reshape(x, [dimensionAt(x, 0), 1]);
  return batch.segments.map(({ sees }, at) => {
    const queries = positions[at] as Tensor;
    const keys = join(positions, sees, 0);
    const row = reshape(keys, [1, dimensionAt(keys, 0)]);
    const unless = (allowed: Tensor, otherwise: Tensor) => where(allowed, otherwise, scalar(hidden));
    const causal = unless(lessOrEqual(row, column(queries)), scalar(0));
    const bias = firsts ? unless(lessOrEqual(column(firsts[at] as Tensor), row), causal) : causal;
    return concat(new Array<Tensor>(group).fill(bias), 0);
  });
}

/** Queries of each segment, [keyValueHeads, group · queries, size]: those that share a key head lie together. */
function queriesOf(
  x: Tensor,
  batch: BatchInputs,
  { keyValueHeads, headSize }: HeadSettings,
): readonly Tensor[] {
  const tokens = dimensionAt(x, 0);
  const group = (dimensionAt(x, 1) as number) / keyValueHeads / headSize;
  const heads = permute(reshape(x, [tokens, keyValueHeads, group, headSize]), [1, 2, 0, 3]);
  return cut(heads, batch, 2).map((part) =>
    reshape(part, [keyValueHeads, multiplyDimension(dimensionAt(part, 2), group), headSize]),
  );
}

/** The inverse of `queriesOf`. [tokens, heads · size] */
function together(
  parts: readonly Tensor[],
  like: Tensor,
  batch: BatchInputs,
  settings: HeadSettings,
): Tensor {
  const { keyValueHeads, headSize } = settings;
  const [tokens, width] = [dimensionAt(like, 0), dimensionAt(like, 1) as number];
  const group = width / keyValueHeads / headSize;
  const heads = parts.map((part, at) =>
    reshape(part, [keyValueHeads, group, (batch.segments[at] as Segment).length, headSize]),
  );
  return reshape(permute(concat(heads, 2, batch.segmentSizes), [2, 0, 1, 3]), [tokens, width]);
}

/** Keys or values of each segment, [keyValueHeads, tokens, size]. */
function keysOf(x: Tensor, batch: BatchInputs, { keyValueHeads, headSize }: HeadSettings): readonly Tensor[] {
  const heads = permute(reshape(x, [dimensionAt(x, 0), keyValueHeads, headSize]), [1, 0, 2]);
  return cut(heads, batch, 1);
}

/**
 * Heads are brought to the front for all tokens at once, before they are cut: a node for every segment and layer is
 * what a graph mostly consists of.
 *
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
  const queries = queriesOf(query, batch, settings);
  const [keys, values] = [keysOf(key, batch, settings), keysOf(value, batch, settings)];
  const mixed = batch.segments.map(({ sees }, at) =>
    attention(queries[at] as Tensor, join(keys, sees, 1), join(values, sees, 1), biases[at] as Tensor, {
      scale: attentionScale(settings),
    }),
  );
  return together(mixed, query, batch, settings);
}
