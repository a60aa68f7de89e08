/**
 * kill -9 at random moments of a run, `--resume`, and again, until it is done: the result must be that of a
 * run nobody disturbed, to the last bit.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../src/support/random.ts';
import { outcome, writeToyData } from '../train/toy-stream.ts';
import { writeSmallStream } from './small-stream.ts';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

/** `toy`: exact and quick, in TypeScript; `ort`: the embedded engine on a small model. */
export type FaultEngine = 'toy' | 'ort';
const writeData = { toy: writeToyData, ort: writeSmallStream };

export interface KillReport {
  readonly kills: number;
  /** How many found the run in each phase, by what the next start says; `begin`: before any checkpoint. */
  readonly where: Readonly<Record<string, number>>;
  /** Descriptions of runs whose result differs or that could not go on; none if all is well. */
  readonly failures: readonly string[];
}

/** Kills `count` times, over as many runs as that takes. */
export async function killAndResume(
  count: number,
  random: Random,
  engine: FaultEngine = 'toy',
  onKill: (kills: number) => void = () => {},
): Promise<KillReport> {
  const { expected, duration } = await undisturbed(engine);
  const where: Record<string, number> = {};
  const failures: string[] = [];
  let kills = 0;
  while (kills < count) {
    // One to three blows to each run, then it is left to finish.
    const blows = Math.min(1 + random.integer(3), count - kills);
    const delays = Array.from({ length: blows }, () => random.uniform() * duration);
    const run = await inFolder(engine, (folder) => disturbedRun(folder, engine, delays, expected));
    for (const phase of run.phases) where[phase] = (where[phase] ?? 0) + 1;
    if (run.failure !== undefined) failures.push(run.failure);
    kills += run.phases.length;
    onKill(kills);
  }
  return { kills, where, failures };
}

/** A run killed after each of the delays, as far as it lives that long, and resumed until it is done. */
async function disturbedRun(
  folder: string,
  engine: FaultEngine,
  delays: readonly number[],
  expected: Record<string, string>,
) {
  const phases: string[] = [];
  for (const delay of [...delays, undefined]) {
    const { killed, code, log } = await runChild(folder, engine, phases.length > 0, delay);
    const resumedAt = phases.length - 1;
    if (resumedAt >= 0) phases[resumedAt] = phaseOf(log);
    if (killed) phases.push('unknown');
    else if (code !== 0) return { phases, failure: `exit code ${code} after ${phases.length} kills: ${log}` };
    else {
      const found = outcome(join(folder, 'output'));
      const files = Object.keys({ ...found, ...expected }).filter((file) => found[file] !== expected[file]);
      if (files.length === 0) return { phases };
      return { phases, failure: `${files} differ after ${phases.length} kills; the last start said: ${log}` };
    }
  }
  return { phases, failure: 'killed though nobody did' };
}

async function undisturbed(
  engine: FaultEngine,
): Promise<{ expected: Record<string, string>; duration: number }> {
  return inFolder(engine, async (folder) => {
    const { code, log, duration } = await runChild(folder, engine, false);
    if (code !== 0) throw new Error(`the undisturbed run failed: ${log}`);
    return { expected: outcome(join(folder, 'output')), duration };
  });
}

interface ChildResult {
  readonly killed: boolean;
  readonly code: number | null;
  readonly log: string;
  /** Milliseconds from the beginning of the work to the end of the process. */
  readonly duration: number;
}

/** Runs the child in `folder`; with a delay in milliseconds it is killed that long after it begins to work. */
function runChild(
  folder: string,
  engine: FaultEngine,
  resume: boolean,
  delay?: number,
): Promise<ChildResult> {
  const args = ['--import', 'tsx', CHILD, folder, engine, ...(resume ? ['--resume'] : [])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  let start = performance.now();
  let timer: NodeJS.Timeout | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  child.stdout.once('data', () => {
    start = performance.now();
    if (delay !== undefined) timer = setTimeout(() => child.kill('SIGKILL'), delay);
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      done({ killed: signal === 'SIGKILL', code, log, duration: performance.now() - start });
    });
  });
}

function phaseOf(log: string): string {
  return (
    /resuming: .*, (\w+), after step/.exec(log)?.[1] ?? (log.includes('resuming: the end') ? 'end' : 'begin')
  );
}

async function inFolder<T>(engine: FaultEngine, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lifealign-'));
  try {
    writeData[engine](folder);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
