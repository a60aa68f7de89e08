import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecoderConfig, parseDecoderConfig } from '../../src/model/config.ts';
import { expectedTensors } from '../../src/model/weights/expected-tensors.ts';
import { DataError } from '../../src/support/errors.ts';

const minimal = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 100,
  max_position_embeddings: 512,
};
const llama3 = {
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
const parse = (changes: object) => parseDecoderConfig({ ...minimal, ...changes }, 'config.json');

describe('parseDecoderConfig', () => {
  it('fills in what transformers would', () => {
    expect(parse({})).toEqual({
      family: 'llama',
      hiddenSize: 64,
      intermediateSize: 96,
      layers: 2,
      heads: 4,
      keyValueHeads: 4,
      headSize: 16,
      vocabularySize: 100,
      normEpsilon: 1e-6,
      rope: { type: 'default', theta: 10_000 },
      tiedEmbeddings: false,
      biases: { query: false, key: false, value: false, output: false, mlp: false },
      maxPositions: 512,
    });
  });

  it('takes a head size that is not hidden size / heads, and null as absent', () => {
    expect(parse({ head_dim: 24, num_key_value_heads: 2 })).toMatchObject({ headSize: 24, keyValueHeads: 2 });
    expect(parse({ head_dim: null, rope_scaling: null })).toMatchObject({ headSize: 16 });
  });

  it('reads RoPE from both layouts alike', () => {
    const expected = {
      type: 'llama3',
      theta: 5e5,
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalMaxPositions: 8192,
    };
    const older = parse({ rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...llama3 } });
    const newer = parse({ rope_parameters: { rope_type: 'llama3', rope_theta: 5e5, ...llama3 } });
    expect(older.rope).toEqual(expected);
    expect(newer.rope).toEqual(expected);
    expect(parse({ rope_parameters: { rope_type: 'default', rope_theta: 123 } }).rope).toEqual({
      type: 'default',
      theta: 123,
    });
  });

  it('knows which layers of which family have biases', () => {
    const all = { query: true, key: true, value: true, output: true, mlp: true };
    expect(parse({ attention_bias: true, mlp_bias: true }).biases).toEqual(all);
    expect(parse({ model_type: 'qwen2' }).biases).toEqual({ ...all, output: false, mlp: false });
    expect(parse({ model_type: 'mistral' }).biases.query).toBe(false);
  });

  it('knows what few families have, and leaves it out of all others', () => {
    const own = ({ headNorms, unrotatedLayers, fusedProjections }: DecoderConfig) => ({
      ...{ headNorms, unrotatedLayers, fusedProjections },
    });
    expect(own(parse({}))).toEqual({});
    expect(Object.keys(parse({}))).not.toContain('headNorms');
    const qwen3 = parse({ model_type: 'qwen3', attention_bias: true, head_dim: undefined });
    expect(own(qwen3)).toEqual({ headNorms: true });
    expect(qwen3.headSize).toBe(128);
    expect(qwen3.biases).toMatchObject({ query: true, output: true, mlp: false });
    const smollm3 = parse({ model_type: 'smollm3', num_hidden_layers: 8, tie_word_embeddings: undefined });
    expect(own(smollm3)).toEqual({ unrotatedLayers: [3, 7] });
    expect(smollm3.tiedEmbeddings).toBe(true);
    const listed = parse({ model_type: 'smollm3', no_rope_layers: [0, 1] });
    expect(own(listed)).toEqual({ unrotatedLayers: [0] });
    const phi3 = parse({ model_type: 'phi3', sliding_window: 100 });
    expect(own(phi3)).toEqual({ fusedProjections: true });
    expect(phi3.maxPositions).toBe(100);
    expect([...expectedTensors(phi3)].find(([name]) => name.endsWith('qkv_proj.weight'))?.[1]).toEqual([
      (phi3.heads + 2 * phi3.keyValueHeads) * phi3.headSize,
      phi3.hiddenSize,
    ]);
  });

  it('takes a sliding window as the longest sequence: up to there it changes nothing', () => {
    expect(parse({ model_type: 'mistral', sliding_window: 128 }).maxPositions).toBe(128);
    expect(parse({ model_type: 'mistral', sliding_window: null }).maxPositions).toBe(512);
    expect(parse({ model_type: 'qwen2', sliding_window: 128 }).maxPositions).toBe(512);
    const windowed = { model_type: 'qwen2', sliding_window: 128, use_sliding_window: true };
    expect(parse(windowed).maxPositions).toBe(128);
  });

  it.each<[object, string, RegExp]>([
    [
      { model_type: 'gpt2' },
      'model_type',
      /"gpt2" is not supported; supported: llama, qwen2, mistral, qwen3, smollm3, phi3/,
    ],
    [{ model_type: 'gemma3_text' }, 'model_type', /"gemma3_text" is not supported/],
    [{ model_type: 'smollm3', no_rope_layers: [1] }, 'no_rope_layers', /1 numbers for 2 layers/],
    [{ model_type: 'smollm3', no_rope_layers: 'all' }, 'no_rope_layers', /list of numbers/],
    [{ model_type: 'phi3', resid_pdrop: 0.1 }, 'resid_pdrop', /0.1/],
    [{ model_type: 'phi3', rope_scaling: { type: 'longrope' } }, 'rope_scaling.type', /"longrope"/],
    [{ model_type: 'phi3', partial_rotary_factor: 0.75 }, 'partial_rotary_factor', /0.75/],
    [{ model_type: undefined }, 'model_type', /missing/],
    [{ hidden_act: 'gelu' }, 'hidden_act', /"gelu" is not supported; expected "silu"/],
    [{ attention_dropout: 0.1 }, 'attention_dropout', /0.1/],
    [{ quantization_config: { bits: 4 } }, 'quantization_config', /not supported/],
    [{ rope_scaling: { type: 'linear', factor: 2 } }, 'rope_scaling.type', /"linear".*default, llama3/],
    [{ rope_scaling: { rope_type: 'yarn' } }, 'rope_scaling.rope_type', /"yarn"/],
    [{ rope_scaling: { factor: 2 } }, 'rope_scaling.type', /missing/],
    [{ rope_scaling: { rope_type: 'llama3', ...llama3, factor: 0 } }, 'rope_scaling.factor', /above 0/],
    [
      { rope_scaling: { rope_type: 'llama3', ...llama3, high_freq_factor: 1 } },
      'rope_scaling.high_freq_factor',
      /more/,
    ],
    [
      { rope_theta: 5, rope_parameters: { rope_type: 'default', rope_theta: 6 } },
      'rope_theta',
      /contradicts/,
    ],
    [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor', /0.5/],
    [{ hidden_size: '64' }, 'hidden_size', /"64"; expected a whole number/],
    [{ hidden_size: 0 }, 'hidden_size', /above 0/],
    [{ num_hidden_layers: 1e9 }, 'num_hidden_layers', /at most/],
    [{ num_key_value_heads: 3 }, 'num_key_value_heads', /doesn't divide/],
    [{ num_attention_heads: 5 }, 'num_attention_heads', /doesn't divide/],
    [{ head_dim: 15 }, 'head_dim', /odd/],
    [{ rms_norm_eps: -1 }, 'rms_norm_eps', /above 0/],
    [{ tie_word_embeddings: 'yes' }, 'tie_word_embeddings', /true or false/],
  ])('refuses %j', (changes, field, message) => {
    expect(() => parse(changes)).toThrow(message);
    expect(() => parse(changes)).toThrow(`config.json, field "${field}"`);
  });

  it('answers any JSON with a configuration or a DataError', () => {
    const fields = fc.record(Object.fromEntries(Object.keys(minimal).map((key) => [key, fc.jsonValue()])));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fields), fc.boolean(), (json, merge) => {
        try {
          parseDecoderConfig(merge ? { ...minimal, ...Object(json) } : json, 'config.json');
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
    );
  });
});
