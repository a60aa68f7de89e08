/**
 * The Llama family of decoders as a tensor graph: RMSNorm, rotary grouped-query attention and SwiGLU,
 * with residual connections. Differences between families are fields of the configuration.
 */

import { multiplyDimension } from '../../tensor/dimension.ts';
import {
  add,
  concat,
  gatherRows,
  input,
  multiply,
  region,
  reshape,
  rmsNorm,
  rotary,
  silu,
  split,
} from '../../tensor/functions.ts';
import { inPart } from '../../tensor/scope.ts';
import { dimensionAt, type Tensor } from '../../tensor/tensor.ts';
import type { DecoderConfig } from '../config.ts';
import type { BatchInputs } from './layout.ts';
import { causalBiases, packedAttention } from './packed-attention.ts';
import { linear, type Parameters } from './parameters.ts';

/**
 * What is computed again in the backward pass instead of being kept. `activations`: all but the results of the large
 * matrix products, that is norms, gates, attention probabilities; `layers`: everything between layers.
 */
export type Recompute = 'nothing' | 'activations' | 'layers';

export interface RotaryTables {
  /** float32 [positions, headSize / 2] */
  readonly cosines: Tensor;
  readonly sines: Tensor;
}

/** The rotary tables as inputs; `rope.ts` computes their values. */
export function rotaryTables(config: DecoderConfig): RotaryTables {
  return {
    cosines: input('rotary_cosines', ['positions', config.headSize / 2]),
    sines: input('rotary_sines', ['positions', config.headSize / 2]),
  };
}

/**
 * Lets queries look at keys: the one place where a packed batch and a key-value cache differ. Of rotated
 * queries [tokens, heads · size] and keys, values [tokens, keyValueHeads · size]; returns the queries' shape.
 */
export type Attend = (query: Tensor, key: Tensor, value: Tensor, layer: number) => Tensor;

/** What a pass through the layers needs beside the configuration. */
export interface LayerContext {
  readonly config: DecoderConfig;
  readonly parameters: Parameters;
  readonly tables: RotaryTables;
  /** int64 [tokens] */
  readonly tokens: Tensor;
  /** int64 [tokens] */
  readonly positions: Tensor;
  readonly attend: Attend;
}

function norm(x: Tensor, name: string, { config, parameters }: LayerContext): Tensor {
  return inPart(name, () =>
    rmsNorm(x, parameters.base(`${name}.weight`, [config.hiddenSize]), config.normEpsilon),
  );
}

/** Runs a stretch of a layer, as a region where what is inside is computed again. */
type Stretch = typeof region;

const kept: Stretch = (inputs, body) => body(...inputs);

/** RMSNorm of each head by itself. x [tokens, heads · size] */
function headNorm(x: Tensor, name: string, { config, parameters }: LayerContext): Tensor {
  if (!config.headNorms) return x;
  const { headSize, normEpsilon } = config;
  const [tokens, width] = [dimensionAt(x, 0), dimensionAt(x, 1) as number];
  return inPart(name, () => {
    const heads = reshape(x, [multiplyDimension(tokens, width / headSize), headSize]);
    const normed = rmsNorm(heads, parameters.base(`${name}.weight`, [headSize]), normEpsilon);
    return reshape(normed, [tokens, width]);
  });
}

/** Queries and keys, rotated, and values. */
function projections(
  x: Tensor,
  path: string,
  isRotated: boolean,
  context: LayerContext,
): readonly [Tensor, Tensor, Tensor] {
  const { config, parameters, tables, positions } = context;
  const { heads, keyValueHeads, headSize } = config;
  const project = (name: string, count: number, hasBias: boolean) =>
    linear(x, `${path}.${name}`, count * headSize, hasBias, parameters);
  const turn = (tensor: Tensor) =>
    inPart(`${path}.rotary`, () => rotary(tensor, positions, tables.cosines, tables.sines, headSize));
  const [query, key, value] = config.fusedProjections
    ? (split(
        project('qkv_proj', heads + 2 * keyValueHeads, false),
        [heads, keyValueHeads, keyValueHeads].map((count) => count * headSize),
        1,
      ) as [Tensor, Tensor, Tensor])
    : [
        project('q_proj', heads, config.biases.query),
        project('k_proj', keyValueHeads, config.biases.key),
        project('v_proj', keyValueHeads, config.biases.value),
      ];
  const [q, k] = [headNorm(query, `${path}.q_norm`, context), headNorm(key, `${path}.k_norm`, context)];
  return isRotated ? [turn(q), turn(k), value] : [q, k, value];
}

/** What the MLP's gate is made of, and what it lets through. x [tokens, hidden]; both [tokens, intermediate] */
function gateAndUp(x: Tensor, path: string, { config, parameters }: LayerContext): readonly [Tensor, Tensor] {
  const { intermediateSize: size, biases, fusedProjections } = config;
  if (fusedProjections) {
    const both = linear(x, `${path}.gate_up_proj`, 2 * size, false, parameters);
    return split(both, [size, size], 1) as [Tensor, Tensor];
  }
  const project = (name: string) => linear(x, `${path}.${name}`, size, biases.mlp, parameters);
  return [project('gate_proj'), project('up_proj')];
}

