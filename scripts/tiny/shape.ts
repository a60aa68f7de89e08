/** The shape of models/tiny, and its weights before training. */
import { type DecoderConfig, parseDecoderConfig } from '../../src/model/config.ts';
import { expectedTensors } from '../../src/model/weights/expected-tensors.ts';
import type { Random } from '../../src/support/random.ts';

/** What differs between a toy for tests and the real thing. */
export interface TinyShape {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabularySize: number;
  readonly maxPositions: number;
}

/** A million parameters, 3.9 MB in float32. */
export const tinyShape: TinyShape = {
  hiddenSize: 128,
  intermediateSize: 384,
  layers: 4,
  heads: 4,
  keyValueHeads: 2,
  headSize: 32,
  vocabularySize: 1536,
  maxPositions: 256,
};

/** The content of `config.json`. */
export function configFile(shape: TinyShape, tokens: { readonly eos: number; readonly pad: number }): object {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: shape.hiddenSize,
    intermediate_size: shape.intermediateSize,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyValueHeads,
    head_dim: shape.headSize,
    vocab_size: shape.vocabularySize,
    max_position_embeddings: shape.maxPositions,
    hidden_act: 'silu',
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: tokens.eos,
    pad_token_id: tokens.pad,
    torch_dtype: 'float32',
  };
}

export function decoderConfig(shape: TinyShape): DecoderConfig {
  return parseDecoderConfig(configFile(shape, { eos: 0, pad: 0 }), 'the tiny model');
}

const deviation = 0.02;

/**
 * Normal with deviation 0.02; the two projections that write into the residual stream are divided by
 * √(2 · layers), so that its size does not grow with depth. [Radford et al. 2019, section 2.3]
 * Norms start at 1.
 */
export function initialWeights(config: DecoderConfig, random: Random): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of expectedTensors(config)) {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    const stream = random.fork(name);
    const writesResidual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
    const scale = writesResidual ? deviation / Math.sqrt(2 * config.layers) : deviation;
    weights.set(name, shape.length === 1 ? data.fill(1) : data.map(() => scale * normal(stream)));
  }
  return weights;
}

/** Standard normal. [Box & Muller 1958] */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
}
