import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/support/errors.ts';
import type { ConfigTree } from '../../src/train/config/overrides.ts';
import { workspace } from './temporary-folder.ts';
import { ToyEngine } from './toy-engine.ts';
import { outcome, runToy, toyConfig } from './toy-stream.ts';

/** Runs until the engine has worked on `rows` rows, then aborts as Ctrl-C does. */
async function runUntil(rows: number, folder: string, tree: ConfigTree, resume = false) {
  const controller = new AbortController();
  let done = 0;
  const engine = new ToyEngine({ onRow: () => (++done > rows ? controller.abort() : undefined) });
  const log: string[] = [];
  const environment = { resume, signal: controller.signal, log: (line: string) => void log.push(line) };
  try {
    await runToy(tree, { folder, engine, environment });
    return { finished: true, rows: done, log };
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return { finished: false, rows: done, log };
  }
}

const resume = (folder: string, tree = toyConfig(), log: string[] = []) =>
  runToy(tree, { folder, environment: { resume: true, log: (line) => void log.push(line) } });
const output = (folder: string) => join(folder, 'output');
const checkpoints = (folder: string) =>
  readdirSync(join(output(folder), 'checkpoints'))
    .filter((name) => name.endsWith('.safetensors'))
    .sort()
    .map((name) => join(output(folder), 'checkpoints', name));

async function uninterrupted(tree = toyConfig()) {
  const folder = workspace();
  const { rows } = await runUntil(Number.POSITIVE_INFINITY, folder, tree);
  return { outcome: outcome(output(folder)), rows };
}

describe('a resumed run equals the uninterrupted one, bit for bit', () => {
  it.each([
    ['lifealign', {}],
    ['lifealign in product space', { consolidation: { space: 'product' } }],
    ['seqft with the previous adapter as reference', { method: 'seqft', reference: 'previous' }],
    ['er with the previous adapter as reference', { method: 'er', reference: 'previous' }],
    ['lifealign, general ability measured', { general: { limit: 3, max_new_tokens: 2 } }],
    ['stl, all tasks evaluated', { method: 'stl', evaluate: 'all' }],
    ['ewc, in its passes over single rows too', { method: 'ewc', method_settings: { lambda: 100 } }],
    ['gem', { method: 'gem' }],
    ['cppo with replay', { method: 'cppo', replay: {} }],
    ['olora with the previous adapter as reference', { method: 'olora', reference: 'previous' }],
    ['mtl', { method: 'mtl' }],
  ])('%s, wherever it stops', async (_, changes) => {
    const tree = toyConfig(changes);
    const expected = await uninterrupted(tree);
    for (let cut = 5; cut < expected.rows; cut += Math.ceil(expected.rows / 9)) {
      const folder = workspace();
      expect((await runUntil(cut, folder, tree)).finished).toBe(false);
      await resume(folder, tree);
      expect(outcome(output(folder)), `stopped after ${cut} rows`).toEqual(expected.outcome);
    }
  });

  // What the second task gives to the replay buffer is first trained on in the third.
  it('three tasks, the second replayed as if nothing had happened', async () => {
    const tasks = ['low', 'high', 'last'].map((name, at) => {
      const file = ['low', 'high', 'low'][at];
      return { name, train: `${file}-train.json`, test: `${file}-test.json` };
    });
    const stages = { sft: { epochs: 0 }, preference: { epochs: 1, batch_size: 4, learning_rate: 0.02 } };
    const tree = toyConfig({ tasks, stages });
    const expected = await uninterrupted(tree);
    const folder = workspace();
    expect((await runUntil(Math.floor(expected.rows / 3), folder, tree)).finished).toBe(false);
    await resume(folder, tree);
    expect(outcome(output(folder))).toEqual(expected.outcome);
  });

  it('stopped again and again', async () => {
    const expected = await uninterrupted();
    const folder = workspace();
    const starts: string[] = [];
    for (let finished = false; !finished; ) {
      const stretch = await runUntil(41, folder, toyConfig(), existsSync(output(folder)));
      finished = stretch.finished;
      starts.push(...stretch.log.filter((line) => line.startsWith('resuming')));
    }
    expect(starts.length).toBeGreaterThan(4);
    expect(outcome(output(folder))).toEqual(expected.outcome);
  });

  it('without the cache of reference log-probs', async () => {
    const expected = await uninterrupted();
    const folder = workspace();
    await runUntil(Math.floor(expected.rows * 0.8), folder, toyConfig());
    rmSync(join(folder, 'cache'), { recursive: true });
    await resume(folder);
    expect(outcome(output(folder))).toEqual(expected.outcome);
  });

  it('from the checkpoint before a damaged one, saying so', async () => {
    const expected = await uninterrupted();
    const folder = workspace();
    await runUntil(Math.floor(expected.rows * 0.85), folder, toyConfig());
    const [, newest] = checkpoints(folder);
    const bytes = readFileSync(newest!);
    bytes[bytes.length - 9]! ^= 1;
    writeFileSync(newest!, bytes);
    const log: string[] = [];
    await resume(folder, toyConfig(), log);
    expect(log[0]).toMatch(/^warning: .*safetensors: damaged .*; trying the checkpoint before it$/);
    expect(outcome(output(folder))).toEqual(expected.outcome);
  });

  it('after the folder was moved', async () => {
    const expected = await uninterrupted();
    const folder = workspace();
    await runUntil(Math.floor(expected.rows * 0.5), folder, toyConfig());
    renameSync(folder, `${folder}-moved`);
    try {
      await resume(`${folder}-moved`);
      expect(outcome(output(`${folder}-moved`))).toEqual(expected.outcome);
    } finally {
      rmSync(`${folder}-moved`, { recursive: true });
    }
  });
});

