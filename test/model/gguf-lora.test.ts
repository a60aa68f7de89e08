/** LoRA adapters as GGUF files: names, scaling, and rows in the order that the base's GGUF file has them in. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoraAdapter } from '../../src/model/adapter.ts';
import { importGguf } from '../../src/model/gguf/import.ts';
import { readGgufLora, writeGgufLora } from '../../src/model/gguf/lora.ts';
import { readGguf } from '../../src/model/gguf/reader.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { readTensor } from '../../src/model/weights/safetensors.ts';
import { buildGguf, type Metadata, tinyGguf } from './gguf-builder.ts';
import { useTemporaryCache } from './temporary-cache.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const options = { format: 'float32', baseModel: 'a base' } as const;

function adapterOf(module: string, a: number[], b: number[], rank = 1, alpha = 2): LoraAdapter {
  const path = `model.layers.0.${module}`;
  const side = (data: number[], shape: [number, number]) => ({ shape, data: Float32Array.from(data) });
  return {
    settings: { rank, alpha, targets: [path] },
    tensors: new Map([
      [`base_model.model.${path}.lora_A.weight`, side(a, [rank, a.length / rank])],
      [`base_model.model.${path}.lora_B.weight`, side(b, [b.length / rank, rank])],
    ]),
  };
}

const values = (file: string, name: string) => {
  const { offset, byteLength } = readGguf(file).tensors.get(name)!;
  const bytes = readFileSync(file).subarray(offset, offset + byteLength);
  return [...new Float32Array(Uint8Array.from(bytes).buffer)];
};

describe('a file of a llama model', () => {
  // Two heads of four numbers.
  const base = { family: 'llama', headSize: 4 } as const;

  it('has the metadata that llama.cpp asks for', async () => {
    await writeGgufLora(
      at('a.gguf'),
      adapterOf('self_attn.q_proj', [1], [1, 2, 3, 4], 1, 2.5),
      base,
      options,
    );
    const { metadata } = readGguf(at('a.gguf'));
    expect(Object.fromEntries(metadata)).toMatchObject({
      'general.architecture': 'llama',
      'general.type': 'adapter',
      'adapter.type': 'lora',
      'adapter.lora.alpha': 2.5,
    });
  });

  it.each(['q_proj', 'k_proj'])('has the rows of B of %s as the base has its rows', async (module) => {
    // Row 2j + h of a head is Hugging Face's row h · 2 + j: 0 2 1 3.
    const adapter = adapterOf(`self_attn.${module}`, [7, 8], [0, 1, 2, 3, 4, 5, 6, 7]);
    await writeGgufLora(at('a.gguf'), adapter, base, options);
    const name = `blk.0.attn_${module[0]}.weight`;
    expect(values(at('a.gguf'), `${name}.lora_b`)).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    expect(values(at('a.gguf'), `${name}.lora_a`)).toEqual([7, 8]);
    expect(readGguf(at('a.gguf')).tensors.get(`${name}.lora_b`)!.shape).toEqual([8, 1]);
  });

  it.each([
    ['self_attn.v_proj', 'attn_v'],
    ['self_attn.o_proj', 'attn_output'],
    ['mlp.gate_proj', 'ffn_gate'],
    ['mlp.up_proj', 'ffn_up'],
    ['mlp.down_proj', 'ffn_down'],
  ])('leaves the rows of %s, there %s', async (module, own) => {
    await writeGgufLora(at('a.gguf'), adapterOf(module, [1], [0, 1, 2, 3]), base, options);
    expect(values(at('a.gguf'), `blk.0.${own}.weight.lora_b`)).toEqual([0, 1, 2, 3]);
  });
});

it('is a llama file for mistral, and keeps rows as they are for qwen2', async () => {
  const adapter = adapterOf('self_attn.q_proj', [1], [0, 1, 2, 3]);
  await writeGgufLora(at('m.gguf'), adapter, { family: 'mistral', headSize: 4 }, options);
  await writeGgufLora(at('q.gguf'), adapter, { family: 'qwen2', headSize: 4 }, options);
  const name = 'blk.0.attn_q.weight.lora_b';
  expect(values(at('m.gguf'), name)).toEqual([0, 2, 1, 3]);
  expect(values(at('q.gguf'), name)).toEqual([0, 1, 2, 3]);
  expect(readGguf(at('m.gguf')).metadata.get('general.architecture')).toBe('llama');
  expect(readGguf(at('q.gguf')).metadata.get('general.architecture')).toBe('qwen2');
});

/**
 * The conversion of whole models, which is held against transformers, says what a row of a GGUF file is: a base
 * whose query weight is the file's own B A has to become a model whose weight is the adapter's B A.
 */
