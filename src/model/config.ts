/**
 * A decoder's shape and options from Hugging Face's `config.json`: the first thing read of a model.
 * Whatever would change results and isn't supported is refused by name; what can't is ignored.
 */
import { type ConfigReader, configReader } from './config-reader.ts';

/** Rotary position embedding: frequency i turns by position · theta^(-2i / headSize). */
export type Rope =
  | { readonly type: 'default'; readonly theta: number }
  | {
      /** Long wavelengths slowed down by `factor`, short ones kept, a smooth passage between. */
      readonly type: 'llama3';
      readonly theta: number;
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalMaxPositions: number;
    };

/**
 * One decoder-only transformer: RMS norms, grouped-query attention with RoPE, a SwiGLU MLP. What few families have is
 * left out of all others, whose identity it would change.
 */
export interface DecoderConfig {
  readonly family: DecoderFamily;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  /** May differ from hiddenSize / heads. */
  readonly headSize: number;
  readonly vocabularySize: number;
  readonly normEpsilon: number;
  readonly rope: Rope;
  /** The output projection is the embedding matrix. */
  readonly tiedEmbeddings: boolean;
  readonly biases: LinearBiases;
  /** No sequence may be longer; up to a sliding window's size such a model is an ordinary one. */
  readonly maxPositions: number;
  /** Queries and keys of each head are normalised before they are turned. */
  readonly headNorms?: true;
  /** Layers, from 0, that turn neither queries nor keys. */
  readonly unrotatedLayers?: readonly number[];
  /** Queries, keys and values are one product (`qkv_proj`), and so are gate and up (`gate_up_proj`). */
  readonly fusedProjections?: true;
}

/** Which linear layers add a bias. */
export interface LinearBiases {
  readonly query: boolean;
  readonly key: boolean;
  readonly value: boolean;
  readonly output: boolean;
  readonly mlp: boolean;
}

export type DecoderFamily = 'llama' | 'qwen2' | 'mistral' | 'qwen3' | 'smollm3' | 'phi3';

/** What differs between families, beside names. */
interface FamilyRules {
  biases(config: ConfigReader): LinearBiases;
  /** Size of the attention window, or `null` for all earlier positions. */
  window(config: ConfigReader): number | null;
  /** Where config.json does not say. */
  readonly headSize?: number;
  readonly tiedEmbeddings?: boolean;
  /** What other families do not have; refuses what is not supported of it. */
  own?(config: ConfigReader, layers: number): Pick<DecoderConfig, OwnField>;
}

type OwnField = 'headNorms' | 'unrotatedLayers' | 'fusedProjections';

/** A config that claims more is damaged; it would have every layer's tensors named before any is missed. */
const MAX_LAYERS = 10_000;

const NO_BIASES: LinearBiases = { query: false, key: false, value: false, output: false, mlp: false };

function attentionAndMlp(config: ConfigReader): LinearBiases {
  const attention = config.boolean('attention_bias', false);
  const mlp = config.boolean('mlp_bias', false);
  return { query: attention, key: attention, value: attention, output: attention, mlp };
}

/** Of every layer alike where it is used at all. */
function chosenWindow(config: ConfigReader): number | null {
  return config.boolean('use_sliding_window', false) ? config.optionalCount('sliding_window') : null;
}

const FAMILIES: Readonly<Record<DecoderFamily, FamilyRules>> = {
  llama: {
    biases: attentionAndMlp,
    window: () => null,
  },
  qwen2: {
    biases: () => ({ ...NO_BIASES, query: true, key: true, value: true }),
    window: chosenWindow,
  },
  mistral: {
    biases: () => NO_BIASES,
    window: (config) => config.optionalCount('sliding_window'),
  },
  qwen3: {
    biases: (config) => ({ ...attentionAndMlp(config), mlp: false }),
    window: chosenWindow,
    headSize: 128,
    own: () => ({ headNorms: true }),
  },
  smollm3: {
    biases: attentionAndMlp,
    window: chosenWindow,
    tiedEmbeddings: true,
    own: (config, layers) => ({ unrotatedLayers: readUnrotatedLayers(config, layers) }),
  },
  phi3: {
    biases: () => NO_BIASES,
    window: (config) => config.optionalCount('sliding_window'),
    own(config) {
      for (const field of ['resid_pdrop', 'embd_pdrop']) {
        const dropout = config.number(field, 0);
        if (dropout !== 0) config.fail(field, `${dropout} is not supported; expected 0`);
      }
      return { fusedProjections: true };
    },
  },
};

/**
 * Parses and checks the content of a `config.json`; `file` is named in errors.
 *
 * @throws DataError naming file and field, for what is missing, wrong or unsupported
 */
