/** Names and shapes of a decoder's weights, as its config implies them; checked when a model is opened. */
import { UserError } from '../../support/errors.ts';
import type { DecoderConfig } from '../config.ts';

/** Hugging Face's name of every tensor the model needs, with its shape ([out, in] for linear layers). */
export function expectedTensors(config: DecoderConfig): Map<string, readonly number[]> {
  const { hiddenSize, intermediateSize, vocabularySize, biases } = config;
  const queries = config.heads * config.headSize;
  const keys = config.keyValueHeads * config.headSize;
  const tensors = new Map<string, readonly number[]>();
  const linear = (name: string, outputs: number, inputs: number, bias: boolean) => {
    tensors.set(`${name}.weight`, [outputs, inputs]);
    if (bias) tensors.set(`${name}.bias`, [outputs]);
  };
  tensors.set('model.embed_tokens.weight', [vocabularySize, hiddenSize]);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    tensors.set(`${prefix}.input_layernorm.weight`, [hiddenSize]);
    if (config.fusedProjections) {
      linear(`${prefix}.self_attn.qkv_proj`, queries + 2 * keys, hiddenSize, false);
    } else {
      linear(`${prefix}.self_attn.q_proj`, queries, hiddenSize, biases.query);
      linear(`${prefix}.self_attn.k_proj`, keys, hiddenSize, biases.key);
      linear(`${prefix}.self_attn.v_proj`, keys, hiddenSize, biases.value);
    }
    if (config.headNorms) {
      for (const side of ['q', 'k'])
        tensors.set(`${prefix}.self_attn.${side}_norm.weight`, [config.headSize]);
    }
    linear(`${prefix}.self_attn.o_proj`, hiddenSize, queries, biases.output);
    tensors.set(`${prefix}.post_attention_layernorm.weight`, [hiddenSize]);
    if (config.fusedProjections) {
      linear(`${prefix}.mlp.gate_up_proj`, 2 * intermediateSize, hiddenSize, false);
    } else {
      linear(`${prefix}.mlp.gate_proj`, intermediateSize, hiddenSize, biases.mlp);
      linear(`${prefix}.mlp.up_proj`, intermediateSize, hiddenSize, biases.mlp);
    }
    linear(`${prefix}.mlp.down_proj`, hiddenSize, intermediateSize, biases.mlp);
  }
  tensors.set('model.norm.weight', [hiddenSize]);
  if (!config.tiedEmbeddings) tensors.set('lm_head.weight', [vocabularySize, hiddenSize]);
  return tensors;
}

/** How many numbers a model has; a tied head counts once. */
export function parameterCount(config: DecoderConfig): number {
  const sizes = Array.from(expectedTensors(config).values(), (shape) => shape.reduce((a, b) => a * b, 1));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * The tensors `config` needs, in the model's order, out of those `available` by Hugging Face's names.
 * Others are left alone: old checkpoints hold RoPE's frequencies, tied ones sometimes the output
 * projection.
 *
 * @param where the file or folder that errors name
 * @throws UserError for a missing tensor or one of another shape, by name
 */
export function takeExpected<T extends { readonly shape: readonly number[] }>(
  config: DecoderConfig,
  available: ReadonlyMap<string, T>,
  where: string,
): Map<string, T> {
  const taken = new Map<string, T>();
  for (const [name, shape] of expectedTensors(config)) {
    const tensor = available.get(name);
    const expected = `[${shape.join(', ')}]`;
    if (tensor === undefined)
      throw new UserError(`${where}: tensor "${name}" of shape ${expected} is missing`);
    if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
      const found = `[${tensor.shape.join(', ')}]`;
      throw new UserError(
        `${where}: tensor "${name}" has shape ${found}; the configuration implies ${expected}`,
      );
    }
    taken.set(name, tensor);
  }
  return taken;
}