it.each(['llama', 'qwen2'] as const)('moves with the rows of a converted %s model', async (architecture) => {
  const b = Array.from({ length: 16 }, (_, row) => row + 1);
  const a = Array.from({ length: 16 }, (_, column) => column - 5);
  const adapter = adapterOf('self_attn.q_proj', a, b);
  await writeGgufLora(at('a.gguf'), adapter, { family: architecture, headSize: 8 }, options);
  const own = values(at('a.gguf'), 'blk.0.attn_q.weight.lora_b');
  const product = Float32Array.from(own.flatMap((row) => a.map((column) => row * column)));
  const biases = ['q', 'k', 'v'].map((letter) => ({
    name: `blk.0.attn_${letter}.bias`,
    shape: [16],
    data: new Float32Array(16),
  }));
  writeFileSync(
    at('base.gguf'),
    tinyGguf({
      metadata: { 'general.architecture': { type: 'string', value: architecture } },
      tensors: [
        { name: 'blk.0.attn_q.weight', shape: [16, 16], data: product },
        ...(architecture === 'qwen2' ? biases : []),
      ],
    }),
  );
  const model = await openModelFolder((await importGguf(at('base.gguf'))).path);
  const weight = readTensor(model.weights.get('model.layers.0.self_attn.q_proj.weight')!);
  expect([...weight]).toEqual(b.flatMap((row) => a.map((column) => row * column)));
});

it('reads back what it wrote, in every format that holds it', async () => {
  const numbers = (length: number) =>
    fc.array(fc.integer({ min: -128, max: 128 }), { minLength: length, maxLength: length });
  const cases = fc
    .record({
      module: fc.constantFrom('self_attn.q_proj', 'self_attn.k_proj', 'mlp.down_proj'),
      family: fc.constantFrom('llama' as const, 'mistral' as const, 'qwen2' as const),
      format: fc.constantFrom('float32' as const, 'float16' as const, 'bfloat16' as const),
      rank: fc.integer({ min: 1, max: 3 }),
      heads: fc.integer({ min: 1, max: 3 }),
      half: fc.integer({ min: 1, max: 4 }),
    })
    .chain((one) => {
      const rows = one.heads * 2 * one.half;
      return fc.record({ one: fc.constant(one), a: numbers(one.rank * 5), b: numbers(one.rank * rows) });
    });
  await fc.assert(
    fc.asyncProperty(cases, async ({ one: { module, family, format, rank, half }, a, b }) => {
      const adapter = adapterOf(module, a, b, rank, 3);
      const base = { family, headSize: 2 * half };
      await writeGgufLora(at('a.gguf'), adapter, base, { ...options, format });
      const read = readGgufLora(at('a.gguf'), base);
      expect(read.settings).toEqual(adapter.settings);
      expect([...read.tensors]).toEqual([...adapter.tensors]);
    }),
    { numRuns: 40 },
  );
});

describe('what is no adapter of this model', () => {
  const base = { family: 'llama', headSize: 4 } as const;
  const text = (value: string) => ({ type: 'string', value }) as const;
  const good: Metadata = {
    'general.architecture': text('llama'),
    'general.type': text('adapter'),
    'adapter.type': text('lora'),
    'adapter.lora.alpha': { type: 'f32', value: 2 },
  };
  const matrix = (name: string, shape = [1, 4]) => ({
    name,
    shape,
    data: new Float32Array(shape[0]! * shape[1]!),
  });
  const both = [matrix('blk.0.ffn_up.weight.lora_a'), matrix('blk.0.ffn_up.weight.lora_b', [4, 1])];

  it.each<[string, Metadata, ReturnType<typeof matrix>[], RegExp]>([
    ['another architecture', { 'general.architecture': text('qwen2') }, both, /"qwen2"; expected "llama"/],
    ['a model', { 'general.type': text('model') }, both, /"general.type": "model"; expected "adapter"/],
    ['a control vector', { 'adapter.type': text('control_vector') }, both, /expected "lora"/],
    ['a matrix alone', {}, both.slice(1), /the matrix ".*up_proj\.lora_A\.weight" is missing/],
    ['nothing', {}, [], /holds no LoRA matrices/],
    [
      'an embedding',
      {},
      [...both, matrix('token_embd.weight.lora_a')],
      /"token_embd.weight.lora_a" is no LoRA/,
    ],
  ])('%s is refused by name', (_, changes, tensors, message) => {
    writeFileSync(at('a.gguf'), buildGguf({ ...good, ...changes }, tensors));
    expect(() => readGgufLora(at('a.gguf'), base)).toThrow(message);
  });

  it('an alpha of 0, which llama.cpp takes for no scaling, is not written', async () => {
    const adapter = adapterOf('mlp.up_proj', [1], [1], 1, 0);
    await expect(writeGgufLora(at('a.gguf'), adapter, base, options)).rejects.toThrow(/alpha is 0/);
  });
});
