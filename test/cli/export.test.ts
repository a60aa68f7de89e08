/** `lifealign export`: what leaves gives the log-probs of base and adapter; what does not, says so. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OrtEngine } from '../../src/engine/ort/ort-engine.ts';
import { readPeftAdapter, writePeftAdapter } from '../../src/model/peft.ts';
import { readSafetensorsHeader, readTensor } from '../../src/model/weights/safetensors.ts';
import {
  ALL_MODULES,
  FAMILIES,
  type FamilyName,
  randomAdapter,
  writeRandomModel,
} from '../export/random-model.ts';
import { withCut } from '../faults/cut.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { contents, type Ended, lifealign, MODEL, ROWS } from './command.ts';

const folder = useTemporaryCache();
afterEach(() => vi.restoreAllMocks());
const at = (name: string) => join(folder(), name);
const ADAPTER = join(MODEL, 'adapters/all');

const args = (format: string, ...more: string[]) => [
  ...['export', '--model', MODEL, '--adapter', ADAPTER, '--format', format, '--output', at('out'), ...more],
];

/** The two log-probs of every row, as `score` writes them. */
async function scores(model: string, adapter?: string): Promise<number[][]> {
  const output = at('scores.jsonl');
  const flags = adapter === undefined ? [] : ['--adapter', adapter];
  const ended = await lifealign('score', '--model', model, ...flags, '--data', ROWS, '--output', output);
  expect(ended.code, ended.stderr).toBe(0);
  const lines = readFileSync(output, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line)).map((row) => [row.chosen_logp, row.rejected_logp]);
}

function expectClose(found: number[][], expected: number[][], tolerance: number): void {
  const differences = expected.flat().map((value, index) => Math.abs(found.flat()[index]! / value - 1));
  expect(Math.max(...differences)).toBeLessThan(tolerance);
}

/** Between them heads are tied and not, and GGUF has rows of weights in two orders. */
const FORMS: Readonly<Record<FamilyName, readonly string[]>> = {
  llama: ['merged', 'peft', 'gguf-lora'],
  mistral: ['gguf-lora'],
  qwen2: ['merged', 'gguf-lora'],
};

it('warns where an adapter was trained over a quantized base and goes on another', async () => {
  const { baseModel, ...adapter } = await readPeftAdapter(ADAPTER);
  const basePrecisions = ['nf4/bfloat16'];
  await writePeftAdapter(at('adapter'), adapter, { baseModel, basePrecisions });
  expect(await readPeftAdapter(at('adapter'))).toEqual({ ...adapter, baseModel, basePrecisions });
  const run = (format: string) => [
    ...['export', '--model', MODEL, '--adapter', at('adapter'), '--format', format, '--output', at(format)],
  ];
  const merged = await lifealign(...run('merged'));
  expect(merged.code, merged.stderr).toBe(0);
  expect(merged.stderr).toContain(
    'warning: the adapter was trained over a base in nf4/bfloat16; merged puts',
  );
  expect(merged.stderr.match(/nf4/g)).toHaveLength(1);
  expect((await lifealign(...run('peft'))).stderr).not.toContain('nf4');
  expect((await readPeftAdapter(at('peft'))).basePrecisions).toEqual(basePrecisions);
});

