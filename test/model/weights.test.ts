import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { openModel } from '../../src/model/resolve.ts';
import { cachedSha256 } from '../../src/model/weights/file-hash.ts';
import { findDamage, listCachedModels } from '../../src/model/weights/model-cache.ts';
import { readTensor, writeSafetensors } from '../../src/model/weights/safetensors.ts';
import { useTemporaryCache } from './temporary-cache.ts';

const temporary = useTemporaryCache();
const TINY_GGUF = join(import.meta.dirname, 'fixtures', 'tiny-llama.gguf');

const config = {
  model_type: 'llama',
  hidden_size: 4,
  intermediate_size: 6,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  vocab_size: 8,
  max_position_embeddings: 64,
  tie_word_embeddings: true,
};
const layer = 'model.layers.0';
const shapes: Record<string, number[]> = {
  'model.embed_tokens.weight': [8, 4],
  [`${layer}.input_layernorm.weight`]: [4],
  [`${layer}.self_attn.q_proj.weight`]: [4, 4],
  [`${layer}.self_attn.k_proj.weight`]: [4, 4],
  [`${layer}.self_attn.v_proj.weight`]: [4, 4],
  [`${layer}.self_attn.o_proj.weight`]: [4, 4],
  [`${layer}.post_attention_layernorm.weight`]: [4],
  [`${layer}.mlp.gate_proj.weight`]: [6, 4],
  [`${layer}.mlp.up_proj.weight`]: [6, 4],
  [`${layer}.mlp.down_proj.weight`]: [4, 6],
  'model.norm.weight': [4],
};

/** Small whole numbers, which every format holds exactly; tensor t starts at t. */
function tensors(changed: Record<string, number[]> = {}) {
  return Object.entries({ ...shapes, ...changed }).map(([name, shape], number) => {
    const elements = shape.reduce((product, size) => product * size, 1);
    return { name, shape, data: Float32Array.from({ length: elements }, (_, i) => number + i) };
  });
}

async function modelFolder(write: (folder: string) => unknown): Promise<string> {
  const folder = join(temporary(), 'model');
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  await write(folder);
  return folder;
}

const float32 = (folder: string) => writeSafetensors(join(folder, 'model.safetensors'), tensors());

/** A file in another element type, its data starting at any byte. */
function writeRaw(
  path: string,
  dtype: string,
  bytes: (value: number) => number[],
  spaces = 0,
  changed: Record<string, number[]> = {},
): void {
  const header: Record<string, object> = {};
  const data: number[] = [];
  for (const tensor of tensors(changed)) {
    const begin = data.length;
    for (const value of tensor.data) data.push(...bytes(value));
    header[tensor.name] = { dtype, shape: tensor.shape, data_offsets: [begin, data.length] };
  }
  const text = Buffer.from(JSON.stringify(header) + ' '.repeat(spaces));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, Buffer.from(data)]));
}

const bits = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!;
const bfloat16 = (value: number) => [(bits(value) >>> 16) & 255, bits(value) >>> 24];
const binary32 = (value: number) => [...new Uint8Array(Float32Array.of(value).buffer)];

function expectAllValues(weights: Awaited<ReturnType<typeof openModelFolder>>['weights']): void {
  expect([...weights.keys()]).toEqual(Object.keys(shapes));
  for (const { name, data } of tensors()) {
    const entry = weights.get(name)!;
    expect([entry.dtype, entry.offset % 4]).toEqual(['F32', 0]);
    expect(readTensor(entry), name).toEqual(data);
  }
}

