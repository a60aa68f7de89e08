/** What a run leaves of each task besides its adapter and scores: what reports are made of. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPeftAdapter } from '../../src/model/peft.ts';
import type { ConfigTree } from '../../src/train/config/overrides.ts';
import type { RunEnvironment } from '../../src/train/environment.ts';
import { workspace } from './temporary-folder.ts';
import { runToy, toyConfig } from './toy-stream.ts';

const read = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, 'output', file), 'utf8'));
const steps = (folder: string): Record<string, number | string | null>[] =>
  readFileSync(join(folder, 'output/steps.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('consolidation', () => {
  it('leaves what it did to every matrix after each stage', async () => {
    const folder = workspace();
    await runToy(toyConfig({ consolidation: { threshold: 0.8, lambda: 0.25 } }), { folder });
    const record = read(folder, 'tasks/2-high/consolidation/preference.json');
    expect(record).toMatchObject({ threshold: 0.8, lambda: 0.25 });
    const adapter = await readPeftAdapter(join(folder, 'output/tasks/2-high/adapter'));
    expect(record.matrices.map(({ name }: { name: string }) => name)).toEqual([...adapter.tensors.keys()]);
    for (const { shape, singular_values: values, kept_rank: kept, energy, ...history } of record.matrices) {
      expect(values).toHaveLength(Math.min(...shape));
      const energies = values.map((value: number) => value ** 2);
      const sum = (all: number[]) => all.reduce((total, value) => total + value, 0);
      expect(energy.short_term).toBeCloseTo(sum(energies), 6);
      expect(energy.denoised).toBeCloseTo(sum(energies.slice(0, kept)), 6);
      expect(sum(energies.slice(0, kept))).toBeGreaterThanOrEqual(0.8 * energy.short_term - 1e-9);
      // RSM = f_perp + lambda f_par, and the two parts are at right angles.
      const kept_energy = energy.denoised - energy.parallel + 0.25 ** 2 * energy.parallel;
      expect(energy.refined).toBeCloseTo(kept_energy, 6);
      expect(history).toMatchObject({ history_rows: 3 });
    }
  });

  it('in product space leaves what it did to every module, and what its rank could not hold', async () => {
    const folder = workspace();
    await runToy(toyConfig({ consolidation: { space: 'product', lambda: 0 } }), { folder });
    const record = read(folder, 'tasks/2-high/consolidation/preference.json');
    expect(record).toMatchObject({ space: 'product', threshold: 0.9, lambda: 0 });
    const names = ['q_proj', 'v_proj'].map((name) => `model.layers.0.self_attn.${name}`);
    expect(record.matrices.map(({ name }: { name: string }) => name)).toEqual(names);
    for (const { shape, truncation, energy } of record.matrices) {
      expect(shape).toEqual([12, 6]);
      expect(truncation.merged).toBeGreaterThan(truncation.lost);
      expect(truncation.refined).toBeCloseTo(energy.refined, 6);
      // The history's directions have other columns than an adapter of rank 2 has left.
      expect(truncation.lost).toBeGreaterThan(0);
    }
  });

  it('leaves nothing where a method has none', async () => {
    const folder = workspace();
    await runToy(toyConfig({ method: 'er' }), { folder });
    expect(readdirSync(join(folder, 'output/tasks/1-low')).sort()).toEqual([
      'adapter',
      'replay.json',
      'scores',
    ]);
  });
});

it('the rows a task was trained on are counted by origin', async () => {
  const folder = workspace();
  await runToy(toyConfig({ replay: { capacity: 5, fraction: 0.2 } }), { folder });
  expect(read(folder, 'tasks/1-low/replay.json')).toEqual({
    own: 18,
    replayed: [],
    kept: [{ task: 'low', rows: 3 }],
  });
  expect(read(folder, 'tasks/2-high/replay.json')).toEqual({
    own: 18,
    replayed: [{ task: 'low', rows: 3 }],
    kept: [
      { task: 'low', rows: 2 },
      { task: 'high', rows: 3 },
    ],
  });
});

describe('the focal factor', () => {
  const stages = (objective: ConfigTree) => {
    const stage = { epochs: 1, batch_size: 1, warmup_ratio: 0, learning_rate: 0.05 };
    return { sft: { ...stage, epochs: 0 }, preference: { ...stage, objective } };
  };

  it('of a single row follows from its reward margin: (1 - sigmoid(r)) ** gamma', async () => {
    const folder = workspace();
    await runToy(toyConfig({ stages: stages({ name: 'fpo', gamma: 3 }) }), { folder });
    for (const step of steps(folder)) {
      const expected = (1 - 1 / (1 + Math.exp(-Number(step['rewards/margins'])))) ** 3;
      for (const name of ['mean', 'min', 'max']) expect(step[`focal/${name}`]).toBeCloseTo(expected, 10);
    }
    expect(steps(folder)[0]!['focal/mean']).toBeCloseTo(1 / 8, 10);
  });

  it('is null for objectives without one, and for SFT', async () => {
    const folder = workspace();
    await runToy(toyConfig({ stages: { ...stages({ name: 'dpo' }) } }), { folder });
    expect(steps(folder).every((step) => step['focal/mean'] === null)).toBe(true);
  });
});

describe('sample answers', () => {
  const environment: Partial<RunEnvironment> = {
    answer: async (prompts, adapter, { maxNewTokens }) =>
      prompts.map((prompt) => `${adapter ? 'adapted' : 'base'} ${prompt.length} ${maxNewTokens}`),
  };

  it('are given to the first prompts of tasks without a judge: before, when learned, at the end', async () => {
    const folder = workspace();
    await runToy(toyConfig({ generation: { samples: 2 } }), { folder, environment });
    const prompts: { query: string }[] = JSON.parse(readFileSync(join(folder, 'low-test.json'), 'utf8'));
    const expected = (of: string) =>
      prompts.slice(0, 2).map(({ query }, index) => ({ index, answer: `${of} ${query.length} 64` }));
    expect(read(folder, 'base/samples/1-low.json')).toEqual(expected('base'));
    expect(read(folder, 'tasks/1-low/samples/1-low.json')).toEqual(expected('adapted'));
    expect(read(folder, 'tasks/2-high/samples/1-low.json')).toEqual(expected('adapted'));
    expect(existsSync(join(folder, 'output/tasks/1-low/samples/2-high.json'))).toBe(false);
  });

  it('are not asked for where the config says 0', async () => {
    const folder = workspace();
    await runToy(toyConfig({ generation: { samples: 0 } }), { folder, environment });
    expect(existsSync(join(folder, 'output/base/samples'))).toBe(false);
  });
});

describe('a private task', () => {
  const privateTasks = (judge: string | null) => {
    const [low, high] = toyConfig()['tasks'] as ConfigTree[];
    return [{ ...low, private: true, judge }, high];
  };

  it('leaves scores but no text of an answer, judged or not', async () => {
    for (const judge of ['voice', null]) {
      const folder = workspace();
      writeFileSync(
        join(folder, 'low-test.json'),
        JSON.stringify([
          { query: 'Write about our oak chair.', chosen: 'A plain oak chair.', rejected: 'Buy it!' },
        ]),
      );
      const answer: RunEnvironment['answer'] = async (prompts) => prompts.map(() => 'SECRET');
      const tree = toyConfig({ tasks: privateTasks(judge), generation: { samples: 1 } });
      await runToy(tree, { folder, environment: { answer } });
      const files = readdirSync(join(folder, 'output'), { recursive: true, encoding: 'utf8' });
      const telling = files.filter(
        (file) => file.endsWith('.json') && file.includes('low') && !file.includes('2-high.json'),
      );
      expect(
        telling.some((file) => readFileSync(join(folder, 'output', file), 'utf8').includes('SECRET')),
      ).toBe(false);
      const answers = 'tasks/2-high/answers/1-low.json';
      if (judge) expect(read(folder, answers)).toEqual([{ index: 0, score: expect.any(Number) }]);
      else expect(existsSync(join(folder, 'output', answers))).toBe(false);
    }
  });

  it('is judged once before training, resumed or not', async () => {
    const folder = workspace();
    const row = { query: 'Write about our oak chair.', chosen: 'A plain oak chair.', rejected: 'Buy it!' };
    writeFileSync(join(folder, 'low-test.json'), JSON.stringify([row]));
    let ofBase = 0;
    const answer: RunEnvironment['answer'] = async (prompts, adapter) => {
      if (!adapter) ofBase++;
      return prompts.map(() => 'You can rest your feet on the oak chair. You will find it plain.');
    };
    const tree = toyConfig({ tasks: privateTasks('voice'), generation: { samples: 0 } });
    const first = await runToy(tree, { folder, environment: { answer } });
    const again = await runToy(tree, { folder, environment: { answer, resume: true } });
    expect(ofBase).toBe(1);
    expect(again.judge).toEqual(first.judge);
    expect(first.judge?.base?.[0]).toBe(100);
  });

  it('has its invalid rows named by place alone', async () => {
    const folder = workspace();
    writeFileSync(
      join(folder, 'low-train.json'),
      JSON.stringify([{ prompt: [{ role: 'SECRET', content: 'a' }], chosen: 'a', rejected: 'b' }]),
    );
    const failed = runToy(toyConfig({ tasks: privateTasks(null) }), { folder });
    await expect(failed).rejects.toThrow(/low-train\.json.*row 1.*private/);
    await expect(failed).rejects.not.toThrow(/SECRET/);
  });
});
