import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { rememberName } from '../../src/model/names.ts';
import { writePeftAdapter } from '../../src/model/peft.ts';
import { Random } from '../../src/support/random.ts';
import { applyOverrides } from '../../src/train/config/overrides.ts';
import { readRunConfig } from '../../src/train/config/resolve.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { toyModel } from './toy-engine.ts';

const minimal = `
base: some-model
tasks:
  - {name: first, train: data/train.json, test: data/test.json}
`;

function configFile(text: string, folder = temporaryFolder()): string {
  const file = join(folder, 'run.yaml');
  writeFileSync(file, text);
  return file;
}
const read = (extra = '', overrides: readonly string[] = []) =>
  readRunConfig(configFile(minimal + extra), overrides);

describe('a run config', () => {
  it('has the paper’s defaults for everything but base and tasks', async () => {
    const folder = temporaryFolder();
    const config = await readRunConfig(configFile(minimal, folder));
    const schedule = { schedule: 'cosine', warmup_ratio: 0.1, max_grad_norm: 1, weight_decay: 0 };
    expect(config).toEqual({
      base: join(folder, 'some-model'),
      engine: { name: 'ort' },
      adapter: null,
      method: 'lifealign',
      method_settings: {},
      lora: { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] },
      tasks: [
        {
          name: 'first',
          train: join(folder, 'data/train.json'),
          test: join(folder, 'data/test.json'),
          judge: null,
          train_rows: null,
          test_rows: null,
          private: false,
        },
      ],
      stages: {
        sft: { epochs: 3, learning_rate: 1e-4, batch_size: 16, ...schedule },
        preference: {
          epochs: 3,
          learning_rate: 5e-6,
          batch_size: 16,
          ...schedule,
          objective: { name: 'fpo', beta: 0.1, gamma: 2, label_smoothing: 0 },
        },
      },
      replay: { capacity: 3000, fraction: 0.2, policy: 'paper' },
      consolidation: { space: 'factors', threshold: 0.9, lambda: 0.5 },
      reference: 'base',
      evaluate: 'seen',
      generation: { max_new_tokens: 1024, samples: 3 },
      general: { rows: 'builtin:neutral/general', limit: 32, max_new_tokens: 24 },
      backward: 'float32',
      max_length: 2048,
      invalid_rows: 'error',
      seed: 0,
    });
  });

  it.each([
    ['er', 'dpo', true, false],
    ['seqft', 'dpo', false, false],
    ['stl', 'dpo', false, false],
    ['mtl', 'dpo', false, false],
    ['ewc', 'dpo', false, false],
    ['gem', 'dpo', false, false],
    ['cppo', 'dpo', false, false],
    ['olora', 'dpo', false, false],
    ['lifealign', 'fpo', true, true],
  ])('%s brings its own defaults', async (method, objective, replay, consolidation) => {
    const config = await read(`method: ${method}`);
    expect(config.stages.preference.objective.name).toBe(objective);
    expect(config.replay !== null).toBe(replay);
    expect(config.consolidation !== null).toBe(consolidation);
  });

  it('lets what it says win over the method, setting by setting', async () => {
    const config = await read(
      'method: er\nreplay: {capacity: 10}\nstages: {preference: {objective: {name: fpo, gamma: 5}}}',
    );
    expect(config.replay).toEqual({ capacity: 10, fraction: 0.2, policy: 'paper' });
    expect(config.stages.preference.objective).toMatchObject({ name: 'fpo', gamma: 5 });
  });

  it.each([
    ['ewc', { lambda: 0.1, terms: 'all' }],
    ['gem', { margin: 0.1, decay: 0.9 }],
    ['cppo', { retention: 0.1, deviations: 1 }],
    ['olora', { orthogonality: 0.1, l2: 0.01 }],
    ['seqft', {}],
  ])('%s has the settings the paper gives it', async (method, settings) => {
    expect((await read(`method: ${method}`)).method_settings).toEqual(settings);
  });

  it('sets single settings of a method, and replays under any that has earlier tasks', async () => {
    const config = await read('method: ewc\nreplay: {capacity: 10}', ['method_settings.lambda=2']);
    expect(config.method_settings).toEqual({ lambda: 2, terms: 'all' });
    expect(config.replay).toEqual({ capacity: 10, fraction: 0.2, policy: 'paper' });
  });

  it('lets a method read the reference policy where the objective does not', async () => {
    const simpo = 'stages: {preference: {objective: {name: simpo}}}\nreference: previous';
    expect((await read(`method: cppo\n${simpo}`)).reference).toBe('previous');
  });

  it('can turn a method’s parts off for an ablation', async () => {
    const config = await read('replay: null\nconsolidation: null');
    expect([config.replay, config.consolidation]).toEqual([null, null]);
  });

  it('finds base and reference beside the file, and leaves names alone', async () => {
    const folder = temporaryFolder();
    const config = await readRunConfig(configFile(`${minimal}reference: ref`, folder));
    expect(config.base).toBe(join(folder, 'some-model'));
    expect(config.reference).toBe(join(folder, 'ref'));
    expect((await read('reference: previous')).reference).toBe('previous');
  });

  describe('decides once whether its base is a path or a name', () => {
    const baseOf = async (base: string, folder = temporaryFolder()) =>
      (await readRunConfig(configFile(minimal.replace('some-model', base), folder))).base;
    afterEach(() => vi.unstubAllEnvs());

    it('a known or pulled name stays a name, unless a folder beside the file has it too', async () => {
      const folder = temporaryFolder();
      vi.stubEnv('LIFEALIGN_CACHE', join(folder, 'cache'));
      await rememberName('owner/pulled', 'hub-owner--pulled');
      expect(await baseOf('smollm2-135m-instruct')).toBe('smollm2-135m-instruct');
      expect(await baseOf('owner/pulled')).toBe('owner/pulled');
      expect(await baseOf('owner/other', folder)).toBe(join(folder, 'owner/other'));
      mkdirSync(join(folder, 'owner/pulled'), { recursive: true });
      expect(await baseOf('owner/pulled', folder)).toBe(join(folder, 'owner/pulled'));
    });

    it('never looks in the working directory', async () => {
      // "src" is a folder of the directory the tests run in.
      const folder = temporaryFolder();
      expect(await baseOf('src', folder)).toBe(join(folder, 'src'));
    });
  });

  it.each([
    ['base: *nothing\n', /run.yaml: an alias of the YAML cannot be resolved: .*nothing/],
    ['base: &loop [*loop]\n', /run.yaml: an alias of the YAML cannot be resolved: .*circular/],
    [
      `a0: &a0 [x]\n${[1, 2, 3, 4, 5].map((n) => `a${n}: &a${n} [${Array(9).fill(`*a${n - 1}`)}]\n`).join('')}`,
      /run.yaml: an alias of the YAML cannot be resolved: Excessive alias count/,
    ],
  ])('refuses aliases that cannot be resolved: %j', async (text, message) => {
    const reading = readRunConfig(configFile(text));
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({ name: 'DataError', exitCode: 2 });
  });

  it('reads back what a run writes, provenance and all', async () => {
    const config = await read('method: er');
    const written = JSON.stringify({ ...config, provenance: { versions: {} } });
    expect(await readRunConfig(configFile(written))).toEqual(config);
  });

  it('takes rank, alpha and targets from an adapter, and refuses to contradict it', async () => {
    const folder = temporaryFolder();
    const settings = { rank: 3, alpha: 6, targets: ['v_proj'] };
    const adapter = toyModel.createAdapter(settings, Random.fromSeed(0));
    await writePeftAdapter(join(folder, 'adapter'), adapter);
    const withAdapter = `${minimal}adapter: adapter\n`;
    expect((await readRunConfig(configFile(withAdapter, folder))).lora).toEqual(settings);
    expect((await readRunConfig(configFile(`${withAdapter}lora: {rank: 3}`, folder))).lora).toEqual(settings);
    await expect(readRunConfig(configFile(`${withAdapter}lora: {rank: 8}`, folder))).rejects.toThrow(
      /field "lora.rank": 8, but the adapter .* has 3/,
    );
  });

  it.each([
    ['methd: er', /field "methd": unknown key; .*Did you mean "method"\?/],
    ['stages: {sft: {learningrate: 1}}', /field "stages.sft.learningrate": .*Did you mean "learning_rate"\?/],
    ['stages: {dpo: {}}', /field "stages.dpo": unknown key; expected one of sft, preference/],
    ['lora: {rank: 0}', /field "lora.rank": expected number to be >0, found 0/],
    ['lora: {targets: []}', /field "lora.targets": expected array to have >=1 items/],
    ['stages: {sft: {epochs: -1}}', /field "stages.sft.epochs": expected number to be >=0, found -1/],
    ['stages: {sft: {epochs: 1.5}}', /field "stages.sft.epochs": expected int.* found 1.5/],
    ['stages: {sft: {learning_rate: 0}}', /field "stages.sft.learning_rate"/],
    ['stages: {sft: {schedule: cosin}}', /field "stages.sft.schedule": expected one of "cosine"\|"linear"/],
    ['stages: {preference: {warmup_ratio: 2}}', /field "stages.preference.warmup_ratio"/],
    ['stages: 3', /field "stages": expected object.* found 3/],
    [
      'consolidation: {theta: 1}',
      /field "consolidation.theta": unknown key; expected one of space, threshold, lambda/,
    ],
    ['consolidation: {space: sum}', /field "consolidation.space": expected one of "factors"\|"product"/],
    ['replay: {policy: newest}', /field "replay.policy": expected one of "paper"\|"reference"/],
    ['method: lifealing', /field "method": unknown method "lifealing".*Did you mean "lifealign"\?/],
    ['method: stl\nreplay: {capacity: 3}', /field "replay": the method stl has no replay/],
    ['method: mtl\nreplay: {}', /field "replay": the method mtl has no replay/],
    [
      'method_settings: {lambda: 1}',
      /field "method_settings": the method lifealign has no settings of its own/,
    ],
    [
      'method: ewc\nmethod_settings: {lamda: 1}',
      /field "method_settings.lamda": unknown key; expected one of lambda, terms. Did you mean "lambda"\?/,
    ],
    [
      'method: ewc\nmethod_settings: {lambda: -1}',
      /field "method_settings.lambda": expected number to be >=0/,
    ],
    ['method: gem\nmethod_settings: 3', /field "method_settings": expected object/],
    ['method: er\nconsolidation: {lambda: 1}', /field "consolidation": the method er has no consolidation/],
    ['stages: {preference: {objective: {name: dpoo}}}', /objective.name: .*Did you mean "dpo"\?/],
    [
      'stages: {preference: {objective: {name: dpo, gamma: 2}}}',
      /objective.gamma: "dpo" has no such setting/,
    ],
    [
      'stages: {preference: {objective: {name: sft}}}',
      /objective.name": "sft" looks at chosen responses only/,
    ],
    ['stages: {preference: {objective: {name: simpo}}}\nreference: previous', /field "reference": .*simpo/],
    ['seed: abc', /field "seed": expected number.* found "abc"/],
  ])('refuses %j, naming key and what was expected', async (extra, message) => {
    await expect(read(extra)).rejects.toThrow(message);
  });

  it('names what is missing', async () => {
    await expect(readRunConfig(configFile('base: x'))).rejects.toThrow(
      /field "tasks": missing; expected array/,
    );
    await expect(readRunConfig(configFile('tasks: [{name: a}]'))).rejects.toThrow(/field "base": missing/);
    await expect(readRunConfig('no-such.yaml')).rejects.toThrow(/no-such.yaml: cannot read: no such file/);
    await expect(readRunConfig(configFile('- 1'))).rejects.toThrow(/expected a mapping of keys/);
  });

  it('refuses task names that cannot be folders or come twice', async () => {
    const tasks = (...names: string[]) =>
      readRunConfig(
        configFile(
          `base: x\ntasks:\n${names.map((n) => `  - {name: "${n}", train: a, test: b}\n`).join('')}`,
        ),
      );
    await expect(tasks('../up')).rejects.toThrow(/field "tasks.0.name"/);
    await expect(tasks('one', 'One')).rejects.toThrow(
      /field "tasks.1.name": "One" names an earlier task too/,
    );
  });

  it('names the line of broken YAML', async () => {
    await expect(readRunConfig(configFile('base: x\ntasks: [\nmethod: er\n'))).rejects.toThrow(/line 3/);
    await expect(readRunConfig(configFile('base: x\nbase: y\n'))).rejects.toThrow(/line 2: .*unique/);
  });
});

