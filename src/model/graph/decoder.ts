/**
 * The Llama family of decoders as a tensor graph: RMSNorm, rotary grouped-query attention and a gated MLP,
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
  scalar,
  scale,
  sigmoid,
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
 * What is computed again in the backward pass instead of being kept. `gates`: norms and gates; `activations`: all but
 * the results of the large matrix products, that is attention probabilities, too; `layers`: everything between layers.
 */
export type Recompute = 'nothing' | 'gates' | 'activations' | 'layers';

interface RotaryPair {
  /** float32 [positions, headSize / 2] */
  readonly cosines: Tensor;
  readonly sines: Tensor;
}

export interface RotaryTables extends RotaryPair {
  /** Of layers with a sliding window, where the model has such. */
  readonly sliding: RotaryPair | null;
}

/** The rotary tables as inputs; `rope.ts` computes their values. */
export function rotaryTables({ headSize, sliding }: DecoderConfig): RotaryTables {
  const table = (name: string) => input(name, ['positions', headSize / 2]);
  const named = (prefix: string) => ({
    cosines: table(`${prefix}_cosines`),
    sines: table(`${prefix}_sines`),
  });
  return { ...named('rotary'), sliding: sliding ? named('sliding_rotary') : null };
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

type NormContext = Pick<LayerContext, 'config' | 'parameters'>;

/** RMSNorm over rows of `size`. */
function norm(
  x: Tensor,
  name: string,
  { config, parameters }: NormContext,
  size = config.hiddenSize,
): Tensor {
  return inPart(name, () => {
    const weight = parameters.base(`${name}.weight`, [size]);
    return rmsNorm(x, config.centredNorms ? add(weight, scalar(1)) : weight, config.normEpsilon);
  });
}

/** GELU by its approximation with tanh: x/2 · (1 + tanh(z)) = x · sigmoid(2z). [Hendrycks and Gimpel 2016, arXiv:1606.08415] */
function gelu(x: Tensor): Tensor {
  const cubed = multiply(multiply(x, x), x);
  return multiply(x, sigmoid(scale(add(x, scale(cubed, 0.044715)), 2 * Math.sqrt(2 / Math.PI))));
}

/** Runs a stretch of a layer, as a region where what is inside is computed again. */
type Stretch = typeof region;

interface Stretches {
  readonly gates: Stretch;
  readonly attention: Stretch;
}

const keep: Stretch = (inputs, body) => body(...inputs);
const kept: Stretches = { gates: keep, attention: keep };
/** Within a layer. */
const stretches: Readonly<Record<Recompute, Stretches>> = {
  nothing: kept,
  gates: { gates: region, attention: keep },
  activations: { gates: region, attention: region },
  layers: kept,
};

/** RMSNorm of each head by itself. x [tokens, heads · size] */
function headNorm(x: Tensor, name: string, context: LayerContext): Tensor {
  const { headNorms, headSize } = context.config;
  if (!headNorms) return x;
  const [tokens, width] = [dimensionAt(x, 0), dimensionAt(x, 1) as number];
  return inPart(name, () => {
    const heads = reshape(x, [multiplyDimension(tokens, width / headSize), headSize]);
    return reshape(norm(heads, name, context, headSize), [tokens, width]);
  });
}

/** Queries and keys, rotated by the tables where there are such, and values. */
function projections(
  x: Tensor,
  path: string,
  tables: RotaryPair | null,
  context: LayerContext,
): readonly [Tensor, Tensor, Tensor] {
  const { config, parameters, positions } = context;
  const { heads, keyValueHeads, headSize } = config;
  const project = (name: string, count: number, hasBias: boolean) =>
    linear(x, `${path}.${name}`, count * headSize, hasBias, parameters);
  const turn = (tensor: Tensor) =>
    tables
      ? inPart(`${path}.rotary`, () => rotary(tensor, positions, tables.cosines, tables.sines, headSize))
      : tensor;
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
  return [turn(q), turn(k), value];
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

function tablesOf(index: number, { config, tables }: LayerContext): RotaryPair | null {
  if (config.unrotatedLayers?.includes(index)) return null;
  return config.sliding?.layers.includes(index) ? tables.sliding : tables;
}

/**
 * One layer. The stretches are cut where a large product ends, so that what runs them can do without anything but
 * those products' results.
 *
 * @param rows int64: the tokens whose results are wanted, which still see all others; all where left out
 */
function layer(x: Tensor, index: number, context: LayerContext, stretch: Stretches, rows?: Tensor): Tensor {
  const { config, parameters, attend } = context;
  const path = `model.layers.${index}`;
  const wanted = (all: Tensor) => (rows ? gatherRows(all, rows) : all);
  const [query, key, value] = stretch.gates([x], (from) =>
    projections(
      norm(from as Tensor, `${path}.input_layernorm`, context),
      `${path}.self_attn`,
      tablesOf(index, context),
      context,
    ),
  ) as [Tensor, Tensor, Tensor];
  const [mixed] = stretch.attention([query, key, value], (q, k, v) => [
    inPart(`${path}.self_attn.attention`, () => attend(q as Tensor, k as Tensor, v as Tensor, index)),
  ]) as [Tensor];
  const output = linear(
    wanted(mixed),
    `${path}.self_attn.o_proj`,
    config.hiddenSize,
    config.biases.output,
    parameters,
  );
  const around = config.sandwichNorms === true;
  const last = (from: Tensor, name: string) => (around ? norm(from, `${path}.${name}`, context) : from);
  const added = last(output, 'post_attention_layernorm');
  const attended = inPart(`${path}.residual`, () => add(wanted(x), added));
  // A gated linear unit. [Shazeer 2020, arXiv:2002.05202]
  const mlpNorm = `${path}.${around ? 'pre_feedforward' : 'post_attention'}_layernorm`;
  const [gate, up] = stretch.gates([attended], (from) =>
    gateAndUp(norm(from as Tensor, mlpNorm, context), `${path}.mlp`, context),
  ) as [Tensor, Tensor];
  const activate = config.activation === 'gelu' ? gelu : silu;
  const [down] = stretch.gates([gate, up], (g, u) => [
    linear(
      inPart(`${path}.mlp.swiglu`, () => multiply(activate(g as Tensor), u as Tensor)),
      `${path}.mlp.down_proj`,
      config.hiddenSize,
      config.biases.mlp,
      parameters,
    ),
  ]) as [Tensor];
  const addend = last(down, 'post_feedforward_layernorm');
  return inPart(`${path}.residual`, () => add(attended, addend));
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
  const ofTokens = scale(gatherRows(embeddings(context), tokens), context.config.embeddingScale ?? 1);
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
  const group = config.heads / config.keyValueHeads;
  const biases = inPart('masks', () => causalBiases(batch, group));
  const { sliding } = config;
  const near = sliding ? inPart('masks', () => causalBiases(batch, group, true)) : biases;
  const attend: Attend = (query, key, value, index) =>
    packedAttention(query, key, value, batch, sliding?.layers.includes(index) ? near : biases, config);
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
    const whole = recompute === 'layers' ? region : keep;
    [x] = whole([x], (from) => [layer(from as Tensor, index, context, stretches[recompute], wanted)]) as [
      Tensor,
    ];
  }
  return x;
}

/** The final norm. x [rows, hidden] */
export function finalNorm(x: Tensor, config: DecoderConfig, parameters: Parameters): Tensor {
  return norm(x, 'model.norm', { config, parameters });
}
