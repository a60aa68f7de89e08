/**
 * The layout of a packed batch: how the tokens of several preference pairs lie one after another, without
 * padding, what they have in common once.
 *
 *     tokens     prefix prompt0 chosen0 rejected0 prompt1 chosen1 rejected1 ...
 *     positions  every segment goes on where the one it follows from ends: a rejected response continues from
 *                its prompt, as if the chosen one were not there
 *
 * So the segments are a tree, whose root is the beginning that all prompts share (a system prompt, say), where the
 * layout has one: a token sees its own segment up to itself, and the segments above it. Lengths are symbolic, so
 * that one graph serves all batches with equally many pairs.
 *
 * Long prompts and responses are chains of several segments, their tiles: attention then makes a tile's rows of the
 * square of queries and keys at a time, and only as far as they can see. [after Dao 2023, arXiv:2307.08691, section 3.1]
 */
import { addDimensions, type Dimension } from '../../tensor/dimension.ts';
import { input } from '../../tensor/functions.ts';
import type { Tensor } from '../../tensor/tensor.ts';

export interface LayoutOptions {
  readonly pairs: number;
  /** `chosen`: rejected responses are left out. */
  readonly responses: 'chosen' | 'pair';
  /** What the prompts begin with, at least a token, stands in front once; no prompt is that alone. */
  readonly sharedPrefix?: boolean;
  /** Segments that every prompt, every response and what is shared are, each of at least a token; one where left out. */
  readonly tiles?: number;
  /** Pieces the response positions are cut into for the language-model head, to bound its memory. */
  readonly headPieces: number;
}

export interface Segment {
  readonly length: Dimension;
  /** The segments that its tokens see, by their places in the batch: those above it, then itself. */
  readonly sees: readonly number[];
}

/** A packed batch's symbolic inputs. All are int64 but the one noted. */
export interface BatchInputs {
  readonly options: LayoutOptions;
  /** In the order in which they lie. */
  readonly segments: readonly Segment[];
  /** [tokens] */
  readonly tokens: Tensor;
  /** [tokens] */
  readonly positions: Tensor;
  /** [tokens]: the first position that a token sees in layers with a sliding window, where a model has such. */
  readonly firstSeen: Tensor;
  /** [segments] */
  readonly segmentSizes: Tensor;
  /** [targets]: the token whose hidden state predicts each response token. */
  readonly sources: Tensor;
  /** [targets]: the response tokens. */
  readonly targets: Tensor;
  readonly headDimensions: readonly Dimension[];
  /** [headPieces] */
  readonly headSizes: Tensor;
  /** float32 [pairs · responses, targets]: 1 where a target belongs to a response. */
  readonly membership: Tensor;
}

export function batchInputs(options: LayoutOptions): BatchInputs {
  const segments = segmentTree(options);
  const tokens = addDimensions(...segments.map(({ length }) => length));
  const headDimensions = Array.from({ length: options.headPieces }, (_, piece) => `head${piece}`);
  const targets = addDimensions(...headDimensions);
  return {
    options,
    segments,
    tokens: input('tokens', [tokens], 'int64'),
    positions: input('positions', [tokens], 'int64'),
    firstSeen: input('first_seen', [tokens], 'int64'),
    segmentSizes: input('segment_sizes', [segments.length], 'int64'),
    sources: input('sources', [targets], 'int64'),
    targets: input('targets', [targets], 'int64'),
    headDimensions,
    headSizes: input('head_sizes', [options.headPieces], 'int64'),
    membership: input('membership', [responseCount(options), targets]),
  };
}

export function responseCount({ pairs, responses }: LayoutOptions): number {
  return responses === 'pair' ? 2 * pairs : pairs;
}

function segmentTree({
  pairs,
  responses,
  sharedPrefix = false,
  tiles = 1,
}: LayoutOptions): readonly Segment[] {
  const segments: Segment[] = [];
  const add = (length: Dimension, above: readonly number[]): readonly number[] => {
    const sees = [...above, segments.length];
    segments.push({ length, sees });
    return sees;
  };
  const addTiles = (name: string, above: readonly number[]): readonly number[] => {
    let sees = above;
    for (let tile = 0; tile < tiles; tile++) sees = add(tiles === 1 ? name : `${name}_${tile}`, sees);
    return sees;
  };
  const root = sharedPrefix ? addTiles('prefix', []) : [];
  for (let pair = 0; pair < pairs; pair++) {
    const prompt = addTiles(`prompt${pair}`, root);
    addTiles(`chosen${pair}`, prompt);
    if (responses === 'pair') addTiles(`rejected${pair}`, prompt);
  }
  return segments;
}