describe('--set', () => {
  it('changes keys, list entries and whole parts, reading values as YAML', async () => {
    const config = await read('', [
      'method=er',
      'tasks.0.train_rows=8',
      'stages.sft.learning_rate=1e-3',
      'lora.targets=[k_proj, o_proj]',
      'stages.preference.objective.beta=0.5',
    ]);
    expect(config.method).toBe('er');
    expect(config.tasks[0]?.train_rows).toBe(8);
    expect(config.stages.sft.learning_rate).toBe(0.001);
    expect(config.lora?.targets).toEqual(['k_proj', 'o_proj']);
    expect(config.stages.preference.objective).toMatchObject({ name: 'dpo', beta: 0.5 });
  });

  it.each([
    ['method', /--set method: expected key=value/],
    ['=3', /expected key=value/],
    ['a..b=1', /"a..b" is not a key/],
    ['__proto__.x=1', /"__proto__.x" is not a key/],
    ['tasks.1.name=x', /"tasks" is a list of 1; expected 0 to 0/],
    ['base.x=1', /"base" is neither a mapping nor a list/],
    ['seed=[', /the value is not valid YAML/],
    ['seed=*x', /--set seed=\*x: an alias of the YAML cannot be resolved: .*x/],
    ['seeed=1', /field "seeed": unknown key/],
  ])('refuses %s', async (override, message) => {
    await expect(read('', [override])).rejects.toThrow(message);
  });

  it('leaves the tree it was given as it is', () => {
    const tree = { a: { b: 1 } };
    expect(applyOverrides(tree, ['a.b=2', 'a.c.d=3'])).toEqual({ a: { b: 2, c: { d: 3 } } });
    expect(tree).toEqual({ a: { b: 1 } });
  });

  it('changes one place alone where two are the same: by an alias, or as one object', async () => {
    const stage = { epochs: 2 };
    expect(applyOverrides({ sft: stage, preference: stage }, ['sft.epochs=1'])).toEqual({
      sft: { epochs: 1 },
      preference: { epochs: 2 },
    });
    const text = 'stages: {sft: &stage {epochs: 2}, preference: *stage}';
    const { stages } = await read(text, ['stages.sft.epochs=1']);
    expect([stages.sft.epochs, stages.preference.epochs]).toEqual([1, 2]);
  });
});
