/**
 * The decoder with a key-value cache: new tokens of several rows go in; the logits after each row's last
 * token come out, and the new tokens' keys and values, which the caller writes into the cache. Linear layers,
 * norms and rotary embedding run over the tokens packed one after another, as in training; attention alone
 * sees rows side by side, padded to the longest.
 */
import { addDimensions, type Dimension, multiplyDimension } from '../../tensor/dimension.ts';
import { cachedAttention, gatherRows, input, matmul, permute } from '../../tensor/functions.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { DecoderConfig } from '../config.ts';
import { finalNorm, headWeight, layers, rotaryTables } from './decoder.ts';
import { attentionScale } from './packed-attention.ts';
import { Parameters } from './parameters.ts';

/**
 * The parameters of a graph that sees a few tokens at a time: the runtime multiplies a large matrix by a
 * narrow one without rearranging the large one first. Against x Wᵀ as it stands (SmolLM2, ONNX Runtime
 * 1.30): 8 and 16 tokens in three fifths of the time, many tokens in the same, but one token in 1.3 times.
 */
export class NarrowParameters extends Parameters {
  override product(x: Tensor, weight: Tensor): Tensor {
    return permute(matmul(weight, x, { transposeB: true }), [1, 0]);
  }
}

export type CacheSide = 'keys' | 'values';

export const cacheSides: readonly CacheSide[] = ['keys', 'values'];

/** A layer's cache as a graph input, [rows · keyValueHeads, capacity, headSize]. */
export const cacheInput = (side: CacheSide, layer: number): string => `${side}.${layer}`;

/** The new tokens' keys (rotated) or values as a graph output, [tokens, keyValueHeads · headSize]. */
export const newOutput = (side: CacheSide, layer: number): string => `new_${side}.${layer}`;

/**
 * Outputs `logits` [rows, vocabulary] and, for every layer, the new tokens' keys and values. Beside rotary
 * tables and caches the inputs, int64 but the mask, are:
 *
 *     tokens     [tokens]  the new tokens, row after row
 *     positions  [tokens]
 *     padded     [places]  for every place of the rows side by side its token; padding has any token
 *     packed     [tokens]  the place of every token: undoes `padded`
 *     last       [rows]    which token is a row's last
 *     mask       [rows, queries, capacity + queries]  what each place sees (see `cachedAttention`)
 *
 * with places = rows · queries, and `sliding_mask` for layers with a sliding window, where the model has such.
 */
export function decodingGraph(config: DecoderConfig, parameters: Parameters): Record<string, Tensor> {
  const { heads, keyValueHeads, headSize, sliding } = config;
  const [padded, packed] = [integers('padded', 'places'), integers('packed', 'tokens')];
  const maskInput = (name: string) => input(name, ['rows', 'queries', addDimensions('capacity', 'queries')]);
  const mask = maskInput('mask');
  const slidingMask = sliding ? maskInput('sliding_mask') : mask;
  const shape = [multiplyDimension('rows', keyValueHeads), 'capacity', headSize];
  const fresh: Record<string, Tensor> = {};
  const attend = (query: Tensor, key: Tensor, value: Tensor, layer: number): Tensor => {
    fresh[newOutput('keys', layer)] = key;
    fresh[newOutput('values', layer)] = value;
    const mixed = cachedAttention(
      {
        query: gatherRows(query, padded),
        key: gatherRows(key, padded),
        value: gatherRows(value, padded),
        keys: input(cacheInput('keys', layer), shape),
        values: input(cacheInput('values', layer), shape),
        mask: sliding?.layers.includes(layer) ? slidingMask : mask,
      },
      { heads, keyValueHeads, scale: attentionScale(config) },
    );
    return gatherRows(mixed, packed);
  };
  const context = {
    config,
    parameters,
    tables: rotaryTables(config),
    tokens: integers('tokens', 'tokens'),
    positions: integers('positions', 'tokens'),
    attend,
  };
  const hidden = finalNorm(layers(context, integers('last', 'rows')), config, parameters);
  const logits = parameters.product(hidden, headWeight(config, parameters));
  return { logits, ...fresh };
}

function integers(name: string, dimension: Dimension): Tensor {
  return input(name, [dimension], 'int64');
}
