/** From a config to its runs: what each is, when two are one, and what a change makes another. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readBench } from '../../src/bench/config/read.ts';
import { Identities } from '../../src/bench/identity.ts';
import { type JobList, listJobs } from '../../src/bench/jobs.ts';
import { type PlannedRun, reportRuns, tuningRuns } from '../../src/bench/plan.ts';
import { firstTrials } from '../../src/bench/tuning.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { benchTree, madeBench, TASKS, tuned } from './made.ts';

const folder = useTemporaryCache();

const planOf = async (tree: Record<string, unknown>) =>
  reportRuns(await madeBench(folder(), tree), firstTrials);
const label = ({ place: { order, method, setting }, seed }: PlannedRun) =>
  [order, method, setting, seed].join(' ');
const jobsOf = async (tree: Record<string, unknown>): Promise<JobList> => {
  const bench = await madeBench(folder(), tree);
  return listJobs(bench, reportRuns(bench, firstTrials), join(folder(), 'out'), new Identities());
};

const full = benchTree({
  methods: [{ name: 'lifealign' }, { name: 'seqft' }, { name: 'mtl' }],
  ablations: true,
  orders: { first: TASKS, second: [...TASKS].reverse() },
  sweeps: [{ key: 'consolidation.lambda', values: [0.1, 0.5] }],
});

describe('the plan', () => {
  it('fills the main table seed by seed, then parts, orders and sweeps; references have no order', async () => {
    expect((await planOf({ ...full, seeds: [1, 2] })).map(label)).toEqual([
      ...[1, 2].flatMap((seed) => ['lifealign', 'seqft', 'mtl'].map((method) => `first ${method}  ${seed}`)),
      ...[1, 2].flatMap((seed) =>
        ['neither', 'SLMC only', 'FPO only'].map((part) => `first lifealign ${part} ${seed}`),
      ),
      ...[1, 2].flatMap((seed) => ['lifealign', 'seqft'].map((method) => `second ${method}  ${seed}`)),
      ...[1, 2].flatMap((seed) =>
        [0.1, 0.5].map((value) => `first lifealign consolidation.lambda=${value} ${seed}`),
      ),
    ]);
  });

  it('takes the named parts away, and nothing else', async () => {
    const runs = await planOf({ ...full, seeds: [1] });
    const tree = (setting: string) => runs.find(({ place }) => place.setting === setting)!.tree;
    expect(tree('neither')).toMatchObject({
      consolidation: null,
      stages: { preference: { objective: { name: 'dpo' } } },
    });
    expect(tree('SLMC only')).toMatchObject({
      stages: { preference: { epochs: 1, objective: { name: 'dpo' } } },
    });
    expect(tree('SLMC only')).not.toHaveProperty('consolidation');
    expect(tree('FPO only')).toMatchObject({ consolidation: null });
    expect(tree('FPO only')).not.toHaveProperty('stages.preference.objective');
  });

  it('gives shared parts to the methods that have them by themselves', async () => {
    const base = full['base_config'] as Record<string, unknown>;
    const shared = { lora: { rank: 2 }, replay: { capacity: 5 }, consolidation: { lambda: 0.2 } };
    const methods = [{ name: 'lifealign' }, { name: 'er' }, { name: 'seqft' }, { name: 'l2p' }];
    const runs = await planOf(benchTree({ base_config: { ...base, ...shared }, methods, seeds: [1] }));
    const parts = (name: string) => {
      const { tree } = runs.find(({ place }) => place.method === name)!;
      return Object.keys(shared).filter((part) => tree[part] !== undefined);
    };
    expect(methods.map(({ name }) => parts(name))).toEqual([
      ['lora', 'replay', 'consolidation'],
      ['lora', 'replay'],
      ['lora'],
      [],
    ]);
  });

  it('puts seed and split into the tasks’ sources; trials are on validation rows and seeds of their own', async () => {
    const bench = await madeBench(folder(), tuned());
    const trials = tuningRuns(bench);
    expect(trials).toHaveLength(2 * 2);
    for (const { place, seed, tree } of trials) {
      expect(place.split).toBe('validation');
      expect(seed).toBe(7);
      expect(tree).toMatchObject({
        seed: 7,
        tasks: [{ test: 'rows-validation.json' }, { test: 'rows-validation.json' }],
      });
    }
    expect(trials.map(({ tree }) => tree['stages'])).toMatchObject([
      { sft: { epochs: 1, learning_rate: 0.1 } },
      { sft: { epochs: 1, learning_rate: 0.2 } },
      { sft: { learning_rate: 0.1 } },
      { sft: { learning_rate: 0.2 } },
    ]);
    expect(reportRuns(bench, firstTrials)[0]!.tree).toMatchObject({
      tasks: [{ test: 'rows-test.json' }, {}],
    });
  });

  it('leaves out what is not chosen yet', async () => {
    const bench = await madeBench(folder(), tuned());
    const runs = reportRuns(bench, (_, method) => (method.label === 'seqft' ? null : {}));
    expect([...new Set(runs.map(({ place }) => place.method))]).toEqual(['lifealign']);
  });
});

describe('jobs', () => {
  it('are one where settings are the same, whatever they are called', async () => {
    const { jobs, of } = await jobsOf(full);
    const place = { base: 'untied-gqa', order: 'first', method: 'lifealign', split: 'test' } as const;
    const plain = of({ ...place, setting: '' }, 1);
    expect(plain).toBeDefined();
    // 0.5 is the default.
    expect(of({ ...place, setting: 'consolidation.lambda=0.5' }, 1)).toBe(plain);
    expect(of({ ...place, setting: 'consolidation.lambda=0.1' }, 1)).not.toBe(plain);
    expect(new Set(jobs.map(({ identity }) => identity)).size).toBe(jobs.length);
  });

  it('stay what they are when the config grows, and when a label changes', async () => {
    const before = await jobsOf(benchTree());
    const methods = [{ name: 'er' }, { name: 'lifealign', label: 'ours' }, { name: 'seqft' }];
    const after = await jobsOf(benchTree({ methods, seeds: [0, 1, 2] }));
    const identities = new Set(after.jobs.map(({ identity }) => identity));
    for (const { identity } of before.jobs) expect(identities).toContain(identity);
  });

  it('are others as soon as a setting, a row or the base changes', async () => {
    const rows = join(folder(), 'rows.json');
    const write = (chosen: string) =>
      writeFileSync(rows, JSON.stringify([{ query: 'q', chosen, rejected: 'r' }]));
    const base = benchTree()['base_config'] as Record<string, unknown>;
    const tree = (changes: Record<string, unknown> = {}) =>
      benchTree({
        base_config: { ...base, tasks: [{ name: 'one', train: rows, test: rows }], ...changes },
        methods: [{ name: 'seqft' }],
        seeds: [1],
      });
    const identity = async (of: Record<string, unknown>) => (await jobsOf(of)).jobs[0]!.identity;
    write('c');
    const first = await identity(tree());
    expect(await identity(tree())).toBe(first);
    expect(await identity(tree({ max_length: 100 }))).not.toBe(first);
    expect(await identity(tree({ base: 'tiny' }))).not.toBe(first);
    write('d');
    expect(await identity(tree())).not.toBe(first);
  });
});

it('the paper’s experiments are benches that can be run', { timeout: 60_000 }, async () => {
  const file = (name: string) =>
    fileURLToPath(new URL(`../../experiments/paper/${name}.yaml`, import.meta.url));
  const tiny = await readBench(file('tiny'));
  const runs = [...tuningRuns(tiny), ...reportRuns(tiny, firstTrials)];
  const { jobs } = await listJobs(tiny, runs, join(folder(), 'out'), new Identities());
  // Sweeps meet LifeAlign as it is at the paper's values, for each of five seeds.
  expect(jobs).toHaveLength(runs.length - 2 * 5);
  const smollm2 = await readBench(file('smollm2'));
  const first = reportRuns(smollm2, firstTrials).slice(0, smollm2.methods.length);
  expect(first.map(({ place }) => place.method).sort()).toEqual(
    ['lifealign', 'seqft', 'er', 'ewc', 'gem', 'olora', 'l2p', 'cppo', 'stl', 'mtl'].sort(),
  );
});