/**
 * One layer. The stretches are cut where a large product ends, so that what runs them can do without anything but
 * those products' results.
 *
 * @param rows int64: the tokens whose results are wanted, which still see all others; all where left out
 */
function layer(x: Tensor, index: number, context: LayerContext, stretch: Stretch, rows?: Tensor): Tensor {
  const { config, parameters, attend } = context;
  const path = `model.layers.${index}`;
  const wanted = (all: Tensor) => (rows ? gatherRows(all, rows) : all);
  const [query, key, value] = stretch([x], (from) =>
    projections(
      norm(from as Tensor, `${path}.input_layernorm`, context),
      `${path}.self_attn`,
      !config.unrotatedLayers?.includes(index),
      context,
    ),
  ) as [Tensor, Tensor, Tensor];
  const [mixed] = stretch([query, key, value], (q, k, v) => [
    inPart(`${path}.self_attn.attention`, () => attend(q as Tensor, k as Tensor, v as Tensor, index)),
  ]) as [Tensor];
  const output = linear(
    wanted(mixed),
    `${path}.self_attn.o_proj`,
    config.hiddenSize,
    config.biases.output,
    parameters,
  );
  const attended = inPart(`${path}.residual`, () => add(wanted(x), output));
  // SwiGLU. [Shazeer 2020, arXiv:2002.05202]
  const [gate, up] = stretch([attended], (from) =>
    gateAndUp(norm(from as Tensor, `${path}.post_attention_layernorm`, context), `${path}.mlp`, context),
  ) as [Tensor, Tensor];
  const [down] = stretch([gate, up], (g, u) => [
    linear(
      inPart(`${path}.mlp.swiglu`, () => multiply(silu(g as Tensor), u as Tensor)),
      `${path}.mlp.down_proj`,
      config.hiddenSize,
      config.biases.mlp,
      parameters,
    ),
  ]) as [Tensor];
  return inPart(`${path}.residual`, () => add(attended, down));
}

/** The embedding table, which a tied model also uses as its head. [vocabulary, hidden] */
function embeddings({ config, parameters }: Pick<LayerContext, 'config' | 'parameters'>): Tensor {
  return parameters.base('model.embed_tokens.weight', [config.vocabularySize, config.hiddenSize]);
}

/**
 * What the first layer sees. [tokens, hidden] With soft prompts a further input, int64 `embedded` [tokens], says for
 * every token which row it is of the token embeddings, one for each token, followed by the soft prompts.
 */
function tokenStates(context: LayerContext): Tensor {
  const { parameters, tokens } = context;
  const ofTokens = gatherRows(embeddings(context), tokens);
  const softPrompts = parameters.softPrompts();
  if (!softPrompts) return ofTokens;
  return gatherRows(concat([ofTokens, softPrompts], 0), input('embedded', [dimensionAt(tokens, 0)], 'int64'));
}

/** The language-model head. [vocabulary, hidden] */
export function headWeight(config: DecoderConfig, parameters: Parameters): Tensor {
  return config.tiedEmbeddings
    ? embeddings({ config, parameters })
    : parameters.base('lm_head.weight', [config.vocabularySize, config.hiddenSize]);
}

/** The last layer's hidden states where the batch predicts a token, before the final norm. [targets, hidden] */
export function decoderLayers(
  config: DecoderConfig,
  batch: BatchInputs,
  parameters: Parameters,
  recompute: Recompute,
): Tensor {
  const tables = rotaryTables(config);
  const biases = inPart('masks', () => causalBiases(batch, config.heads / config.keyValueHeads));
  const attend: Attend = (query, key, value) => packedAttention(query, key, value, batch, biases, config);
  const { tokens, positions, sources } = batch;
  return layers({ config, parameters, tables, tokens, positions, attend }, sources, recompute);
}

/**
 * As `decoderLayers`, with whatever attention the context has.
 *
 * @param rows int64: the tokens whose last hidden states are wanted
 */
export function layers(context: LayerContext, rows: Tensor, recompute: Recompute = 'nothing'): Tensor {
  const last = context.config.layers - 1;
  let x = inPart('model.embed_tokens', () => tokenStates(context));
  for (let index = 0; index <= last; index++) {
    const wanted = index === last ? rows : undefined;
    if (recompute === 'layers') {
      [x] = region([x], (from) => [layer(from as Tensor, index, context, kept, wanted)]) as [Tensor];
    } else {
      x = layer(x, index, context, recompute === 'nothing' ? kept : region, wanted);
    }
  }
  return x;
}

/** The final norm. x [rows, hidden] */
export function finalNorm(x: Tensor, config: DecoderConfig, parameters: Parameters): Tensor {
  return inPart('model.norm', () =>
    rmsNorm(x, parameters.base('model.norm.weight', [config.hiddenSize]), config.normEpsilon),
  );
}
