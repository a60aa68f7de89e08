/** The laboratory's jobs: one run of a method over the built-in stream each, by the command line itself. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { demoConfig } from '../../src/cli/demo/config.ts';
import type { DemoMethod, DemoSettings, Rates } from '../../src/cli/demo/settings.ts';
import { makeFolder, writeFileAtomic } from '../../src/support/atomic-file.ts';
import { sha256 } from '../../src/support/hash.ts';
import type { RunSummary } from '../../src/train/results.ts';

export type LabMethod = DemoMethod | 'stl';

export interface Job {
  readonly method: LabMethod;
  readonly seed: number;
  readonly rates: Rates;
  readonly split: 'test' | 'validation';
  /** What differs from the method as it is; `name` marks the folder. */
  readonly variant?: {
    readonly name: string;
    readonly objective?: 'dpo' | 'fpo';
    readonly consolidation?: null | { readonly threshold: number; readonly lambda: number };
    /** Of a task's rows that enter the replay buffer. */
    readonly fraction?: number;
  };
}

const repository = fileURLToPath(new URL('../..', import.meta.url));
/** What decides a run's numbers beside its settings. */
const decisive = [
  'models/tiny',
  'src/data/builtin',
  'src/eval',
  'src/engine',
  'src/method',
  'src/memory',
  'src/train',
];

/** The folder of an experiment's runs: another one as soon as settings, base, rows, judges or method differ. */
export function labFolder(name: string, settings: DemoSettings): string {
  const files = decisive.flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const { rates: _, ...size } = settings;
  const contents = files.sort().map((file) => sha256([file.slice(repository.length), readFileSync(file)]));
  return join(
    repository,
    'runs',
    'lab',
    `${name}-${sha256([JSON.stringify(size), ...contents]).slice(0, 8)}`,
  );
}

const command = fileURLToPath(new URL('../../bin/lifealign.js', import.meta.url));

export function jobFolder(root: string, { method, seed, rates, split, variant }: Job): string {
  const label = variant ? `${method}-${variant.name}` : method;
  return join(root, `${split}-${label}-${rates.sft}-${rates.preference}-seed${seed}`);
}

/** A finished job's summary. */
export function jobSummary(root: string, job: Job): RunSummary {
  return JSON.parse(readFileSync(join(jobFolder(root, job), 'summary.json'), 'utf8'));
}

/** Runs what is not done yet, `workers` at a time with one thread each; an interrupted job goes on. */
export async function runJobs(
  root: string,
  jobs: readonly Job[],
  settings: DemoSettings,
  workers: number,
): Promise<void> {
  await makeFolder(root);
  const waiting = jobs.filter((job) => !existsSync(join(jobFolder(root, job), 'summary.json')));
  process.stderr.write(`${jobs.length} runs, ${waiting.length} to do\n`);
  const start = performance.now();
  let done = 0;
  const work = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const seconds = await runJob(root, job, settings);
      done++;
      const minutes = ((performance.now() - start) / 60_000).toFixed(1);
      const { method, rates, seed } = job;
      process.stderr.write(
        `${method} ${rates.sft}/${rates.preference} seed ${seed}: ${seconds.toFixed(0)} s; ` +
          `${done} done, ${waiting.length} waiting, ${minutes} min\n`,
      );
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

function jobConfig(job: Job, settings: DemoSettings): object {
  const { method, rates, variant = { name: '' } } = job;
  const config = demoConfig(
    'tiny',
    method,
    { ...settings, rates: { ...settings.rates, [method]: rates } },
    job,
  );
  const { objective, consolidation, fraction } = variant;
  const { preference } = config.stages;
  return {
    ...config,
    stages: {
      ...config.stages,
      preference: objective ? { ...preference, objective: { name: objective } } : preference,
    },
    ...(consolidation === undefined ? {} : { consolidation }),
    ...(fraction === undefined ? {} : { replay: { ...settings.replay, fraction } }),
  };
}

async function runJob(root: string, job: Job, settings: DemoSettings): Promise<number> {
  const folder = jobFolder(root, job);
  const config = jobConfig(job, settings);
  const file = `${folder}.yaml`;
  await writeFileAtomic(file, stringify(config));
  const start = performance.now();
  const args = [command, 'train', file, '--output-dir', folder, '--resume', '--threads', '1'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let tail = '';
  child.stderr.on('data', (chunk: Buffer) => {
    tail = (tail + chunk).slice(-2000);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${folder}: exit code ${code}\n${tail}`);
  return (performance.now() - start) / 1000;
}