describe.each(Object.keys(FAMILIES) as FamilyName[])('a %s model', (family) => {
  beforeEach(async () => {
    const config = await writeRandomModel(at('model'), family);
    const adapter = randomAdapter(config, { rank: 3, alpha: 5, targets: ALL_MODULES });
    await writePeftAdapter(at('adapter'), adapter, { baseModel: 'model' });
  });
  const run = (format: string, ...more: string[]) =>
    lifealign(
      ...['export', '--model', at('model'), '--adapter', at('adapter'), '--format', format],
      ...['--output', at('out'), ...more],
    );

  it.runIf(FORMS[family].includes('merged'))(
    'is merged so that the folder alone scores as base and adapter do',
    async () => {
      const { code, stdout, stderr } = await run('merged', '--max-shard-size', '40KB');
      expect(code, stderr).toBe(0);
      const names = readdirSync(at('out'));
      expect(names.filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(2);
      expect(names).toContain('model.safetensors.index.json');
      const { verification, files } = JSON.parse(stdout);
      expect(verification.largest_difference).toBeLessThan(1e-5);
      expect(verification.adapter_effect).toBeGreaterThan(0.01);
      expect(files.map(({ name }: { name: string }) => name)).toEqual(names.sort());
      expectClose(await scores(at('out')), await scores(at('model'), at('adapter')), 1e-5);
      const { tie_word_embeddings: isTied = false } = FAMILIES[family] as { tie_word_embeddings?: boolean };
      const index = JSON.parse(readFileSync(join(at('out'), 'model.safetensors.index.json'), 'utf8'));
      expect('lm_head.weight' in index.weight_map).toBe(!isTied);
    },
  );

  it.each(FORMS[family].filter((form) => form !== 'merged'))(
    'gives an adapter of the form %s',
    async (format) => {
      const { code, stdout, stderr } = await run(format);
      expect(code, stderr).toBe(0);
      const { verification } = JSON.parse(stdout);
      expect(verification).toMatchObject({ pairs: 6, largest_difference: 0 });
      expect(verification.adapter_effect).toBeGreaterThan(0.01);
      if (format === 'peft') {
        const [before, after] = [await readPeftAdapter(at('adapter')), await readPeftAdapter(at('out'))];
        expect([...after.tensors]).toEqual([...before.tensors]);
      }
    },
  );
});

describe('a merged folder', () => {
  it.each([
    ['bfloat16', 'BF16'],
    ['float16', 'F16'],
  ])('is in %s where that is asked for', async (dtype, tag) => {
    const { code, stdout, stderr } = await lifealign(...args('merged', '--dtype', dtype));
    expect(code, stderr).toBe(0);
    const { entries } = readSafetensorsHeader(join(at('out'), 'model.safetensors'));
    expect(new Set([...entries.values()].map((entry) => entry.dtype))).toEqual(new Set([tag]));
    expect(JSON.parse(readFileSync(join(at('out'), 'config.json'), 'utf8')).dtype).toBe(dtype);
    expect(JSON.parse(stdout)).toMatchObject({ dtype, format: 'merged' });
    expect(contents(at('out'))).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('has the dtype of its base where none is asked for, and its other files', async () => {
    cpSync(MODEL, at('base'), { recursive: true });
    const config = JSON.parse(readFileSync(join(MODEL, 'config.json'), 'utf8'));
    writeFileSync(at('base/config.json'), JSON.stringify({ ...config, dtype: 'bfloat16' }));
    writeFileSync(at('base/generation_config.json'), '{"eos_token_id": [2, 5], "temperature": 0.6}');
    writeFileSync(at('base/chat_template.jinja'), "{% for m in messages %}{{ m['content'] }}{% endfor %}");
    writeFileSync(at('base/LICENSE'), 'terms');
    writeFileSync(at('base/modeling_custom.py'), 'print()');
    const { code, stdout, stderr } = await lifealign(...args('merged'), '--model', at('base'));
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout).dtype).toBe('bfloat16');
    for (const name of ['generation_config.json', 'chat_template.jinja', 'LICENSE']) {
      expect(readFileSync(join(at('out'), name), 'utf8')).toBe(readFileSync(at(`base/${name}`), 'utf8'));
    }
    expect(contents(at('out'))).not.toContain('modeling_custom.py');
  });

  it('leaves weights without an adapter bit for bit as they were', async () => {
    const attention = join(MODEL, 'adapters/attention');
    await lifealign(...args('merged'), '--adapter', attention);
    const [before, after] = [MODEL, at('out')].map(
      (path) => readSafetensorsHeader(join(path, 'model.safetensors')).entries,
    );
    const changed = [...before!].flatMap(([name, entry]) =>
      Buffer.from(readTensor(entry).buffer).equals(Buffer.from(readTensor(after!.get(name)!).buffer))
        ? []
        : [name],
    );
    expect(changed.sort()).toEqual(
      [0, 1].flatMap((layer) =>
        ['q', 'v'].map((one) => `model.layers.${layer}.self_attn.${one}_proj.weight`),
      ),
    );
  });

  it('gives the same bytes twice', async () => {
    await lifealign(...args('merged'));
    await lifealign(...args('merged'), '--output', at('again'));
    for (const name of contents(at('out'))) {
      expect(readFileSync(join(at('out'), name)).equals(readFileSync(join(at('again'), name)))).toBe(true);
    }
  });
});

it('leaves nothing in the cache but hashes', async () => {
  await lifealign(...args('merged', '--dtype', 'bfloat16'));
  expect(readdirSync(at('cache')).filter((name) => name !== 'hashes')).toEqual([]);
});

it('takes the weights of an adapter in half precision', async () => {
  const { code, stdout, stderr } = await lifealign(...args('peft', '--dtype', 'bfloat16'));
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout).verification.largest_difference).toBeGreaterThan(0);
  const [entry] = readSafetensorsHeader(join(at('out'), 'adapter_model.safetensors')).entries.values();
  expect(entry!.dtype).toBe('BF16');
});