describe('resuming', () => {
  it('a finished run gives its summary again and trains nothing', async () => {
    const folder = workspace();
    const summary = await runToy(toyConfig(), { folder });
    const engine = new ToyEngine();
    const again = await runToy(toyConfig(), { folder, engine, environment: { resume: true } });
    expect({ ...again, seconds: 0 }).toEqual({ ...summary, seconds: 0 });
    expect(engine.calls).toEqual([]);
  });

  it('where nothing is begins the run, and says so', async () => {
    const folder = workspace();
    const log: string[] = [];
    await resume(folder, toyConfig(), log);
    expect(log[0]).toMatch(/nothing to resume in .*: starting the run/);
  });

  it('is needed where a run is', async () => {
    const folder = workspace();
    await runUntil(50, folder, toyConfig());
    await expect(runToy(toyConfig(), { folder })).rejects.toThrow(
      /holds a run already; continue it with --resume/,
    );
  });

  it('with another config is refused, naming the key', async () => {
    const folder = workspace();
    await runUntil(50, folder, toyConfig());
    await expect(resume(folder, toyConfig({ seed: 5 }))).rejects.toThrow(/field "seed": .* was 0, is now 5/);
    await expect(resume(folder, toyConfig({ lora: { rank: 3 } }))).rejects.toThrow(/field "lora.rank"/);
    await expect(resume(folder, toyConfig({ method: 'er' }))).rejects.toThrow(/field "method"/);
    writeFileSync(
      join(folder, 'low-train.json'),
      readFileSync(join(folder, 'low-train.json'), 'utf8').replace('"query"', ' "query"'),
    );
    await expect(resume(folder)).rejects.toThrow(/field "tasks.0.train"/);
  });

  it('warns when versions changed', async () => {
    const folder = workspace();
    const versions = (node: string) => ({ environment: { versions: { node }, resume: node !== '1' } });
    const log: string[] = [];
    await runToy(toyConfig(), { folder, ...versions('1') });
    const environment = { ...versions('2').environment, log: (line: string) => void log.push(line) };
    await runToy(toyConfig(), { folder, environment });
    expect(log).toContainEqual(
      expect.stringMatching(/^warning: the run began with node 1 and goes on with 2/),
    );
  });

  it('is refused when no checkpoint is whole, or the step log lost lines', async () => {
    const folder = workspace();
    await runUntil(500, folder, toyConfig());
    const log = join(output(folder), 'steps.jsonl');
    const lines = readFileSync(log);
    truncateSync(log, 10);
    await expect(resume(folder)).rejects.toThrow(/steps.jsonl: 10 bytes, but its checkpoint counts on/);
    writeFileSync(log, lines);
    for (const file of checkpoints(folder)) truncateSync(file, 1000);
    await expect(resume(folder)).rejects.toThrow(/no checkpoint can be used .*; start the run anew$/);
  });

  it('keeps two checkpoints', async () => {
    const folder = workspace();
    await runToy(toyConfig(), { folder, environment: { checkpointSeconds: 0 } });
    expect(checkpoints(folder)).toHaveLength(2);
  });
});
