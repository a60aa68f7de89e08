/**
 * The Llama family of decoders as a tensor graph: RMSNorm, rotary grouped-query attention and SwiGLU,
 * with residual connections. Differences between families are fields of the configuration.
 */
import {
  add,
  concat,
  gatherRows,
  input,
  multiply,
  region,
  rmsNorm,
  rotary,
  silu,
} from '../../tensor/functions.ts';
import { dimensionAt, type Tensor } from '../../tensor/tensor.ts';
import type { DecoderConfig } from '../config.ts';
import type { BatchInputs } from './layout.ts';
import { causalBiases, packedAttention } from './packed-attention.ts';
import { linear, type Parameters } from './parameters.ts';

/** What is computed again in the backward pass instead of being kept. */
export type Recompute = 'nothing' | 'attention' | 'layers';

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
  return rmsNorm(x, parameters.base(`${name}.weight`, [config.hiddenSize]), config.normEpsilon);
}

function selfAttention(x: Tensor, index: number, context: LayerContext): Tensor {
  const { config, parameters, tables, positions, attend } = context;
  const path = `model.layers.${index}.self_attn`;
  const { heads, keyValueHeads, headSize } = config;
  const project = (name: string, count: number, hasBias: boolean) =>
    linear(x, `${path}.${name}`, count * headSize, hasBias, parameters);
  const turn = (tensor: Tensor) => rotary(tensor, positions, tables.cosines, tables.sines, headSize);
  const mixed = attend(
    turn(project('q_proj', heads, config.biases.query)),
    turn(project('k_proj', keyValueHeads, config.biases.key)),
    project('v_proj', keyValueHeads, config.biases.value),
    index,
  );
  return linear(mixed, `${path}.o_proj`, config.hiddenSize, config.biases.output, parameters);
}

/** SwiGLU. [Shazeer 2020, arXiv:2002.05202] */
function feedForward(x: Tensor, path: string, { config, parameters }: LayerContext): Tensor {
  const project = (name: string, from: Tensor, size: number) =>
    linear(from, `${path}.${name}`, size, config.biases.mlp, parameters);
  const gate = silu(project('gate_proj', x, config.intermediateSize));
  const up = project('up_proj', x, config.intermediateSize);
  return project('down_proj', multiply(gate, up), config.hiddenSize);
}

function layer(x: Tensor, index: number, context: LayerContext): Tensor {
  const path = `model.layers.${index}`;
  const attended = add(x, selfAttention(norm(x, `${path}.input_layernorm`, context), index, context));
  const normed = norm(attended, `${path}.post_attention_layernorm`, context);
  return add(attended, feedForward(normed, `${path}.mlp`, context));
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

/** The last layer's hidden states, before the final norm. [tokens, hidden] */
export function decoderLayers(
  config: DecoderConfig,
  batch: BatchInputs,
  parameters: Parameters,
  recompute: Recompute,
): Tensor {
  const tables = rotaryTables(config);
  const biases = causalBiases(batch, config.heads / config.keyValueHeads);
  const attend: Attend = (query, key, value) =>
    packedAttention(query, key, value, batch, biases, config, recompute === 'attention');
  const { tokens, positions } = batch;
  return layers({ config, parameters, tables, tokens, positions, attend }, recompute === 'layers');
}

/** As `decoderLayers`, with whatever attention the context has. */
export function layers(context: LayerContext, recompute = false): Tensor {
  let x = tokenStates(context);
  for (let index = 0; index < context.config.layers; index++) {
    const [result] = recompute
      ? region([x], (inner) => [layer(inner as Tensor, index, context)])
      : [layer(x, index, context)];
    x = result as Tensor;
  }
  return x;
}

/** The final norm. x [rows, hidden] */
export function finalNorm(x: Tensor, config: DecoderConfig, parameters: Parameters): Tensor {
  return rmsNorm(x, parameters.base('model.norm.weight', [config.hiddenSize]), config.normEpsilon);
}