export function parseDecoderConfig(json: unknown, file: string): DecoderConfig {
  const config = configReader(json, file);
  const family = readFamily(config);
  const rules = FAMILIES[family];
  refuseUnsupported(config);
  const hiddenSize = config.count('hidden_size');
  const heads = config.count('num_attention_heads');
  const keyValueHeads = config.count('num_key_value_heads', heads);
  if (heads % keyValueHeads !== 0) {
    config.fail('num_key_value_heads', `${keyValueHeads} doesn't divide the ${heads} attention heads`);
  }
  const layers = config.count('num_hidden_layers');
  if (layers > MAX_LAYERS) config.fail('num_hidden_layers', `${layers}; expected at most ${MAX_LAYERS}`);
  const maxPositions = config.count('max_position_embeddings');
  return {
    family,
    hiddenSize,
    intermediateSize: config.count('intermediate_size'),
    layers,
    heads,
    keyValueHeads,
    headSize: readHeadSize(config, rules.headSize ?? hiddenSize / heads, { hiddenSize, heads }),
    vocabularySize: config.count('vocab_size'),
    normEpsilon: config.positive('rms_norm_eps', 1e-6),
    rope: readRope(config),
    tiedEmbeddings: config.boolean('tie_word_embeddings', rules.tiedEmbeddings ?? false),
    biases: rules.biases(config),
    maxPositions: Math.min(maxPositions, rules.window(config) ?? maxPositions),
    ...rules.own?.(config, layers),
  };
}

function readFamily(config: ConfigReader): DecoderFamily {
  const name = config.text('model_type');
  if (Object.hasOwn(FAMILIES, name)) return name as DecoderFamily;
  return config.fail(
    'model_type',
    `"${name}" is not supported; supported: ${Object.keys(FAMILIES).join(', ')}`,
  );
}

function refuseUnsupported(config: ConfigReader): void {
  const activation = config.text('hidden_act', 'silu');
  if (activation !== 'silu') config.fail('hidden_act', `"${activation}" is not supported; expected "silu"`);
  const dropout = config.number('attention_dropout', 0);
  if (dropout !== 0) config.fail('attention_dropout', `${dropout} is not supported; expected 0`);
  const rotary = config.number('partial_rotary_factor', 1);
  if (rotary !== 1) config.fail('partial_rotary_factor', `${rotary} is not supported; expected 1`);
  if (config.has('quantization_config')) {
    config.fail(
      'quantization_config',
      'quantised weights in this form are not supported; use F32, F16, BF16 or GGUF',
    );
  }
}

function readHeadSize(
  config: ConfigReader,
  usual: number,
  { hiddenSize, heads }: { readonly hiddenSize: number; readonly heads: number },
): number {
  const size = config.count('head_dim', usual);
  if (!Number.isInteger(size)) {
    config.fail(
      'num_attention_heads',
      `${heads} doesn't divide the hidden size ${hiddenSize}, and "head_dim" is not given`,
    );
  }
  // Rotary embedding turns pairs of numbers.
  if (size % 2 !== 0) config.fail('head_dim', `${size} is odd; expected an even number`);
  return size;
}

/** A list with a number for each layer, 0 where it turns nothing; by default every fourth. */
function readUnrotatedLayers(config: ConfigReader, layers: number): readonly number[] {
  const interval = config.count('no_rope_layer_interval', 4);
  const turns = config.numbers('no_rope_layers');
  if (turns && turns.length < layers) {
    config.fail('no_rope_layers', `${turns.length} numbers for ${layers} layers`);
  }
  const isTurned = (layer: number) => (turns ? turns[layer] !== 0 : (layer + 1) % interval !== 0);
  return Array.from({ length: layers }, (_, layer) => layer).filter((layer) => !isTurned(layer));
}

/** Reads both layouts: `rope_theta` with `rope_scaling`, and newer files' `rope_parameters`. */
function readRope(config: ConfigReader): Rope {
  const nested = config.section('rope_parameters') ?? config.section('rope_scaling');
  const topTheta = config.positive('rope_theta', 10_000);
  if (nested === null) return { type: 'default', theta: topTheta };
  const theta = nested.positive('rope_theta', topTheta);
  if (config.has('rope_theta') && theta !== topTheta) {
    config.fail('rope_theta', `${topTheta} contradicts ${theta} in "rope_parameters"`);
  }
  const rotary = nested.number('partial_rotary_factor', 1);
  if (rotary !== 1) nested.fail('partial_rotary_factor', `${rotary} is not supported; expected 1`);
  const typeKey = nested.has('rope_type') ? 'rope_type' : 'type';
  const type = nested.text(typeKey);
  if (type === 'default') return { type, theta };
  if (type !== 'llama3') {
    return nested.fail(typeKey, `"${type}" is not supported; supported: default, llama3`);
  }
  const lowFrequencyFactor = nested.positive('low_freq_factor');
  const highFrequencyFactor = nested.positive('high_freq_factor');
  if (highFrequencyFactor <= lowFrequencyFactor) {
    nested.fail('high_freq_factor', `expected more than low_freq_factor, ${lowFrequencyFactor}`);
  }
  return {
    type,
    theta,
    factor: nested.positive('factor'),
    lowFrequencyFactor,
    highFrequencyFactor,
    originalMaxPositions: nested.count('original_max_position_embeddings'),
  };
}
