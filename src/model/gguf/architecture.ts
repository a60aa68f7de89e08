/**
 * What a GGUF file's architecture means in Hugging Face's terms: tensor names, and `config.json` from
 * the metadata. The first step of turning a GGUF file into a model folder.
 */
import { UserError } from '../../support/errors.ts';
import { metadataOf } from './metadata.ts';
import { ROPE_TENSOR, readRopeScaling } from './rope-frequencies.ts';
import type { GgufFile, GgufTensor } from './types.ts';

/** Architectures that can be read, with the class `config.json` names for them. */
const ARCHITECTURES = {
  llama: 'LlamaForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
} as const;

export type GgufArchitecture = keyof typeof ARCHITECTURES;

/** Keys under the architecture's prefix that change the computation in ways not supported here. */
const REFUSED_KEYS = [
  'expert_count',
  'logit_scale',
  'residual_scale',
  'embedding_scale',
  'attention.scale',
  'attention.sliding_window',
  'attention.clamp_kqv',
  'attention.max_alibi_bias',
];

const TOP_TENSORS: Readonly<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};

/** Modules of a layer: GGUF's names and Hugging Face's. */
export const LAYER_MODULES: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};

/** @throws UserError for an architecture that isn't supported. */
export function architectureOf(file: GgufFile): GgufArchitecture {
  const name = metadataOf(file).text('general.architecture');
  if (Object.hasOwn(ARCHITECTURES, name)) return name as GgufArchitecture;
  throw new UserError(
    `${file.path}: architecture "${name}" is not supported; supported: ${Object.keys(ARCHITECTURES).join(', ')}`,
  );
}

/** Hugging Face's name for each tensor, in the file's order; `rope_freqs.weight` is left out. */
export function huggingFaceNames(file: GgufFile): Map<string, GgufTensor> {
  const names = new Map<string, GgufTensor>();
  for (const tensor of file.tensors.values()) {
    if (tensor.name === ROPE_TENSOR) continue;
    const name = huggingFaceName(tensor.name);
    if (name === undefined) {
      throw new UserError(
        `${file.path}: tensor "${tensor.name}" has no place in a ${architectureOf(file)} model`,
      );
    }
    names.set(name, tensor);
  }
  return names;
}

function huggingFaceName(name: string): string | undefined {
  const top = TOP_TENSORS[name];
  if (top !== undefined) return top;
  const parts = /^blk\.(0|[1-9]\d{0,5})\.([a-z_]+)\.(weight|bias)$/.exec(name);
  const module = parts === null ? undefined : LAYER_MODULES[parts[2] as string];
  return parts === null || module === undefined
    ? undefined
    : `model.layers.${parts[1]}.${module}.${parts[3]}`;
}

/**
 * The `config.json` of the model in a GGUF file.
 *
 * @throws UserError naming the file and the metadata key or tensor that is missing or unsupported.
 */
export function configFromGguf(file: GgufFile): Record<string, unknown> {
  const architecture = architectureOf(file);
  const metadata = metadataOf(file);
  const key = (name: string) => `${architecture}.${name}`;
  for (const refused of REFUSED_KEYS) {
    if (metadata.has(key(refused))) metadata.fail(key(refused), 'is not supported');
  }
  const hidden = metadata.count(key('embedding_length'), 1);
  const heads = metadata.count(key('attention.head_count'), 1);
  const headSize = metadata.count(key('attention.key_length'), 1, Math.floor(hidden / heads));
  for (const other of ['attention.value_length', 'rope.dimension_count']) {
    if (metadata.count(key(other), 1, headSize) !== headSize) {
      metadata.fail(key(other), `expected ${headSize}, the size of an attention head`);
    }
  }
  const embedding = file.tensors.get('token_embd.weight');
  if (embedding === undefined) throw new UserError(`${file.path}: tensor "token_embd.weight" is missing`);
  const theta = metadata.number(key('rope.freq_base'), 10_000);
  const hasBias = (module: string) => file.tensors.has(`blk.0.${module}.bias`);
  return {
    architectures: [ARCHITECTURES[architecture]],
    model_type: architecture,
    hidden_size: hidden,
    intermediate_size: metadata.count(key('feed_forward_length'), 1),
    num_hidden_layers: metadata.count(key('block_count'), 1),
    num_attention_heads: heads,
    num_key_value_heads: metadata.count(key('attention.head_count_kv'), 1, heads),
    head_dim: headSize,
    vocab_size: embedding.shape[0],
    max_position_embeddings: metadata.count(key('context_length'), 1),
    hidden_act: 'silu',
    rms_norm_eps: shortestFloat32(metadata.number(key('attention.layer_norm_rms_epsilon'))),
    rope_theta: shortestFloat32(theta),
    rope_scaling: readRopeScaling(file, architecture, headSize, theta),
    attention_bias: architecture === 'llama' ? hasBias('attn_q') : undefined,
    mlp_bias: architecture === 'llama' ? hasBias('ffn_up') : undefined,
    tie_word_embeddings: !file.tensors.has('output.weight'),
    bos_token_id: metadata.has('tokenizer.ggml.bos_token_id')
      ? metadata.count('tokenizer.ggml.bos_token_id', 0)
      : null,
    eos_token_id: metadata.count('tokenizer.ggml.eos_token_id', 0),
    torch_dtype: 'float32',
  };
}

/** The shortest decimal that is the same float32: 9.999999747378752e-6 was written as 1e-5. */
function shortestFloat32(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}