describe('openModelFolder', () => {
  it('names weight files without links, as a download cache keeps a model', async () => {
    const folder = await modelFolder(float32);
    const { identity } = await openModelFolder(folder);
    const blobs = join(temporary(), 'blobs');
    mkdirSync(blobs);
    renameSync(join(folder, 'model.safetensors'), join(blobs, '0123abcd'));
    symlinkSync(join('..', 'blobs', '0123abcd'), join(folder, 'model.safetensors'));
    const model = await openModelFolder(folder);
    expectAllValues(model.weights);
    expect(new Set([...model.weights.values()].map(({ file }) => file))).toEqual(
      new Set([realpathSync(join(blobs, '0123abcd'))]),
    );
    expect(model.identity).toBe(identity);
  });

  it('uses float32 weights where they are', async () => {
    const folder = await modelFolder(float32);
    const model = await openModelFolder(folder);
    expectAllValues(model.weights);
    const path = realpathSync(join(folder, 'model.safetensors'));
    for (const { file } of model.weights.values()) expect(file).toBe(path);
    expect(await listCachedModels()).toEqual([]);
  });

  it('converts bfloat16 weights once', async () => {
    const folder = await modelFolder((to) => writeRaw(join(to, 'model.safetensors'), 'BF16', bfloat16));
    const model = await openModelFolder(folder);
    expectAllValues(model.weights);
    const [cached] = await listCachedModels();
    expect(cached?.record.source).toEqual({ kind: 'folder', path: folder });
    const { mtimeMs } = statSync(join(cached!.path, 'model.safetensors'));
    expect((await openModelFolder(folder)).identity).toBe(model.identity);
    expect(statSync(join(cached!.path, 'model.safetensors')).mtimeMs).toBe(mtimeMs);
  });

  it('repacks float32 weights that cannot be mapped', async () => {
    const folder = await modelFolder((to) => {
      for (const spaces of [0, 1, 2, 3]) {
        writeRaw(join(to, 'model.safetensors'), 'F32', binary32, spaces);
        if (readFileSync(join(to, 'model.safetensors')).readUInt32LE() % 4 !== 0) return;
      }
    });
    expectAllValues((await openModelFolder(folder)).weights);
    expect(await listCachedModels()).toHaveLength(1);
  });

  it('copies shards whose links lead to different folders, which no runtime maps at once', async () => {
    const folder = await modelFolder(async (to) => {
      const parts = { 'a.safetensors': tensors().slice(0, 5), 'b.safetensors': tensors().slice(5) };
      const weightMap: Record<string, string> = {};
      for (const [file, part] of Object.entries(parts)) {
        const elsewhere = join(temporary(), `at-${file}`);
        mkdirSync(elsewhere);
        await writeSafetensors(join(elsewhere, file), part);
        symlinkSync(join(elsewhere, file), join(to, file));
        for (const { name } of part) weightMap[name] = file;
      }
      writeFileSync(join(to, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    });
    expectAllValues((await openModelFolder(folder)).weights);
    expect(await listCachedModels()).toHaveLength(1);
  });

  it('reads shards by their index and ignores tensors it does not need', async () => {
    const folder = await modelFolder(async (to) => {
      const all = [
        ...tensors(),
        { name: 'model.layers.0.rotary_emb.inv_freq', shape: [1], data: Float32Array.of(1) },
      ];
      const parts = {
        'model-00001-of-00002.safetensors': all.slice(0, 5),
        'model-00002-of-00002.safetensors': all.slice(5),
      };
      const weightMap: Record<string, string> = {};
      for (const [file, part] of Object.entries(parts)) {
        await writeSafetensors(join(to, file), part);
        for (const { name } of part) weightMap[name] = file;
      }
      writeFileSync(join(to, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    });
    expectAllValues((await openModelFolder(folder)).weights);
  });

  it('identifies a model by configuration and weights, wherever it lies', async () => {
    const folder = await modelFolder(float32);
    const { identity } = await openModelFolder(folder);
    const copy = join(temporary(), 'copy');
    cpSync(folder, copy, { recursive: true });
    expect((await openModelFolder(copy)).identity).toBe(identity);
    writeFileSync(join(copy, 'config.json'), JSON.stringify({ ...config, rms_norm_eps: 1e-5 }));
    expect((await openModelFolder(copy)).identity).not.toBe(identity);
    const changed = tensors();
    changed[3]!.data[2]! += 1;
    await writeSafetensors(join(folder, 'model.safetensors'), changed);
    expect((await openModelFolder(folder)).identity).not.toBe(identity);
  });

  const index = (map: unknown) => (to: string) =>
    writeFileSync(join(to, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
  it.each<[string, (folder: string) => unknown, RegExp]>([
    ['no weights', () => {}, /holds neither model.safetensors nor/],
    [
      'pickled weights',
      (to) => writeFileSync(join(to, 'pytorch_model.bin'), ''),
      /may be weights: pytorch_model.bin/,
    ],
    ['no config', (to) => rmSync(join(to, 'config.json')), /config.json: cannot read/],
    ['broken config', (to) => writeFileSync(join(to, 'config.json'), '{\n"a": }'), /config.json, line 2/],
    [
      'a missing tensor',
      (to) => writeSafetensors(join(to, 'model.safetensors'), tensors().slice(1)),
      /"model.embed_tokens.weight" of shape \[8, 4\] is missing/,
    ],
    [
      'an ill-shaped tensor',
      (to) => writeSafetensors(join(to, 'model.safetensors'), tensors({ 'model.norm.weight': [5] })),
      /"model.norm.weight" has shape \[5\]; the configuration implies \[4\]/,
    ],
    [
      'integers',
      (to) => writeRaw(join(to, 'model.safetensors'), 'I32', binary32),
      /is I32; supported: F32, F16, BF16/,
    ],
    [
      'a shard outside the folder',
      index({ x: '../model.safetensors' }),
      /"..\/model.safetensors"; expected the name/,
    ],
    ['a shard by absolute path', index({ x: '/etc/model.safetensors' }), /expected the name/],
    ['a shard that is no text', index({ x: 3 }), /weight_map.x.*expected the name/],
    ['no map', index([]), /"weight_map": expected an object/],
    ['a shard that is not there', index({ x: 'a.safetensors' }), /a.safetensors/],
  ])('refuses a folder with %s', async (_, write, message) => {
    const folder = await modelFolder(write);
    await expect(openModelFolder(folder)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
    expect(await listCachedModels()).toEqual([]);
  });
});

describe('the cache', () => {
  const weightsOf = async () => join((await listCachedModels())[0]!.path, 'model.safetensors');
  const age = (path: string) => utimesSync(path, new Date(0), new Date(0));

  it('converts a GGUF file once, and keeps a record that verifies', async () => {
    const first = await openModel(TINY_GGUF);
    const again = await openModel(TINY_GGUF);
    expect(again).toEqual(first);
    const [model] = await listCachedModels();
    expect(await findDamage(model!, true)).toBeNull();
    expect(readdirSync(model!.path)).toEqual([
      'config.json',
      'model.safetensors',
      'source.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it.each<[string, (path: string) => void]>([
    ['truncated', (path) => truncateSync(path, 5000)],
    ['longer', (path) => appendFileSync(path, 'x')],
    ['gone', (path) => rmSync(path)],
    ['changed at its start', (path) => writeFileSync(path, readFileSync(path).fill(7, 100, 101))],
  ])('makes a model afresh, and says so, when its file is %s', async (_, damage) => {
    const { identity } = await openModel(TINY_GGUF);
    damage(await weightsOf());
    const warnings: string[] = [];
    const model = await openModel(TINY_GGUF, { warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringMatching(/model\.safetensors: .*; it is made afresh/)]);
    expect(model.identity).toBe(identity);
    expect(await findDamage((await listCachedModels())[0]!, true)).toBeNull();
  });

  it('converts weights afresh, and says so, when the copy was changed far from its start', async () => {
    const vocabulary = 100_000;
    const changed = { 'model.embed_tokens.weight': [vocabulary, 4] };
    const folder = await modelFolder((to) => {
      writeFileSync(join(to, 'config.json'), JSON.stringify({ ...config, vocab_size: vocabulary }));
      writeRaw(join(to, 'model.safetensors'), 'BF16', bfloat16, 0, changed);
    });
    const { identity } = await openModelFolder(folder);
    const path = await weightsOf();
    const bytes = readFileSync(path);
    expect(bytes.length).toBeGreaterThan(1 << 20);
    writeFileSync(path, bytes.fill(7, bytes.length - 2));
    const warnings: string[] = [];
    const model = await openModelFolder(folder, { warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([
      expect.stringMatching(/model\.safetensors: is not what was written.*made afresh/),
    ]);
    expect(model.identity).toBe(identity);
    expect(await findDamage((await listCachedModels())[0]!, true)).toBeNull();
  });

  it('removes what a killed process left long ago, and leaves fresh work alone', async () => {
    await openModel(TINY_GGUF);
    const [model] = await listCachedModels();
    for (const suffix of ['.tmp-old', '.tmp-new']) mkdirSync(model!.path + suffix);
    age(`${model!.path}.tmp-old`);
    rmSync(model!.path, { recursive: true });
    await openModel(TINY_GGUF);
    expect(readdirSync(join(model!.path, '..')).filter((name) => name.includes('.tmp-'))).toEqual([
      expect.stringMatching(/\.tmp-new$/),
    ]);
  });

  it('serves two processes that convert at once', async () => {
    const models = await Promise.all([openModel(TINY_GGUF), openModel(TINY_GGUF)]);
    expect(models[0]).toEqual(models[1]);
  });

  it('notices a changed file behind a remembered hash, its old modification time put back', async () => {
    const path = join(temporary(), 'file');
    writeFileSync(path, 'one');
    age(path);
    // A file must have been still for a while before its hash is remembered.
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
    const before = await cachedSha256(path);
    vi.restoreAllMocks();
    expect(readdirSync(join(temporary(), 'cache', 'hashes'))).toHaveLength(1);
    expect(await cachedSha256(path)).toBe(before);
    writeFileSync(path, 'two');
    age(path);
    expect(await cachedSha256(path)).not.toBe(before);
  });
});

describe('openModel', () => {
  it.each([
    ['no-such-thing', /no-such-thing: no such folder or file.*known: tiny, smollm2-135m-instruct/],
    ['smollm2-135m-instrukt', /Did you mean "smollm2-135m-instruct"/],
    ['owner/name', /lifealign models pull owner\/name/],
  ])('refuses the name %s', async (name, message) => {
    await expect(openModel(name)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });

  it('refuses a file that is not GGUF by name', async () => {
    const file = join(temporary(), 'model.bin');
    writeFileSync(file, '');
    await expect(openModel(file)).rejects.toThrow(/model.bin: expected a folder .* or a .gguf file/);
  });
});
