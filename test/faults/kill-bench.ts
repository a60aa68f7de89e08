/**
 * kill -9 of a bench at random moments, and the same command again until it is done: its tables must be those of a
 * bench nobody disturbed.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import type { Random } from '../../src/support/random.ts';
import { writeSmallStream } from './small-stream.ts';

const BIN = fileURLToPath(new URL('../../bin/lifealign.js', import.meta.url));

export interface BenchKillReport {
  readonly kills: number;
  /** Finished runs that each kill found. */
  readonly found: readonly number[];
  readonly failures: readonly string[];
}

/** A bench of four runs over the small stream, in `bench.yaml` of the folder. */
export function writeSmallBench(folder: string, changes: Record<string, unknown> = {}): string {
  writeSmallStream(folder);
  const { method: _, general: __, ...base } = parse(readFileSync(join(folder, 'run.yaml'), 'utf8'));
  const tasks = base.tasks.map((task: { name: string }) => {
    // The validation rows are some of the training rows: nothing is measured here.
    const validation = join(folder, `${task.name}-validation.json`);
    writeFileSync(validation, readFileSync(join(folder, `${task.name}-train.json`)));
    return { ...task, test: `${task.name}-{split}.json` };
  });
  const file = join(folder, 'bench.yaml');
  const config = {
    base_config: { ...base, tasks, general: null, generation: { samples: 0 } },
    methods: [{ name: 'lifealign' }, { name: 'seqft' }],
    seeds: [1, 2],
    ...changes,
  };
  writeFileSync(file, stringify(config));
  return file;
}

/** Kills `count` times, over as many benches as that takes. */
export async function killAndResumeBench(
  count: number,
  random: Random,
  onKill: (kills: number) => void = () => {},
): Promise<BenchKillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'lifealign-bench-'));
  const env = { ...process.env, LIFEALIGN_CACHE: join(folder, 'cache') };
  try {
    const file = writeSmallBench(folder, {
      seeds: [1],
      methods: [{ name: 'lifealign' }, { name: 'seqft', tuned_as: 'lifealign' }],
      tuning: { trials: [0.01, 0.02].map((rate) => ({ 'stages.sft.learning_rate': rate })), seeds: [7] },
    });
    const start = performance.now();
    const whole = await runBench(file, join(folder, 'whole'), env);
    if (whole.code !== 0) return { kills: 0, found: [], failures: [whole.log] };
    const duration = performance.now() - start;
    const expected = benchOutcome(join(folder, 'whole'));
    const found: number[] = [];
    const failures: string[] = [];
    for (let kills = 0, at = 0; kills < count; at++) {
      const output = join(folder, `killed-${at}`);
      // A blow now and then finds the bench done: it is then struck anew, in another folder.
      for (;;) {
        const delay = kills < count ? random.uniform() * duration : undefined;
        const { killed, code, log } = await runBench(file, output, env, delay);
        if (killed) {
          kills++;
          found.push(finishedRuns(output));
          onKill(kills);
          continue;
        }
        if (code !== 0) failures.push(`exit code ${code}: ${log}`);
        else if (benchOutcome(output) !== expected) failures.push(`other tables after ${kills} kills`);
        break;
      }
      rmSync(output, { recursive: true, force: true });
      if (failures.length > 0) break;
    }
    return { kills: found.length, found, failures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Everything a finished bench says, but for times. */
export function benchOutcome(output: string): string {
  const tables = readdirSync(join(output, 'tables')).sort();
  const files = [
    ...tables.map((name) => join('tables', name)),
    'report.md',
    'tables.tex',
    'claims.json',
    'tuning.json',
  ];
  const texts = files.map((name) => `${name}\n${readFileSync(join(output, name), 'utf8')}`);
  const matrices = readFileSync(join(output, 'matrices.json'), 'utf8').replaceAll(/"seconds":[\d.]+/g, '');
  const leftovers = readdirSync(output, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.tmp-'),
  );
  return [...texts, matrices, ...leftovers].join('\n');
}

function finishedRuns(output: string): number {
  mkdirSync(join(output, 'jobs'), { recursive: true });
  return readdirSync(join(output, 'jobs')).filter((name) => name.endsWith('.json')).length;
}

interface Ended {
  readonly killed: boolean;
  readonly code: number | null;
  readonly log: string;
}

/** The command in a process of its own, killed after `delay` milliseconds if it lives that long. */
export async function runBench(
  file: string,
  output: string,
  env: NodeJS.ProcessEnv,
  delay?: number,
): Promise<Ended> {
  const args = [BIN, 'bench', file, '--output-dir', output, '--parallel', '2', '--threads', '1'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const timer = delay === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), delay);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ killed: signal === 'SIGKILL', code, log });
    });
  });
}
