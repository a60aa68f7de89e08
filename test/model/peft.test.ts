/** PEFT folders and the adapters in them: reading, writing, and everything that is refused. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  adapterHash,
  type LoraAdapter,
  loraTensorName,
  mapAdapter,
  parseLoraTensorName,
} from '../../src/model/adapter.ts';
import { checkAdapterFits, initialiseAdapter, type LinearModule } from '../../src/model/lora-modules.ts';
import { readPeftAdapter, writePeftAdapter } from '../../src/model/peft.ts';
import { readSafetensorsHeader, writeSafetensors } from '../../src/model/weights/safetensors.ts';
import { UserError } from '../../src/support/errors.ts';
import { Random } from '../../src/support/random.ts';

/** Written by the real PEFT: see oracle/make_peft_fixture.py. */
const FIXTURE = new URL('./fixtures/peft-adapter', import.meta.url).pathname;

const modules: LinearModule[] = [0, 1, 2, 10].flatMap((layer) => [
  { path: `model.layers.${layer}.self_attn.q_proj`, inFeatures: 6, outFeatures: 6 },
  { path: `model.layers.${layer}.self_attn.v_proj`, inFeatures: 6, outFeatures: 2 },
  { path: `model.layers.${layer}.mlp.down_proj`, inFeatures: 9, outFeatures: 6 },
]);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-peft-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An adapter with every value random: B as well, and nothing exactly representable by luck. */
function randomAdapter(targets = ['q_proj', 'v_proj'], over = modules): LoraAdapter {
  const random = Random.fromSeed(1);
  const fresh = initialiseAdapter({ rank: 2, alpha: 3.5, targets }, over, random);
  return mapAdapter(fresh, ({ data }) => data.map(() => random.uniform() - 0.5));
}

const q = (layer: number, side: 'A' | 'B') => loraTensorName(`model.layers.${layer}.self_attn.q_proj`, side);

describe('a fresh adapter', () => {
  it('adds nothing: A uniform within 1/sqrt(in), B zero', () => {
    const wide = [{ path: 'model.layers.0.self_attn.q_proj', inFeatures: 1000, outFeatures: 10 }];
    const { tensors } = initialiseAdapter(
      { rank: 8, alpha: 16, targets: ['q_proj'] },
      wide,
      Random.fromSeed(0),
    );
    const a = tensors.get(q(0, 'A'));
    expect(a?.shape).toEqual([8, 1000]);
    const values = [...(a?.data ?? [])];
    const bound = 1 / Math.sqrt(1000);
    expect(Math.max(...values)).toBeLessThanOrEqual(bound);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-bound);
    expect(values.reduce((sum, x) => sum + x, 0) / 8000).toBeCloseTo(0, 3);
    // The variance of a uniform in ±b is b²/3.
    expect(values.reduce((sum, x) => sum + x * x, 0) / 8000 / (bound ** 2 / 3)).toBeCloseTo(1, 1);
    expect(tensors.get(q(0, 'B'))).toEqual({ shape: [10, 8], data: new Float32Array(80) });
  });

  it('is ordered by layer, then module, A before B; a module starts the same whatever else is targeted', () => {
    const settings = { rank: 2, alpha: 4, targets: ['v_proj', 'down_proj'] };
    const two = initialiseAdapter(settings, modules, Random.fromSeed(3));
    expect([...two.tensors.keys()].slice(-4)).toEqual([
      'base_model.model.model.layers.10.mlp.down_proj.lora_A.weight',
      'base_model.model.model.layers.10.mlp.down_proj.lora_B.weight',
      'base_model.model.model.layers.10.self_attn.v_proj.lora_A.weight',
      'base_model.model.model.layers.10.self_attn.v_proj.lora_B.weight',
    ]);
    const one = initialiseAdapter(
      { ...settings, targets: ['self_attn.v_proj'] },
      modules,
      Random.fromSeed(3),
    );
    expect(one.tensors.size).toBe(8);
    for (const [name, tensor] of one.tensors) expect(two.tensors.get(name)).toEqual(tensor);
    const whole = initialiseAdapter(
      { ...settings, targets: ['model.layers.1.mlp.down_proj'] },
      modules,
      Random.fromSeed(3),
    );
    expect(whole.tensors.size).toBe(2);
  });

  it.each([
    [{ rank: 0, alpha: 1, targets: ['q_proj'] }, /lora rank: expected an integer of at least 1, found 0/],
    [{ rank: 1.5, alpha: 1, targets: ['q_proj'] }, /lora rank/],
    [{ rank: 1, alpha: Number.NaN, targets: ['q_proj'] }, /lora alpha/],
    [{ rank: 1, alpha: 0, targets: ['q_proj'] }, /lora alpha/],
    [{ rank: 1, alpha: 1, targets: [] }, /at least one module name/],
    [
      { rank: 1, alpha: 1, targets: ['v_proj', 'q_porj'] },
      /"q_porj" matches no linear module of the model; it has q_proj, v_proj, down_proj\. Did you mean "q_proj"\?/,
    ],
    [{ rank: 1, alpha: 1, targets: ['proj'] }, /"proj" matches no/],
  ])('refuses %j', (settings, message) => {
    expect(() => initialiseAdapter(settings, modules, Random.fromSeed(0))).toThrow(message);
    expect(() => initialiseAdapter(settings, modules, Random.fromSeed(0))).toThrow(UserError);
  });
});

