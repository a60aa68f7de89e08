/** Prompt pools on disk, and embeddings read from a model's files. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adapterHash, mapAdapter, type PromptPool, SOFT_PROMPTS } from '../../src/model/adapter.ts';
import { checkFits, readAdapterFolder, writeAdapterFolder } from '../../src/model/adapter-folder.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { nearestKeys } from '../../src/model/prompt-pool.ts';
import { TokenEmbeddings } from '../../src/model/token-embeddings.ts';
import { readTensor, writeSafetensors } from '../../src/model/weights/safetensors.ts';
import { temporaryFolder } from '../train/temporary-folder.ts';
import { openTiny } from './tiny.ts';

const settings = { poolSize: 3, promptLength: 2, topK: 2 };
const pool = (columns = 4): PromptPool => ({
  settings,
  tensors: new Map([
    [
      SOFT_PROMPTS,
      { shape: [6, columns], data: Float32Array.from({ length: 6 * columns }, (_, at) => at / 7) },
    ],
  ]),
});

describe('a prompt pool on disk', () => {
  it('comes back bit for bit, in files that are the same every time', async () => {
    const folder = join(temporaryFolder(), 'pool');
    await writeAdapterFolder(folder, pool(), { baseModel: 'some/base' });
    expect(readdirSync(folder).sort()).toEqual(['prompt_pool.json', 'prompt_pool.safetensors']);
    expect(await readAdapterFolder(folder)).toEqual({ ...pool(), baseModel: 'some/base' });
    const bytes = () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'base64'));
    const before = bytes();
    await writeAdapterFolder(folder, pool(), { baseModel: 'some/base' });
    expect(bytes()).toEqual(before);
    await writeAdapterFolder(folder, pool(), { baseModel: null, basePrecisions: ['bfloat16'] });
    expect(await readAdapterFolder(folder)).toMatchObject({ basePrecisions: ['bfloat16'] });
    await expect(readPeftAdapter(folder)).rejects.toThrow(
      /pool: holds a prompt pool; expected a PEFT adapter/,
    );
  });

  const config = {
    ...{ format: 'lifealign prompt pool 1', base_model_name_or_path: null },
    ...{ pool_size: 3, prompt_length: 2, top_k: 2 },
  };
  const tensor = (shape: number[], data: number[]) => [
    { name: SOFT_PROMPTS, shape, data: Float32Array.from(data) },
  ];
  const good = tensor([6, 1], [1, 2, 3, 4, 5, 6]);

  it.each([
    [
      'of another format',
      { ...config, format: 'lifealign prompt pool 2' },
      good,
      /prompt_pool\.json, field "format"/,
    ],
    ['with an unknown key', { ...config, keys: 1 }, good, /prompt_pool\.json: .*keys/],
    ['with no prompts', { ...config, pool_size: 0 }, good, /field "pool_size"/],
    [
      'that gives more than it has',
      { ...config, top_k: 4 },
      good,
      /field "top_k": 4, more than the pool's 3/,
    ],
    [
      'of other rows than it says',
      { ...config, pool_size: 4 },
      good,
      /has the shape \[6, 1\]; expected 4 · 2 rows/,
    ],
    ['without a matrix', config, [{ ...good[0]!, name: 'other' }], /tensor "soft_prompts" is missing/],
    ['with a number that is none', config, tensor([6, 1], [1, 2, NaN, 4, 5, 6]), /not finite at index 2/],
  ])('is refused: one %s', async (_, json, tensors, message) => {
    const folder = join(temporaryFolder(), 'pool');
    mkdirSync(folder);
    writeFileSync(join(folder, 'prompt_pool.json'), JSON.stringify(json));
    await writeSafetensors(join(folder, 'prompt_pool.safetensors'), tensors);
    const reading = readAdapterFolder(folder);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({ exitCode: 2 });
  });

  it('is another policy with any other value or setting', () => {
    const hashes = [
      pool(),
      mapAdapter(pool(), ({ data }) => data.map((value, at) => (at === 5 ? value + 1 : value))),
      { ...pool(), settings: { ...settings, topK: 1 } },
      { ...pool(), settings: { ...settings, poolSize: 2, promptLength: 3 } },
    ].map(adapterHash);
    expect(new Set(hashes).size).toBe(4);
  });

  it('fits a model whose embeddings are as wide', async () => {
    const { model } = await openTiny('untied-gqa', 'all');
    const site = { modules: [], config: model.config };
    expect(() => checkFits(pool(32), site, 'here')).not.toThrow();
    expect(() => checkFits(pool(4), site, 'here')).toThrow(
      "here: the prompt pool does not fit the model: its soft prompts have 4 numbers, the model's embeddings 32",
    );
  });
});

describe('token embeddings', () => {
  it.each(['untied-gqa', 'biased'])('are rows of the table of %s, and their means', async (name) => {
    const { model } = await openTiny(name, name === 'biased' ? 'mixed' : 'all');
    const { hiddenSize, vocabularySize } = model.config;
    const table = readTensor(model.weights.get('model.embed_tokens.weight')!);
    const embeddings = TokenEmbeddings.of(model);
    const rowOf = (token: number) => table.slice(token * hiddenSize, (token + 1) * hiddenSize);
    expect(embeddings.vectors([5, 0, vocabularySize - 1, 5])).toEqual(
      Float32Array.from([5, 0, vocabularySize - 1, 5].flatMap((token) => [...rowOf(token)])),
    );
    const mean = embeddings.mean(Int32Array.of(3, 3, 8));
    mean.forEach((value, at) => {
      expect(value).toBeCloseTo((2 * rowOf(3)[at]! + rowOf(8)[at]!) / 3, 12);
    });
    expect(() => embeddings.vectors([vocabularySize])).toThrow(`has no row ${vocabularySize}`);
  });
});

it('the nearest keys are chosen by direction alone, the first of equals', () => {
  const vectors = (...all: number[][]) => all.map((one) => Float64Array.from(one));
  const keys = vectors([100, 1], [0.1, 0.1], [0, 0], [-5, 0], [1, 1]);
  const [query] = vectors([1, 1]);
  expect(nearestKeys(query!, keys, 5)).toEqual([1, 4, 0, 2, 3]);
  expect(nearestKeys(query!, keys, 2)).toEqual([1, 4]);
  expect(nearestKeys(Float64Array.of(0, 0), keys, 2)).toEqual([0, 1]);
});
