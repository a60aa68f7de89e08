/**
 * The decoder with a key-value cache: new tokens of several rows go in, the logits after each row's last
 * token come out. Linear layers, norms and rotary embedding run over the tokens packed one after another,
 * as in training; attention alone sees rows side by side, padded to the longest.
 */

import { type Dimension, multiplyDimension } from '../../tensor/dimension.ts';
import {
  cachedAttention,
  constant,
  gatherRows,
  input,
  matmul,
  permute,
  reshape,
} from '../../tensor/functions.ts';
import { dimensionAt, type Tensor } from '../../tensor/tensor.ts';
import type { DecoderConfig } from '../config.ts';
import { finalNorm, headWeight, layers, rotaryTables } from './decoder.ts';
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

/** Numbers a head has in the cache: the runtime's kernel works on multiples of 8, the rest is zeros. */
export function cachedHeadSize({ headSize }: DecoderConfig): number {
  return 8 * Math.ceil(headSize / 8);
}

export type CacheSide = 'keys' | 'values';

/** A layer's cache as a graph input, [rows, keyValueHeads, capacity, cachedHeadSize]. */
export const cacheInput = (side: CacheSide, layer: number): string => `${side}.${layer}`;

/** The same with the new tokens written in, as a graph output. */
export const cacheOutput = (side: CacheSide, layer: number): string => `new_${side}.${layer}`;

/** The names of all outputs that are caches. */
export function cacheOutputs({ layers }: DecoderConfig): readonly string[] {
  const numbers = [...new Array(layers).keys()];
  return numbers.flatMap((layer) => [cacheOutput('keys', layer), cacheOutput('values', layer)]);
}

/**
 * Outputs `logits` [rows, vocabulary] and the new caches. Beside rotary tables and caches the inputs, all
 * int64, are:
 *
 *     tokens     [tokens]  the new tokens, row after row
 *     positions  [tokens]
 *     padded     [places]  for every place of the rows side by side its token; padding has any token
 *     packed     [tokens]  the place of every token: undoes `padded`
 *     lengths    [rows]    tokens in the cache afterwards
 *     longest    [1]       the greatest of them
 *     last       [rows]    which token is a row's last
 *
 * Rows begin or go on as `cachedAttention` says.
 */
export function decodingGraph(config: DecoderConfig, parameters: Parameters): Record<string, Tensor> {
  const { heads, keyValueHeads, headSize } = config;
  const [padded, packed] = [integers('padded', 'places'), integers('packed', 'tokens')];
  const [lengths, longest] = [integers('lengths', 'rows'), integers('longest', 1)];
  const shape = ['rows', keyValueHeads, 'capacity', cachedHeadSize(config)];
  const caches: Record<string, Tensor> = {};
  const attend = (query: Tensor, key: Tensor, value: Tensor, layer: number): Tensor => {
    const [q, k, v] = [query, key, value].map((x) => widenHeads(gatherRows(x, padded), config)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const { mixed, keys, values } = cachedAttention(
      {
        query: q,
        key: k,
        value: v,
        keys: input(cacheInput('keys', layer), shape),
        values: input(cacheInput('values', layer), shape),
        lengths,
        longest,
      },
      { heads, keyValueHeads, scale: 1 / Math.sqrt(headSize) },
    );
    caches[cacheOutput('keys', layer)] = keys;
    caches[cacheOutput('values', layer)] = values;
    return gatherRows(narrowHeads(mixed, config), packed);
  };
  const states = layers({
    config,
    parameters,
    tables: rotaryTables(config),
    tokens: integers('tokens', 'tokens'),
    positions: integers('positions', 'tokens'),
    attend,
  });
  const hidden = finalNorm(gatherRows(states, integers('last', 'rows')), config, parameters);
  const logits = parameters.product(hidden, headWeight(config, parameters));
  return { logits, ...caches };
}

function integers(name: string, dimension: Dimension): Tensor {
  return input(name, [dimension], 'int64');
}

/** [places, heads · headSize] to [places, heads · cachedHeadSize], zeros behind each head. */
function widenHeads(x: Tensor, config: DecoderConfig): Tensor {
  return mapHeads(x, config.headSize, cachedHeadSize(config));
}

/** The inverse of `widenHeads`. */
function narrowHeads(x: Tensor, config: DecoderConfig): Tensor {
  return mapHeads(x, cachedHeadSize(config), config.headSize);
}

function mapHeads(x: Tensor, from: number, to: number): Tensor {
  if (from === to) return x;
  const places = dimensionAt(x, 0);
  const heads = (dimensionAt(x, 1) as number) / from;
  const diagonal = Array.from({ length: from * to }, (_, at) => (Math.floor(at / to) === at % to ? 1 : 0));
  const byHead = reshape(x, [multiplyDimension(places, heads), from]);
  return reshape(matmul(byHead, constant(diagonal, [from, to])), [places, heads * to]);
}