describe('whether an adapter fits', () => {
  it('is decided by module names and shapes', () => {
    const adapter = randomAdapter();
    expect(() => checkAdapterFits(adapter, modules, 'here')).not.toThrow();
    const other = modules.slice(0, 6).map((module) => ({ ...module, inFeatures: 5 }));
    expect(() => checkAdapterFits(adapter, other, 'here')).toThrow(
      /^here: the adapter does not fit the model: "\S+layers\.0\.\S+q_proj\.lora_A\.weight" is \[2, 6\], the model needs \[2, 5\]/,
    );
    expect(() => checkAdapterFits(adapter, other, 'here')).toThrow(/; and 8 more$/);
    expect(() => checkAdapterFits(adapter, modules.slice(0, 9), 'here')).toThrow(
      /layers\.10\.self_attn\.q_proj\.lora_A\.weight" belongs to no linear module/,
    );
  });
});

describe('the hash of an adapter', () => {
  it('changes with alpha, a name, or the last bit of a value, and not with the order of targets', () => {
    const adapter = randomAdapter();
    const { rank, alpha, targets } = adapter.settings;
    const hash = adapterHash(adapter);
    expect(adapterHash({ ...adapter, settings: { rank, alpha, targets: [...targets].reverse() } })).toBe(
      hash,
    );
    expect(adapterHash({ ...adapter, settings: { rank, alpha: 4, targets } })).not.toBe(hash);
    const negativeZero = mapAdapter(adapter, ({ data }) => data.map((x, i) => (i === 0 ? -0 : x)));
    const zero = mapAdapter(adapter, ({ data }) => data.map((x, i) => (i === 0 ? 0 : x)));
    expect(adapterHash(zero)).not.toBe(adapterHash(negativeZero));
    const renamed = new Map(
      [...adapter.tensors].map(([name, tensor]) => [name.replace('q_proj', 'k_proj'), tensor]),
    );
    expect(adapterHash({ ...adapter, tensors: renamed })).not.toBe(hash);
  });
});