describe('an export that does not give the log-probs', () => {
  it.each(['merged', 'gguf-lora'])('of %s fails with 1, is kept, and has not the name', async (format) => {
    const { score } = OrtEngine.prototype;
    let call = 0;
    vi.spyOn(OrtEngine.prototype, 'score').mockImplementation(async function (this: OrtEngine, ...given) {
      const result = await score.apply(this, given);
      // The third is of what was written.
      return ++call === 3 ? { ...result, chosen: result.chosen.map((value) => value * 1.01) } : result;
    });
    const { code, stdout, stderr } = await lifealign(...args(format));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/log-probs differ from those of base and adapter by up to 0\.\d+ nats per token/);
    const [kept, ...more] = contents(folder()).filter((name) => !name.includes('/'));
    expect(more).toEqual([]);
    expect(kept).toMatch(/^out\.mismatch-[0-9a-f]{6}$/);
    expect(stderr).toContain(kept);
    expect(contents(at(kept!)).length).toBeGreaterThan(0);
  });

  it('fails where they are no numbers', async () => {
    cpSync(MODEL, at('model'), { recursive: true });
    const weights = readFileSync(at('model/model.safetensors'));
    weights.writeFloatLE(Number.NaN, weights.length - 4);
    writeFileSync(at('model/model.safetensors'), weights);
    const { code, stderr } = await lifealign(...args('peft'), '--model', at('model'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/by up to NaN nats per token/);
  });
});

it('warns where rounding loses what the adapter does', async () => {
  const adapter = await readPeftAdapter(ADAPTER);
  const tensors = new Map(
    [...adapter.tensors].map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((value) => value / 100) },
    ]),
  );
  await writePeftAdapter(at('weak'), { ...adapter, tensors });
  const { code, stderr } = await lifealign(...args('merged', '--dtype', 'bfloat16'), '--adapter', at('weak'));
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: .*writing it as bfloat16 .*much of what was learned may be lost/);
});

