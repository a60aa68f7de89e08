/**
 * The layout of a packed batch: how the tokens of several preference pairs lie one after another,
 * without padding, each prompt once.
 *
 *     tokens     prompt0 chosen0 rejected0 prompt1 chosen1 rejected1 ...
 *     positions  a rejected response continues from its prompt, as if the chosen one were not there
 *
 * Lengths are symbolic, so that one graph serves all batches with equally many pairs.
 */
import { addDimensions, type Dimension } from '../../tensor/dimension.ts';
import { input } from '../../tensor/functions.ts';
import type { Tensor } from '../../tensor/tensor.ts';

export interface LayoutOptions {
  readonly pairs: number;
  /** `chosen`: rejected responses are left out. */
  readonly responses: 'chosen' | 'pair';
  /** Pieces the response positions are cut into for the language-model head, to bound its memory. */
  readonly headPieces: number;
}

/** One pair's dimensions. */
export interface PairDimensions {
  readonly prompt: Dimension;
  /** One response, or the chosen and the rejected one. */
  readonly responses: readonly Dimension[];
}

/** A packed batch's symbolic inputs. All are int64 but the one noted. */
export interface BatchInputs {
  readonly options: LayoutOptions;
  readonly pairs: readonly PairDimensions[];
  /** [tokens] */
  readonly tokens: Tensor;
  /** [tokens] */
  readonly positions: Tensor;
  /** [pairs · (1 + responses)]: lengths of prompt and responses in order. */
  readonly segmentSizes: Tensor;
  /** [pairs · responses]: lengths of prompt + first response, then of every further response. */
  readonly querySizes: Tensor;
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
  const names = options.responses === 'pair' ? ['chosen', 'rejected'] : ['chosen'];
  const pairs = Array.from({ length: options.pairs }, (_, pair) => ({
    prompt: `prompt${pair}`,
    responses: names.map((name) => `${name}${pair}`),
  }));
  const tokens = addDimensions(...pairs.flatMap((pair) => [pair.prompt, ...pair.responses]));
  const headDimensions = Array.from({ length: options.headPieces }, (_, piece) => `head${piece}`);
  const targets = addDimensions(...headDimensions);
  const count = pairs.length * names.length;
  return {
    options,
    pairs,
    tokens: input('tokens', [tokens], 'int64'),
    positions: input('positions', [tokens], 'int64'),
    segmentSizes: input('segment_sizes', [pairs.length * (1 + names.length)], 'int64'),
    querySizes: input('query_sizes', [count], 'int64'),
    sources: input('sources', [targets], 'int64'),
    targets: input('targets', [targets], 'int64'),
    headDimensions,
    headSizes: input('head_sizes', [options.headPieces], 'int64'),
    membership: input('membership', [count, targets]),
  };
}

/** Cuts a tensor over tokens into its segments: per pair the prompt and each response. */
export function segmentDimensions({ pairs }: BatchInputs): readonly Dimension[] {
  return pairs.flatMap((pair) => [pair.prompt, ...pair.responses]);
}

/** Runs of queries that see the same keys: prompt with first response, then each further response. */
export function queryDimensions({ pairs }: BatchInputs): readonly Dimension[] {
  return pairs.flatMap(({ prompt, responses: [first, ...further] }) => [
    addDimensions(prompt, first as Dimension),
    ...further,
  ]);
}
