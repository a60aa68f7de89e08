/** Small random models of every family, with tokenizer and template, and adapters that matter on them. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoraAdapter, LoraSettings } from '../../src/model/adapter.ts';
import { mapAdapter } from '../../src/model/adapter.ts';
import { type DecoderConfig, parseDecoderConfig } from '../../src/model/config.ts';
import { linearModules } from '../../src/model/linear-modules.ts';
import { initialiseAdapter } from '../../src/model/lora-modules.ts';
import { expectedTensors } from '../../src/model/weights/expected-tensors.ts';
import { writeSafetensors } from '../../src/model/weights/safetensors.ts';
import { Random } from '../../src/support/random.ts';
import { MODEL } from '../cli/command.ts';

const SHAPE = {
  hidden_size: 32,
  intermediate_size: 56,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 300,
  max_position_embeddings: 512,
  hidden_act: 'silu',
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  bos_token_id: 1,
  eos_token_id: 2,
  torch_dtype: 'float32',
};

/** What `config.json` of each family says beside the shape; between them heads are tied and of a size of their own. */
export const FAMILIES = {
  llama: {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    head_dim: 12,
    tie_word_embeddings: true,
  },
  mistral: { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: null },
  qwen2: { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], tie_word_embeddings: false },
} as const;

export type FamilyName = keyof typeof FAMILIES;

/** All seven linear modules of a layer. */
export const ALL_MODULES = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];

/** Writes a model folder; the tokenizer is the parity fixture's. */
export function writeRandomModel(folder: string, family: FamilyName): Promise<DecoderConfig> {
  return writeRandomModelOf(folder, FAMILIES[family]);
}

/** @param changes of the shape, and what the family has beside it, as `config.json` says it */
export async function writeRandomModelOf(
  folder: string,
  changes: { readonly model_type: string } & Readonly<Record<string, unknown>>,
): Promise<DecoderConfig> {
  mkdirSync(folder, { recursive: true });
  const json = { ...SHAPE, ...changes };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(json));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    copyFileSync(join(MODEL, name), join(folder, name));
  }
  const config = parseDecoderConfig(json, 'config.json');
  const random = Random.fromSeed(5).fork(changes.model_type);
  const tensors = [...expectedTensors(config)].map(([name, shape]) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    // Wide enough for log-probs far from uniform.
    const centre = name.includes('norm') ? 1 : 0;
    return {
      name,
      shape,
      data: Float32Array.from({ length: size }, () => centre + 0.7 * (random.uniform() - 0.5)),
    };
  });
  await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' });
  return config;
}

/** An adapter with values in A and B both: a fresh one's B is zero and would hide everything. */
export function randomAdapter(config: DecoderConfig, settings: LoraSettings): LoraAdapter {
  const random = Random.fromSeed(7);
  const fresh = initialiseAdapter(settings, linearModules(config), random);
  return mapAdapter(fresh, ({ data }) => data.map((value) => value + 0.5 * (random.uniform() - 0.5)));
}