describe('what cannot be exported is refused with 2, nothing written', () => {
  const refused = async (given: string[], message: RegExp) => {
    const before = contents(folder());
    const { code, stdout, stderr } = await lifealign(...given);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toMatch(/^\s+at |defect/m);
    expect(contents(folder())).toEqual(before);
  };

  it.each<[string, () => string[], RegExp]>([
    [
      'an unknown format',
      () => args('onnx'),
      /--format.*is invalid. Allowed choices are peft, merged, gguf-lora/s,
    ],
    ['no format', () => args('peft').filter((one) => one !== '--format' && one !== 'peft'), /--format/],
    ['an unknown dtype', () => args('merged', '--dtype', 'int8'), /--dtype/],
    [
      'a size that is none',
      () => args('merged', '--max-shard-size', '2 apples'),
      /expected a size like 500MB/,
    ],
    ['a size of nothing', () => args('merged', '--max-shard-size', '0GB'), /--max-shard-size 0GB/],
    [
      'shards of an adapter',
      () => args('peft', '--max-shard-size', '2GB'),
      /is for --format merged, not peft/,
    ],
    [
      'an adapter that is not there',
      () => [...args('peft'), '--adapter', at('none')],
      /none: not a PEFT adapter/,
    ],
    ['a model that is not there', () => [...args('peft'), '--model', at('none')], /no such folder or file/],
  ])('%s', (_, given, message) => refused(given(), message));

  it('an output that is there', async () => {
    mkdirSync(at('out'));
    writeFileSync(at('out/mine'), 'text');
    await refused(args('peft'), /out: the folder already exists/);
    expect(readFileSync(at('out/mine'), 'utf8')).toBe('text');
  });

  it('an adapter of another model', async () => {
    const config = await writeRandomModel(at('model'), 'qwen2');
    const adapter = randomAdapter({ ...config, layers: 3 }, { rank: 2, alpha: 2, targets: ['q_proj'] });
    await writePeftAdapter(at('adapter'), adapter);
    await refused([...args('merged'), '--adapter', at('adapter')], /the adapter does not fit the model/);
  });

  it('values beyond float16', async () => {
    const adapter = await readPeftAdapter(ADAPTER);
    const tensors = new Map(
      [...adapter.tensors].map(([name, { shape, data }]) => [
        name,
        { shape, data: data.map((value) => value * 1e4) },
      ]),
    );
    await writePeftAdapter(at('strong'), { ...adapter, tensors });
    await refused(
      [...args('merged', '--dtype', 'float16'), '--adapter', at('strong')],
      /tensor "model\.layers.*": the merged value .* cannot be held in float16; take another dtype/,
    );
  });

  it('a prompt pool', async () => {
    const { writePromptPool } = await import('../../src/model/prompt-pool-folder.ts');
    const data = new Float32Array(2 * 32).fill(0.1);
    const pool = {
      settings: { poolSize: 2, promptLength: 1, topK: 1 },
      tensors: new Map([['soft_prompts', { shape: [2, 32] as const, data }]]),
    };
    await writePromptPool(at('pool'), pool);
    await refused([...args('peft'), '--adapter', at('pool')], /a prompt pool cannot be exported/);
  });
});

it('a disk that fills up leaves nothing under the name', async () => {
  const kill = (): never => {
    throw new Error('nothing is killed');
  };
  const { calls } = await withCut(null, () => lifealign(...args('merged'), '--output', at('whole')));
  for (const share of [0.2, 0.6]) {
    let ended: Ended | undefined;
    await withCut({ at: Math.floor(share * calls), mode: 'full', kill }, async () => {
      ended = await lifealign(...args('merged'));
    });
    expect(ended!.code).toBe(1);
    expect(ended!.stderr).toMatch(/cannot write/);
    expect(contents(folder()).filter((name) => !name.startsWith('whole'))).toEqual([]);
  }
});

it('Ctrl-C ends with 1 and one line, nothing written', async () => {
  const { score } = OrtEngine.prototype;
  vi.spyOn(OrtEngine.prototype, 'score').mockImplementation(function (this: OrtEngine, ...given) {
    process.emit('SIGINT', 'SIGINT');
    return score.apply(this, given);
  });
  const ended = await lifealign(...args('merged'));
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 1, stdout: '' });
  expect(ended.stderr).toMatch(/lifealign: interrupted; nothing was written\n$/);
  expect(contents(folder())).toEqual([]);
});
