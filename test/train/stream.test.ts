import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import { consolidateAdapter, MemoryHistory } from '../../src/memory/consolidate-adapter.ts';
import { adapterHash } from '../../src/model/adapter.ts';
import { readPeftAdapter, writePeftAdapter } from '../../src/model/peft.ts';
import { Random } from '../../src/support/random.ts';
import type { ConfigTree } from '../../src/train/config/overrides.ts';
import { workspace } from './temporary-folder.ts';
import { ToyEngine, toyModel, toyText } from './toy-engine.ts';
import { runToy, toyConfig } from './toy-stream.ts';

const readJson = (folder: string, name: string) =>
  JSON.parse(readFileSync(join(folder, 'output', name), 'utf8'));
const steps = (folder: string): Record<string, unknown>[] =>
  readFileSync(join(folder, 'output', 'steps.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
const taskAdapter = (folder: string, task: string) =>
  readPeftAdapter(join(folder, 'output/tasks', task, 'adapter'));

const trainRows = async (folder: string, task: string) =>
  (await readPreferenceRows(join(folder, `${task}-train.json`), { invalidRows: 'error' })).rows;

/** A config of one stage, so that what was trained on can be counted. */
const onlyPreference = (changes: ConfigTree = {}, objective?: object) => {
  const { stages, ...rest } = toyConfig(changes) as { stages: Record<string, object> };
  const preference = { ...stages['preference'], ...(objective ? { objective } : {}) };
  return { ...rest, stages: { sft: { epochs: 0 }, preference } };
};

describe('a stream', () => {
  it('leaves config, steps, matrix, adapters, scores and summary', async () => {
    const folder = workspace();
    const summary = await runToy(toyConfig(), { folder });
    expect(readdirSync(join(folder, 'output')).sort()).toEqual(
      ['checkpoints', 'config.yaml', 'matrix.json', 'steps.jsonl', 'summary.json', 'tasks'].sort(),
    );
    expect(readJson(folder, 'summary.json')).toEqual(summary);
    const { tasks, preference_accuracy, reward_accuracy, margin } = summary;
    expect(readJson(folder, 'matrix.json')).toEqual({ tasks, preference_accuracy, reward_accuracy, margin });
    expect(tasks).toEqual(['low', 'high']);
    expect(preference_accuracy.base).toHaveLength(2);
    expect(preference_accuracy.matrix[0]?.[1]).toBeNull();

    // 18 rows in batches of 4: 5 steps an epoch; then 18 + floor(0.2 · 18) rows: 6.
    const count = (task: string, stage: string) =>
      steps(folder).filter((step) => step['task'] === task && step['stage'] === stage).length;
    expect([count('low', 'sft'), count('low', 'preference')]).toEqual([10, 10]);
    expect([count('high', 'sft'), count('high', 'preference')]).toEqual([12, 12]);
    expect(summary.steps).toBe(44);
  });

  it('logs what each step did, and null for what SFT does not compute', async () => {
    const folder = workspace();
    await runToy(toyConfig(), { folder });
    const [first] = steps(folder);
    expect(Object.keys(first!)).toEqual([
      'task',
      'stage',
      'step',
      'loss',
      'grad_norm',
      'logps/chosen',
      'logps/rejected',
      'rewards/chosen',
      'rewards/rejected',
      'rewards/margins',
      'rewards/accuracies',
      'focal/mean',
      'focal/min',
      'focal/max',
      'learning_rate',
      'tokens_per_second',
    ]);
    expect(first).toMatchObject({ stage: 'sft', step: 1, 'logps/rejected': null, 'rewards/margins': null });
  });

  it('begins the preference stage of a fresh adapter at reward 0 and DPO loss log 2', async () => {
    const folder = workspace();
    await runToy(onlyPreference({ method: 'seqft' }), { folder });
    const [first] = steps(folder);
    expect(first!['loss']).toBeCloseTo(Math.log(2), 12);
    expect(first!['rewards/margins']).toBeCloseTo(0, 12);
    expect(first!['rewards/accuracies']).toBe(0);
    expect(first!['learning_rate']).toBe(0.02);
  });

  it('learns a task it is given alone', async () => {
    const folder = workspace();
    const { preference_accuracy, reward_accuracy, margin } = await runToy(toyConfig({ method: 'stl' }), {
      folder,
    });
    for (const task of [0, 1]) {
      expect(preference_accuracy.matrix[task]![task]).toBeGreaterThanOrEqual(
        preference_accuracy.base![task]!,
      );
      expect(reward_accuracy.matrix[task]![task]).toBeGreaterThan(80);
      expect(margin.matrix[task]![task]).toBeGreaterThan(0);
    }
  });

  it('writes scores per test row, without texts, from which the matrix follows', async () => {
    const folder = workspace();
    const { margin } = await runToy(toyConfig(), { folder });
    const rows = readJson(folder, 'tasks/2-high/scores/1-low.json') as Record<string, number>[];
    expect(rows.map((row) => row['index'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const margins = rows.map(
      (r) => r['chosen_logp']! - r['base_chosen_logp']! - (r['rejected_logp']! - r['base_rejected_logp']!),
    );
    expect(margins.reduce((sum, value) => sum + value, 0) / 10).toBeCloseTo(margin.matrix[1]![0]!, 12);
    expect(Object.values(rows[0]!).every((value) => typeof value === 'number')).toBe(true);
  });

  it('scores the base once per row, ever', async () => {
    const folder = workspace();
    const first = new ToyEngine();
    await runToy(onlyPreference(), { folder, engine: first });
    const ofBase = (engine: ToyEngine) =>
      engine.calls
        .filter((call) => call.kind === 'score' && call.adapter === null)
        .flatMap((call) => call.rows);
    expect(ofBase(first)).toHaveLength(18 + 10 + 18 + 10);

    const second = new ToyEngine();
    await runToy(onlyPreference(), {
      folder,
      engine: second,
      environment: { outputFolder: join(folder, 'second') },
    });
    expect(ofBase(second)).toHaveLength(0);
    expect(readFileSync(join(folder, 'second/matrix.json'))).toEqual(
      readFileSync(join(folder, 'output/matrix.json')),
    );
  });

  it('repeats with the same seed and differs with another', async () => {
    const hash = async (seed: number) => {
      const folder = workspace();
      await runToy(toyConfig({ seed }), { folder });
      return adapterHash(await taskAdapter(folder, '2-high'));
    };
    expect(await hash(1)).toBe(await hash(1));
    expect(await hash(2)).not.toBe(await hash(1));
  });

  it('counts, per task, the rows it used, the prompts it cut and the rows it left out', async () => {
    const folder = workspace();
    const row = (query: string, rejected = 'b') => ({ query, chosen: 'a', rejected });
    const write = (name: string, rows: object[]) => writeFileSync(join(folder, name), JSON.stringify(rows));
    const long = 'x'.repeat(50);
    write('low-train.json', [row('x', 'a'), row('y'), row(long), row(`${long}y`), row('z'), row('z', 'a')]);
    write('low-test.json', [row('q'), row(`${long}q`), row('r', 'a')]);
    const [low, high] = toyConfig()['tasks'] as object[];
    const tasks = [{ ...low, train_rows: 3 }, high];
    const tree = onlyPreference({ tasks, invalid_rows: 'skip', max_length: 20 });
    const { rows, cut_prompts, skipped_rows } = await runToy(tree, { folder });
    expect(rows).toEqual([
      {
        task: 'low',
        train: 3,
        train_cut_prompts: 2,
        train_skipped_rows: 1,
        test: 2,
        test_cut_prompts: 1,
        test_skipped_rows: 1,
      },
      {
        task: 'high',
        train: 18,
        train_cut_prompts: 0,
        train_skipped_rows: 0,
        test: 10,
        test_cut_prompts: 0,
        test_skipped_rows: 0,
      },
    ]);
    expect({ cut_prompts, skipped_rows }).toEqual({ cut_prompts: 3, skipped_rows: 2 });
    expect(readJson(folder, 'summary.json').rows).toEqual(rows);
  });

  it('does not write anything before everything is checked', async () => {
    const folder = workspace();
    writeFileSync(join(folder, 'high-test.json'), JSON.stringify([{ query: 'a', chosen: 'b' }]));
    await expect(runToy(toyConfig(), { folder })).rejects.toThrow(/high-test.json, row 1, field "rejected"/);
    expect(existsSync(join(folder, 'output'))).toBe(false);
  });

  it('stops when training diverges, naming loss and gradient norm', async () => {
    const folder = workspace();
    class Broken extends ToyEngine {
      override async gradients(...given: Parameters<ToyEngine['gradients']>) {
        return { ...(await super.gradients(...given)), loss: Number.NaN };
      }
    }
    await expect(runToy(toyConfig(), { folder, engine: new Broken() })).rejects.toThrow(
      /training diverged: the loss is NaN/,
    );
  });

  it('warns of a stage that cannot learn, and of test rows seen in training', async () => {
    const folder = workspace();
    writeFileSync(join(folder, 'low-test.json'), readFileSync(join(folder, 'low-train.json')));
    const lines: string[] = [];
    const stages = { sft: { epochs: 1, batch_size: 100 }, preference: { epochs: 0 } };
    await runToy(toyConfig({ stages }), { folder, environment: { log: (line) => lines.push(line) } });
    expect(lines).toContain('warning: task 1/2 low, sft: the only step is warm-up, at learning rate 0');
    expect(lines).toContain('warning: task low: 18 of 18 test rows have a prompt of its training rows');
  });
});

describe('an epoch', () => {
  it('takes every row once, the last batch being what is left, in another order each time', async () => {
    const folder = workspace();
    const engine = new ToyEngine();
    await runToy(onlyPreference({ method: 'seqft' }), { folder, engine });
    const batches = engine.calls.filter((call) => call.kind === 'gradients').map((call) => call.rows);
    expect(batches.slice(0, 5).map((rows) => rows.length)).toEqual([4, 4, 4, 4, 2]);
    const [first, second] = [batches.slice(0, 5).flat(), batches.slice(5, 10).flat()];
    expect(new Set(first).size).toBe(18);
    expect(new Set(second)).toEqual(new Set(first));
    expect(second).not.toEqual(first);
  });
});

describe('replay', () => {
  const trainedRows = (engine: ToyEngine, from: number) =>
    new Set(
      engine.calls
        .filter((call) => call.kind === 'gradients')
        .slice(from)
        .flatMap((call) => call.rows),
    );

  it('mixes rows of earlier tasks into later ones, with their reference log-probs', async () => {
    const folder = workspace();
    const engine = new ToyEngine();
    await runToy(onlyPreference(), { folder, engine });
    const low = trainedRows(engine, 0);
    const second = engine.calls.filter((call) => call.kind === 'gradients').slice(10);
    const all = new Set(second.flatMap((call) => call.rows));
    expect(all.size).toBe(18 + 3);
    expect([...all].filter((row) => low.has(row)).length).toBe(21);

    const scorer = new ToyEngine();
    for (const { rows, request } of second) {
      const expected = await scorer.score(rows, null);
      expect(request!.constants['reference_chosen']).toEqual(expected.chosen);
      expect(request!.constants['reference_rejected']).toEqual(expected.rejected);
    }
  });

  it('is left out by methods without it', async () => {
    const folder = workspace();
    const engine = new ToyEngine();
    await runToy(onlyPreference({ method: 'seqft' }), { folder, engine });
    expect(trainedRows(engine, 10).size).toBe(18);
  });
});

describe('the order of an epoch', () => {
  it('is drawn once, by seed, task, stage and epoch', async () => {
    const folder = workspace();
    const shuffle = vi.spyOn(Random.prototype, 'shuffle');
    const engine = new ToyEngine();
    await runToy(toyConfig({ method: 'seqft' }), { folder, engine });
    // Two tasks of two stages of two epochs.
    expect(shuffle).toHaveBeenCalledTimes(8);
    shuffle.mockRestore();

    const gradients = engine.calls.filter((call) => call.kind === 'gradients');
    const batches = (first: number, count: number) =>
      gradients.slice(first, first + count).flatMap((call) => call.rows);
    const rows = [...new Set(batches(0, 5))];
    const inFile = toyText.encodeRows(await trainRows(folder, 'low'), { file: '', maxLength: 99 } as never);
    const key = (row: object) => JSON.stringify(row);
    expect(rows.map(key).sort()).toEqual(inFile.encoded.map(key).sort());
    for (const [at, name] of ['sft epoch 0', 'sft epoch 1', 'preference epoch 0'].entries()) {
      const expected = Random.fromSeed(0).fork(`task 0 ${name}`).shuffle(inFile.encoded);
      expect(batches(5 * at, 5).map(key), name).toEqual(expected.map(key));
    }
  });
});

describe('the reference policy', () => {
  const constantsOf = async (reference: string, folder: string) => {
    const engine = new ToyEngine();
    await runToy(onlyPreference({ reference, method: 'er' }), { folder, engine });
    return engine.calls.filter((call) => call.kind === 'gradients');
  };

  it('previous: the adapter at the start of each task, for replayed rows too', async () => {
    const folder = workspace();
    const calls = await constantsOf('previous', folder);
    const before = await taskAdapter(folder, '1-low');
    for (const { rows, request } of calls.slice(10)) {
      const expected = await new ToyEngine().score(rows, before);
      expect(request!.constants['reference_chosen']).toEqual(expected.chosen);
    }
  });

  it('warns of an adapter that names another base', async () => {
    const folder = workspace();
    const adapter = toyModel.createAdapter(
      { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] },
      Random.fromSeed(1),
    );
    const warnings = async (baseModel: string | null) => {
      await writePeftAdapter(join(folder, 'given'), adapter, { baseModel });
      const lines: string[] = [];
      const environment = {
        log: (line: string) => void lines.push(line),
        outputFolder: join(folder, String(baseModel).replace(/\W/g, '')),
      };
      await runToy(onlyPreference({ adapter: 'given', reference: 'given' }), { folder, environment });
      return lines.filter((line) => line.includes('names the base model'));
    };
    const warning = expect.stringMatching(/^warning: \S+given names the base model owner\/other/);
    expect(await warnings('owner/other')).toEqual([warning, warning]);
    expect(await warnings(resolve(folder, String(toyConfig()['base'])))).toEqual([]);
    expect(await warnings(null)).toEqual([]);
  });

  it('a folder: that adapter throughout', async () => {
    const folder = workspace();
    await runToy(toyConfig(), { folder });
    const named = join(folder, 'output/tasks/1-low/adapter');
    const other = workspace();
    const calls = await constantsOf(named, other);
    const adapter = await readPeftAdapter(named);
    for (const { rows, request } of calls) {
      const expected = await new ToyEngine().score(rows, adapter);
      expect(request!.constants['reference_chosen']).toEqual(expected.chosen);
    }
  });

  it('gives KTO its estimate from mismatched responses', async () => {
    const folder = workspace();
    const engine = new ToyEngine();
    await runToy(onlyPreference({ method: 'seqft' }, { name: 'kto' }), { folder, engine });
    const kl = engine.calls
      .filter((call) => call.kind === 'gradients')
      .map((call) => call.request!.constants['kl']!);
    expect(kl.slice(0, 5).map((values) => values.length)).toEqual([4, 4, 4, 4, 2]);
    expect(kl.some((values) => values[0]! > 0)).toBe(true);
  });
});

describe('consolidation', () => {
  it('ends each stage: the adapter is the long-term memory plus the refined change', async () => {
    const folder = workspace();
    // One task, one stage: before is the initial adapter, after is what the same training leaves without it.
    const tasks = [{ name: 'low', train: 'low-train.json', test: 'low-test.json' }];
    await runToy(onlyPreference({ tasks }), { folder });
    const other = workspace();
    await runToy(onlyPreference({ tasks, consolidation: null }), { folder: other });
    const settings = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };
    const before = toyModel.createAdapter(settings, Random.fromSeed(0).fork('adapter'));
    const after = await taskAdapter(other, '1-low');
    const expected = consolidateAdapter(before, after, new MemoryHistory(), { threshold: 0.9, lambda: 0.5 });
    expect((await taskAdapter(folder, '1-low')).tensors).toEqual(expected.adapter.tensors);
  });

  it('with theta = lambda = 1 changes an adapter by no more than rounding', async () => {
    const [with1, without] = [workspace(), workspace()];
    await runToy(toyConfig({ consolidation: { threshold: 1, lambda: 1 } }), { folder: with1 });
    await runToy(toyConfig({ consolidation: null }), { folder: without });
    const expected = await taskAdapter(without, '2-high');
    for (const [name, { data }] of (await taskAdapter(with1, '2-high')).tensors) {
      for (const [at, value] of data.entries())
        expect(value).toBeCloseTo(expected.tensors.get(name)!.data[at]!, 4);
    }
  });
});
