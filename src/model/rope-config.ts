/** Rotary position embedding, as `config.json` says it. */
import type { ConfigReader } from './config-reader.ts';

/** Frequency i turns by position · theta^(-2i / headSize). */
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

/** Reads both layouts: `rope_theta` with `rope_scaling`, and newer files' `rope_parameters`. */
export function readRope(config: ConfigReader): Rope {
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