describe('a PEFT folder', () => {
  it('gives back the adapter that was written, the same bytes every time', async () => {
    const adapter = randomAdapter(['v_proj', 'q_proj'], modules.slice(0, 9));
    await writePeftAdapter(folder, adapter, { baseModel: 'some/base', metadata: { task: 'first' } });
    const read = await readPeftAdapter(folder);
    expect(read.settings).toEqual({ rank: 2, alpha: 3.5, targets: ['q_proj', 'v_proj'] });
    expect(read.baseModel).toBe('some/base');
    expect([...read.tensors]).toEqual([...adapter.tensors]);
    expect(adapterHash(read)).toBe(adapterHash(adapter));
    expect(readdirSync(folder).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);

    const file = join(folder, 'adapter_model.safetensors');
    expect(readSafetensorsHeader(file).metadata).toEqual({ format: 'pt', task: 'first' });
    const bytes = readFileSync(file);
    await writePeftAdapter(folder, read, { metadata: { task: 'first' } });
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect((await readPeftAdapter(folder)).baseModel).toBeNull();
  });

  describe('names targets', () => {
    const written = () =>
      JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')).target_modules;
    const first = [0, 1].map((layer) => `model.layers.${layer}.self_attn.q_proj`);

    it('as they were given, where they say which modules there are', async () => {
      await writePeftAdapter(folder, randomAdapter(['v_proj', 'self_attn.q_proj']));
      expect(written()).toEqual(['self_attn.q_proj', 'v_proj']);
      await writePeftAdapter(folder, await readPeftAdapter(folder));
      expect(written()).toEqual(['self_attn.q_proj', 'v_proj']);
    });

    it('by whole paths for an adapter on the first layers alone, which a short name would widen', async () => {
      await writePeftAdapter(folder, randomAdapter(first));
      expect(written()).toEqual(first);
      expect((await readPeftAdapter(folder)).settings.targets).toEqual(first);
    });

    it.each([
      ['a pattern', '.*layers\\.[01]\\..*q_proj'],
      ['nothing', null],
      ['other modules', ['q_proj', 'k_proj']],
      ['too few modules', ['layers.0.self_attn.q_proj']],
    ])('by whole paths where the file names %s', async (_, target_modules) => {
      await writePeftAdapter(folder, randomAdapter(first));
      const file = join(folder, 'adapter_config.json');
      const config = JSON.parse(readFileSync(file, 'utf8'));
      writeFileSync(file, JSON.stringify({ ...config, target_modules }));
      const adapter = await readPeftAdapter(folder);
      expect(adapter.settings.targets).toEqual(first);
      await writePeftAdapter(folder, adapter);
      expect(written()).toEqual(first);
    });
  });

  it('written by PEFT is read: half precision, a pattern as target_modules, options at their defaults', async () => {
    const { settings, tensors, baseModel } = await readPeftAdapter(FIXTURE);
    const expected = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8'));
    const paths = [...tensors.keys()].map((name) => parseLoraTensorName(name)!.modulePath);
    expect(settings).toEqual({ rank: 3, alpha: 4, targets: [...new Set(paths)] });
    expect(baseModel).toBe(expected.base_model);
    expect(Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]))).toEqual(
      expected.tensors,
    );
    expect([...tensors.keys()].slice(0, 3)).toEqual([
      q(0, 'A'),
      q(0, 'B'),
      q(0, 'A').replace('q_proj', 'v_proj'),
    ]);
  });

  describe('is refused', () => {
    const changeConfig = (changes: object) => {
      cpSync(FIXTURE, folder, { recursive: true });
      const file = join(folder, 'adapter_config.json');
      const config = { ...JSON.parse(readFileSync(file, 'utf8')), ...changes };
      writeFileSync(file, JSON.stringify(config));
    };
    const refused = async (message: RegExp) => {
      const reading = readPeftAdapter(folder);
      await expect(reading).rejects.toThrow(message);
      await expect(reading).rejects.toBeInstanceOf(UserError);
    };

    it.each<[string, unknown]>([
      ['use_rslora', true],
      ['use_dora', true],
      ['use_qalora', true],
      ['use_bdlora', { nblocks: 2 }],
      ['rank_pattern', { q_proj: 4 }],
      ['alpha_pattern', { q_proj: 4 }],
      ['lora_bias', true],
      ['bias', 'all'],
      ['modules_to_save', ['lm_head']],
      ['layers_to_transform', 0],
      ['layers_to_transform', [0]],
      ['layers_pattern', 'layers'],
      ['fan_in_fan_out', true],
      ['exclude_modules', 'k_proj'],
      ['init_lora_weights', 'pissa_niter_4'],
      ['init_lora_weights', 'loftq'],
      ['loftq_config', { loftq_bits: 4 }],
      ['target_parameters', ['experts.gate']],
      ['trainable_token_indices', [1]],
      ['megatron_config', { a: 1 }],
      ['layer_replication', [[0, 1]]],
      ['alora_invocation_tokens', [1, 2]],
      ['arrow_config', { top_k: 2 }],
      ['velora_config', { num_groups: 2 }],
      ['kasa_config', { beta: 1 }],
      ['monteclora_config', { num_samples: 1 }],
    ])('for the option %s = %j, by name', async (field, value) => {
      changeConfig({ [field]: value });
      await refused(new RegExp(`adapter_config\\.json, field "${field}": .* not supported here`));
    });

    it.each<[object, RegExp]>([
      [{ peft_type: 'LOHA' }, /field "peft_type": .*"LORA"/],
      [{ r: 0 }, /field "r"/],
      [{ r: 2.5 }, /field "r"/],
      [{ r: '3' }, /field "r"/],
      [{ target_modules: 3 }, /field "target_modules": expected a list of names, or a pattern, found 3/],
      [{ lora_alpha: null }, /field "lora_alpha"/],
      [{ r: 4 }, /"\S+lora_A\.weight" has the shape \[3, 8\]; its config's r is 4: expected 4 rows/],
    ])('for the configuration %j', async (changes, message) => {
      changeConfig(changes);
      await refused(message);
    });

    it('though options that change nothing, and unknown ones, are not', async () => {
      changeConfig({
        init_lora_weights: 'gaussian',
        lora_dropout: 0.1,
        some_new_option: 7,
        rank_pattern: null,
      });
      await expect(readPeftAdapter(folder)).resolves.toMatchObject({ settings: { rank: 3 } });
    });

    it('without its files', async () => {
      await refused(/not a PEFT adapter folder: it has no adapter_config\.json/);
      cpSync(join(FIXTURE, 'adapter_config.json'), join(folder, 'adapter_config.json'));
      await refused(/adapter_model\.safetensors: cannot read: no such file/);
      writeFileSync(join(folder, 'adapter_model.bin'), '');
      await refused(/has adapter_model\.bin; expected adapter_model\.safetensors/);
      writeFileSync(join(folder, 'adapter_config.json'), '{"r": 1,\n}');
      await refused(/adapter_config\.json, line 2: invalid JSON/);
    });

    const matrix = (name: string, ...shape: number[]) => {
      const data = new Float32Array(shape.reduce((product, dimension) => product * dimension, 1));
      return { name, shape, data };
    };
    const nan = matrix(q(0, 'B'), 8, 3);
    nan.data[5] = Number.NaN;
    it.each<[string, ReturnType<typeof matrix>[], RegExp]>([
      ['no tensors', [], /holds no LoRA matrices/],
      ['an A without its B', [matrix(q(0, 'A'), 3, 8)], /q_proj\.lora_B\.weight" is missing/],
      [
        'ranks that differ',
        [matrix(q(0, 'A'), 3, 8), matrix(q(0, 'B'), 8, 2)],
        /lora_B\.weight" has the shape \[8, 2\]/,
      ],
      [
        'a tensor of three dimensions',
        [matrix(q(0, 'A'), 3, 8, 1), matrix(q(0, 'B'), 8, 3)],
        /expected a matrix/,
      ],
      ['an empty matrix', [matrix(q(0, 'A'), 3, 0), matrix(q(0, 'B'), 8, 3)], /\[3, 0\]; expected a matrix/],
      [
        'NaN',
        [matrix(q(0, 'A'), 3, 8), nan],
        /lora_B\.weight" has a value that is not finite: NaN at index 5/,
      ],
      [
        'a DoRA magnitude',
        [matrix('base_model.model.x.lora_magnitude_vector', 3)],
        /magnitude_vector" is not a LoRA/,
      ],
      ['an embedding', [matrix('base_model.model.x.lora_embedding_A', 3, 8)], /is not a LoRA matrix/],
    ])('for %s', async (_, tensors, message) => {
      changeConfig({});
      await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors);
      await refused(message);
    });
  });
});
