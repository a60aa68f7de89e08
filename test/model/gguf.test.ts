import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertGguf } from '../../src/model/gguf/convert.ts';
import { dequantise } from '../../src/model/gguf/dequantise.ts';
import type { GgufTensorType } from '../../src/model/gguf/types.ts';
import { openModel } from '../../src/model/resolve.ts';
import { readSafetensorsHeader, readTensor } from '../../src/model/weights/safetensors.ts';
import { counting, tinyGguf } from './gguf-builder.ts';
import { useTemporaryCache } from './temporary-cache.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const temporary = useTemporaryCache();

async function convert(gguf: Buffer) {
  const file = join(temporary(), 'model.gguf');
  const folder = join(temporary(), 'converted');
  writeFileSync(file, gguf);
  mkdirSync(folder);
  await convertGguf(file, folder);
  const json = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const header = readSafetensorsHeader(join(folder, 'model.safetensors'));
  const tensor = (name: string) => [...readTensor(header.entries.get(name)!)];
  return { json, tensor, names: [...header.entries.keys()] };
}

describe('dequantise', () => {
  const blocks: Record<string, { source: string; values: string }> = JSON.parse(
    readFileSync(join(FIXTURES, 'gguf-blocks.json'), 'utf8'),
  );

  it.each(Object.keys(blocks))('%s equals the Python package bit for bit', (type) => {
    const { source, values } = blocks[type]!;
    const expected = Buffer.from(values, 'base64');
    const target = new Float32Array(expected.length / 4);
    dequantise(type as GgufTensorType, new Uint8Array(Buffer.from(source, 'base64')), target);
    expect(Buffer.from(target.buffer).equals(expected)).toBe(true);
  });
});

describe('a model written by the Python package', () => {
  const layer = 'model.layers.0';
  // In the fixture number i of tensor t is 10 t + i / 256, in Hugging Face's layout.
  const order = [
    'model.embed_tokens.weight',
    `${layer}.input_layernorm.weight`,
    `${layer}.self_attn.q_proj.weight`,
    `${layer}.self_attn.k_proj.weight`,
    `${layer}.self_attn.v_proj.weight`,
    `${layer}.self_attn.o_proj.weight`,
    `${layer}.post_attention_layernorm.weight`,
    `${layer}.mlp.gate_proj.weight`,
    `${layer}.mlp.up_proj.weight`,
    `${layer}.mlp.down_proj.weight`,
    'model.norm.weight',
  ];
  /** Half a step: Q8_0's is a 127th of the block's largest number, bfloat16's at 80 to 128 is 1/2. */
  const rounding: Record<string, number> = {
    [`${layer}.self_attn.k_proj.weight`]: 33 / 127 / 2 + 0.01,
    [`${layer}.mlp.up_proj.weight`]: 1 / 4,
  };

  it('opens with every value in its place, query and key rows included', async () => {
    const model = await openModel(join(FIXTURES, 'tiny-llama.gguf'));
    expect([...model.weights.keys()].sort()).toEqual([...order].sort());
    for (const [number, name] of order.entries()) {
      const values = readTensor(model.weights.get(name)!);
      const worst = values.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - 10 * number - i / 256)),
        0,
      );
      expect(worst, name).toBeLessThanOrEqual(rounding[name] ?? 0);
    }
    expect(model.config).toEqual({
      family: 'llama',
      hiddenSize: 32,
      intermediateSize: 64,
      layers: 1,
      heads: 4,
      keyValueHeads: 2,
      headSize: 8,
      vocabularySize: 12,
      normEpsilon: 1e-5,
      rope: { type: 'default', theta: 10_000 },
      tiedEmbeddings: true,
      biases: { query: false, key: false, value: false, output: false, mlp: false },
      maxPositions: 64,
    });
    expect(model.source).toMatchObject({ kind: 'gguf', file: 'tiny-llama.gguf', bytes: 35072 });
  });

  it('brings its tokenizer, template and special tokens', async () => {
    const { json } = await convert(readFileSync(join(FIXTURES, 'tiny-llama.gguf')));
    const { model, added_tokens, pre_tokenizer } = json('tokenizer.json');
    expect(model.merges).toEqual([
      ['a', 'b'],
      ['ab', 'c'],
      ['Ġ', 'ab'],
    ]);
    expect(model.vocab).toMatchObject({ '<|start|>': 0, abc: 7, '7': 10, é: 11 });
    expect(added_tokens.map(({ content, id, special }: never) => [content, id, special])).toEqual([
      ['<|start|>', 0, true],
      ['<|end|>', 1, true],
      ['é', 11, false],
    ]);
    expect(pre_tokenizer.pretokenizers).toEqual([
      { type: 'Digits', individual_digits: true },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    ]);
    expect(json('tokenizer_config.json')).toMatchObject({
      bos_token: '<|start|>',
      eos_token: '<|end|>',
      pad_token: '<|end|>',
      unk_token: null,
      chat_template: '{% for m in messages %}<|start|>{{ m.content }}<|end|>{% endfor %}',
    });
  });
});

