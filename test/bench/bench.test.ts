/** A bench over the small stream, from the command line: what it runs, what it keeps, and how it goes on. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { BIN, lifealign } from '../cli/command.ts';
import { benchOutcome, writeSmallBench } from '../faults/kill-bench.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const bench = (...more: string[]) =>
  lifealign('bench', at('bench.yaml'), '--output-dir', at('out'), '--threads', '1', ...more);
const jobs = () => readdirSync(at('out/jobs')).sort();
const table = () => readFileSync(at('out/tables/table1-preference_accuracy.csv'), 'utf8').split('\n');
const runs = (label: string) =>
  table()
    .find((line) => line.startsWith(label))
    ?.split(',')[1];

it('runs what is missing, and what is new when the config grows; what is there stays', {
  timeout: 180_000,
}, async () => {
  writeSmallBench(folder(), { seeds: [1] });
  const first = await bench('--parallel', '2');
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toContain('## Table 1, all methods: Preference accuracy, %');
  expect(first.stderr).toMatch(/^0\/2 runs/m);
  expect(jobs()).toHaveLength(2);
  expect([runs('LifeAlign'), runs('SeqFT')]).toEqual(['1', '1']);
  // Records stay, folders of finished runs go.
  expect(readdirSync(at('out/runs'))).toEqual([]);
  for (const name of ['report.md', 'tables.tex', 'index.html', 'matrices.json', 'claims.json'])
    expect(existsSync(at(`out/${name}`)), name).toBe(true);

  const before = jobs().map((name) => readFileSync(at(`out/jobs/${name}`), 'utf8'));
  for (const record of before) {
    const versions = Object.keys(JSON.parse(record).versions);
    expect(versions).toEqual(['lifealign', 'node', 'onnxruntime-node']);
  }
  const outcome = benchOutcome(at('out'));
  const again = await bench();
  expect(again.stderr).not.toMatch(/runs/);
  expect(benchOutcome(at('out'))).toBe(outcome);

  writeSmallBench(folder());
  const shown = await bench('--no-run');
  expect(shown.code, shown.stderr).toBe(0);
  expect([runs('LifeAlign'), runs('SeqFT')]).toEqual(['1 of 2', '1 of 2']);
  const grown = await bench('--parallel', '2');
  expect(grown.stderr).toMatch(/^2\/4 runs/m);
  expect([runs('LifeAlign'), runs('SeqFT')]).toEqual(['2', '2']);
  expect(jobs()).toHaveLength(4);
  const after = jobs().map((name) => readFileSync(at(`out/jobs/${name}`), 'utf8'));
  for (const record of before) expect(after).toContain(record);

  // Other rows are other runs; the old ones stand in no table.
  const rows = JSON.parse(readFileSync(at('long-test.json'), 'utf8'));
  writeFileSync(at('long-test.json'), JSON.stringify(rows.slice(1)));
  const stale = await bench('--no-run');
  expect(stale.stderr).toContain('4 finished runs in jobs/ belong to other settings than the config has now');
  expect(runs('LifeAlign')).toBe('not run');
});

it('refuses a record that is not what it is named after', { timeout: 120_000 }, async () => {
  writeSmallBench(folder(), { seeds: [1], methods: [{ name: 'seqft' }] });
  expect((await bench()).code).toBe(0);
  const [name] = jobs();
  const record = JSON.parse(readFileSync(at(`out/jobs/${name}`), 'utf8'));
  writeFileSync(at(`out/jobs/${name}`), JSON.stringify({ ...record, identity: 'another' }));
  const { code, stderr } = await bench();
  expect(code).toBe(2);
  expect(stderr).toMatch(/\.json, field "identity": not the run that the file is named after/);
  writeFileSync(at(`out/jobs/${name}`), '{"format": 1,');
  expect((await bench()).code).toBe(2);
});

it('runs on the engine that its config names, and takes no other engine’s runs for its own', {
  timeout: 120_000,
}, async () => {
  const engine = async (value: unknown) => {
    const tree = parse(readFileSync(at('bench.yaml'), 'utf8'));
    const base = { ...tree.base_config, engine: value };
    writeFileSync(at('bench.yaml'), stringify({ ...tree, base_config: base }));
    return bench();
  };
  vi.stubEnv('LIFEALIGN_PYTHON', '');
  writeSmallBench(folder(), { seeds: [1], methods: [{ name: 'seqft' }] });
  expect((await bench()).code).toBe(0);
  const other = await engine('torch');
  expect(other.stderr).toContain('engine install torch');
  expect(other.code).toBe(2);
  const same = await engine('ort');
  expect(same.code, same.stderr).toBe(0);
  expect(jobs()).toHaveLength(1);
});

it('counts a run that diverged, and goes on', { timeout: 120_000 }, async () => {
  // No number of float32.
  const trials = [1e39, 0.01].map((rate) => ({ 'stages.sft.learning_rate': rate }));
  writeSmallBench(folder(), {
    methods: [{ name: 'seqft' }],
    seeds: [1],
    tuning: { trials, seeds: [7] },
  });
  const { code, stderr } = await bench();
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/seqft, trial 1, validation rows, seed 7: .*training diverged/);
  expect(stderr).toContain('seqft: trial 2 of 2');
  expect(runs('SeqFT')).toBe('1');
});

it('stops at Ctrl-C with exit code 1 and goes on; meanwhile it lets no other in', {
  timeout: 120_000,
}, async () => {
  writeSmallBench(folder());
  const args = ['bench', at('bench.yaml'), '--output-dir', at('out'), '--threads', '1'];
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  const ended = new Promise<number | null>((done) => child.once('close', done));
  await new Promise<void>((begun) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (/seed 1: done/.test(log)) begun();
    });
    child.once('close', () => begun());
  });
  const other = await bench();
  expect(other.code).toBe(2);
  expect(other.stderr).toMatch(/out: process \d+ is at work there/);
  child.kill('SIGINT');
  expect(await ended, log).toBe(1);
  expect(log).toMatch(/interrupted; everything up to there is saved: the same command goes on/);
  const done = jobs().length;
  expect(done).toBeLessThan(4);
  const rest = await bench('--parallel', '2');
  expect(rest.code, rest.stderr).toBe(0);
  expect(rest.stderr).toMatch(new RegExp(`^${done}/4 runs`, 'm'));
  const resumed = benchOutcome(at('out'));
  renameSync(at('out'), at('before'));
  await bench('--parallel', '2');
  expect(benchOutcome(at('out'))).toBe(resumed);
});
