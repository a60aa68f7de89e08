/**
 * What Gemma 3's text models have of their own in `config.json`: layers of two kinds, those with a sliding window and,
 * every sixth, those that see all, each kind with a rotary embedding of its own; norms around attention and MLP; scales.
 * [Gemma Team 2025, arXiv:2503.19786]
 */
import type { ConfigReader } from './config-reader.ts';
import type { Rope } from './rope-config.ts';

export interface SlidingLayers {
  /** How many tokens a token sees, itself among them. */
  readonly size: number;
  /** From 0. */
  readonly layers: readonly number[];
  /** Of these layers. */
  readonly rope: Rope;
}

/** What they mean is said where `DecoderConfig` has them. */
export interface Gemma3Fields {
  readonly headNorms: true;
  readonly centredNorms: true;
  readonly sandwichNorms: true;
  readonly activation: 'gelu';
  readonly embeddingScale: number;
  readonly attentionScale: number;
  readonly sliding?: SlidingLayers;
}

const SLIDING = 'sliding_attention';
const FULL = 'full_attention';

/** Where config.json says nothing. */
const DEFAULTS = { theta: 1_000_000, slidingTheta: 10_000, window: 4096, pattern: 6, queryScalar: 256 };

/** Of the layers that see all tokens. */
export function readGemma3Rope(config: ConfigReader): Rope {
  return readKind(config, FULL, 'rope_theta', DEFAULTS.theta);
}

/** @throws DataError for soft caps and attention to what comes later, which are not supported */
export function gemma3Fields(
  config: ConfigReader,
  { layers, hiddenSize }: { readonly layers: number; readonly hiddenSize: number },
): Gemma3Fields {
  for (const field of ['attn_logit_softcapping', 'final_logit_softcapping']) {
    if (config.has(field)) config.fail(field, `${config.number(field)} is not supported; expected null`);
  }
  if (config.boolean('use_bidirectional_attention', false)) {
    config.fail('use_bidirectional_attention', 'true is not supported; expected false');
  }
  const sliding = {
    size: config.count('sliding_window', DEFAULTS.window),
    layers: readSlidingLayers(config, layers),
    rope: readKind(config, SLIDING, 'rope_local_base_freq', DEFAULTS.slidingTheta),
  };
  return {
    headNorms: true,
    centredNorms: true,
    sandwichNorms: true,
    activation: 'gelu',
    embeddingScale: Math.sqrt(hiddenSize),
    attentionScale: 1 / Math.sqrt(config.positive('query_pre_attn_scalar', DEFAULTS.queryScalar)),
    ...(sliding.layers.length === 0 ? {} : { sliding }),
  };
}

/** A name for each layer, or every how many one sees all. */
function readSlidingLayers(config: ConfigReader, layers: number): readonly number[] {
  const kinds = config.texts('layer_types');
  const pattern = config.count('sliding_window_pattern', DEFAULTS.pattern);
  if (kinds && kinds.length !== layers) {
    config.fail('layer_types', `${kinds.length} names for ${layers} layers`);
  }
  const unknown = kinds?.find((kind) => kind !== SLIDING && kind !== FULL);
  if (unknown !== undefined) {
    config.fail('layer_types', `"${unknown}" is not supported; supported: ${SLIDING}, ${FULL}`);
  }
  const isSliding = (layer: number) => (kinds ? kinds[layer] === SLIDING : (layer + 1) % pattern !== 0);
  return Array.from({ length: layers }, (_, layer) => layer).filter(isSliding);
}

/** Newer files have `rope_parameters` for each kind of layer, older ones a field for each, and `rope_scaling`. */
function readKind(config: ConfigReader, kind: string, field: string, absent: number): Rope {
  const own = config.section('rope_parameters')?.section(kind) ?? null;
  const scaling = kind === FULL ? config.section('rope_scaling') : null;
  for (const section of [own, scaling]) {
    const key = section?.has('type') ? 'type' : 'rope_type';
    const type = section?.text(key, 'default') ?? 'default';
    if (type !== 'default') section!.fail(key, `"${type}" is not supported; expected "default"`);
  }
  const top = config.positive(field, absent);
  const theta = own?.positive('rope_theta', top) ?? top;
  if (config.has(field) && theta !== top) {
    config.fail(field, `${top} contradicts ${theta} in "rope_parameters"`);
  }
  return { type: 'default', theta };
}