describe('architectures', () => {
  it('moves the rows of llama query biases too, and an untied head keeps its place', async () => {
    const biases = ['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) =>
      counting(`blk.0.${name}.bias`, [16]),
    );
    const { json, tensor } = await convert(
      tinyGguf({ tensors: [...biases, counting('output.weight', [4, 16])] }),
    );
    expect(json('config.json')).toMatchObject({
      attention_bias: true,
      mlp_bias: false,
      tie_word_embeddings: false,
    });
    // Row 2i + s of a head of eight goes to row 4s + i.
    const moved = [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15];
    expect(tensor('model.layers.0.self_attn.q_proj.bias')).toEqual(moved);
    expect(tensor('model.layers.0.self_attn.q_proj.weight').filter((_, i) => i % 16 === 0)).toEqual(
      moved.map((row) => 16 * row),
    );
    expect(tensor('model.layers.0.self_attn.v_proj.bias')).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(tensor('lm_head.weight')[17]).toBe(17);
  });

  it('leaves the rows of qwen2 where they are', async () => {
    const biases = ['attn_q', 'attn_k', 'attn_v'].map((name) => counting(`blk.0.${name}.bias`, [16]));
    const metadata = { 'general.architecture': { type: 'string' as const, value: 'qwen2' } };
    const { json, tensor } = await convert(tinyGguf({ metadata, tensors: biases }));
    expect(json('config.json')).toMatchObject({ model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'] });
    expect(tensor('model.layers.0.self_attn.q_proj.bias')).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });

  it("finds Llama 3's RoPE scaling again in the factors", async () => {
    // Llama 3.2 1B: theta 500,000, factor 32, heads of 64; here one head of 64 in 64 numbers.
    const wavelengths = Array.from({ length: 32 }, (_, i) => 2 * Math.PI * 500_000 ** (i / 32));
    const factors = wavelengths.map((length) => {
      if (length < 2048) return 1;
      if (length > 8192) return 32;
      const smooth = (8192 / length - 1) / 3;
      return 1 / ((1 - smooth) / 32 + smooth);
    });
    const count = (value: number) => ({ type: 'u32' as const, value });
    const build = (values: number[]) =>
      tinyGguf({
        metadata: {
          'llama.embedding_length': count(64),
          'llama.attention.head_count': count(1),
          'llama.rope.freq_base': { type: 'f32', value: 500_000 },
        },
        tensors: [
          counting('token_embd.weight', [4, 64]),
          ...['attn_norm', 'ffn_norm'].map((name) => counting(`blk.0.${name}.weight`, [64])),
          ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) =>
            counting(`blk.0.${name}.weight`, [64, 64]),
          ),
          ...['ffn_gate', 'ffn_up'].map((name) => counting(`blk.0.${name}.weight`, [24, 64])),
          counting('blk.0.ffn_down.weight', [64, 24]),
          counting('output_norm.weight', [64]),
          { name: 'rope_freqs.weight', shape: [32], data: Float32Array.from(values) },
        ],
      });
    const { json, names } = await convert(build(factors));
    expect(json('config.json').rope_scaling).toEqual({
      rope_type: 'llama3',
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    });
    expect(names).not.toContain('rope_freqs.weight');
    const file = join(temporary(), 'odd.gguf');
    writeFileSync(file, build(factors.map((factor, i) => (i === 20 ? factor * 1.01 : factor))));
    await expect(openModel(file)).rejects.toThrow(/rope_freqs\.weight.*not those of a known Llama 3/);
  });

  const string = (value: string) => ({ type: 'string' as const, value });
  const number = (value: number) => ({ type: 'u32' as const, value });
  it.each([
    [
      'another architecture',
      { metadata: { 'general.architecture': string('mamba') } },
      /"mamba" is not supported/,
    ],
    ['experts', { metadata: { 'llama.expert_count': number(8) } }, /"llama.expert_count": is not supported/],
    ['YaRN', { metadata: { 'llama.rope.scaling.type': string('yarn') } }, /"yarn" is not supported/],
    [
      'partial RoPE',
      { metadata: { 'llama.rope.dimension_count': number(4) } },
      /rope.dimension_count.*expected 8/,
    ],
    [
      'SentencePiece',
      { metadata: { 'tokenizer.ggml.model': string('llama') } },
      /"llama" is not supported.*gpt2/,
    ],
    [
      'an unknown pre-tokenizer',
      { metadata: { 'tokenizer.ggml.pre': string('x') } },
      /"x" is not supported.*smollm/,
    ],
    ['no pre-tokenizer', { without: ['tokenizer.ggml.pre'] }, /tokenizer.ggml.pre.*missing/],
    [
      'a token id out of range',
      { metadata: { 'tokenizer.ggml.eos_token_id': number(4) } },
      /4 is not the id/,
    ],
    ['a missing key', { without: ['llama.block_count'] }, /llama.block_count.*missing/],
    ['a missing tensor', { without: ['blk.0.ffn_up.weight'] }, /mlp.up_proj.weight.*\[24, 16\] is missing/],
    ['an ill-shaped tensor', { tensors: [counting('output_norm.weight', [8])] }, /model.norm.*\[8\].*\[16\]/],
    [
      'a tensor of no known place',
      { tensors: [counting('blk.0.x.weight', [8])] },
      /"blk.0.x.weight" has no place/,
    ],
    [
      'an unsupported type',
      { tensors: [{ ...counting('output_norm.weight', [16]), type: 10 }] },
      /Q2_K.*supported: F32/,
    ],
    ['layers without end', { metadata: { 'llama.block_count': number(0xffffffff) } }, /num_hidden_layers/],
  ])('refuses %s by name', async (_, changes, message) => {
    const file = join(temporary(), 'model.gguf');
    writeFileSync(file, tinyGguf(changes));
    await expect(openModel(file)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(new RegExp(`model\\.gguf.*${message.source}`)),
    });
  });
});

describe('pre-tokenizers', () => {
  it.each([
    ['llama-bpe', 'llama3_1'],
    ['qwen2', 'qwen2_5'],
  ])("%s is the one in the model's own tokenizer.json", async (pre, packageName) => {
    const path = join('node_modules', '@lenml', `tokenizer-${packageName}`, 'models', 'tokenizer.json');
    const own = JSON.parse(readFileSync(path, 'utf8'));
    const metadata = { 'tokenizer.ggml.pre': { type: 'string' as const, value: pre } };
    const converted = (await convert(tinyGguf({ metadata }))).json('tokenizer.json');
    expect(converted.normalizer).toEqual(own.normalizer);
    expect(converted.pre_tokenizer.pretokenizers[0]).toEqual(own.pre_tokenizer.pretokenizers[0]);
    expect(converted.pre_tokenizer.pretokenizers[1]).toMatchObject({ type: 'ByteLevel', use_regex: false });
    expect(converted.model.ignore_merges).toBe(own.model.ignore_merges ?? false);
  });
});
