/**
 * kill -9 at random moments of a run, `--resume`, and again, until it is done: the result must be that of a
 * run nobody disturbed, to the last bit.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../../src/support/random.ts';
import { outcome, writeToyData } from '../train/toy-stream.ts';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

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
  onKill: (kills: number) => void = () => {},
): Promise<KillReport> {
  const { expected, duration } = await undisturbed();
  const where: Record<string, number> = {};
  const failures: string[] = [];
  let kills = 0;
  while (kills < count) {
    await inFolder(async (folder) => {
      for (let attempt = 0; ; attempt++) {
        const isLast = kills >= count || (attempt > 0 && random.uniform() < 0.4);
        const delay = isLast ? undefined : random.uniform() * duration;
        const result = await runChild(folder, attempt > 0, delay);
        if (attempt > 0) {
          const phase = phaseOf(result.log);
          where[phase] = (where[phase] ?? 0) + 1;
        }
        if (result.killed) {
          onKill(++kills);
          continue;
        }
        if (result.code !== 0)
          failures.push(`exit code ${result.code} after ${attempt} kills: ${result.log}`);
        else if (!isDeepStrictEqual(outcome(join(folder, 'output')), expected)) {
          failures.push(`another result after ${attempt} kills, the last start said: ${result.log}`);
        }
        return;
      }
    });
  }
  return { kills, where, failures };
}

async function undisturbed(): Promise<{ expected: Record<string, string>; duration: number }> {
  return inFolder(async (folder) => {
    const { code, log, duration } = await runChild(folder, false);
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
function runChild(folder: string, resume: boolean, delay?: number): Promise<ChildResult> {
  const args = ['--import', 'tsx', CHILD, folder, ...(resume ? ['--resume'] : [])];
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

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lifealign-'));
  try {
    writeToyData(folder);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
