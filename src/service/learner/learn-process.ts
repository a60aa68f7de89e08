/**
 * `lifealign learn` in a process of its own, below everything else the machine does, with its progress followed on
 * standard error. It ends when this process does: its standard input is a pipe from here.
 */
import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { createInterface } from 'node:readline';

export interface LearnJob {
  readonly memory: string;
  readonly task: string;
  readonly data: string;
  /** Begin anew what an earlier process of the task has begun. */
  readonly restart: boolean;
  readonly private: boolean;
  readonly set: readonly string[];
  readonly threads: number | null;
  readonly nice: number;
}

export interface LearnProgress {
  /** What is being done. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly unit: string;
  /** Rate and time left. */
  readonly note: string;
  readonly at: number;
}

export interface LearnEnd {
  /** Null where a signal ended it. */
  readonly code: number | null;
  /** What it said last of what was wrong, if anything. */
  readonly problem: string | null;
}

export interface LearnProcess {
  /** Never rejects. */
  readonly ended: Promise<LearnEnd>;
  /** In order: what was trained is saved. */
  stop(): void;
  /** At once. */
  kill(): void;
}

export type StartLearn = (job: LearnJob, onProgress: (progress: LearnProgress) => void) => LearnProcess;

/** Seconds that it waits for another that is at work in the memory: as long as that takes. */
const WAIT = 1_000_000;
const PROBLEM = /^lifealign: (.*)$/;
const MOST_PROBLEM = 1000;

/** @param command program and arguments before `learn` */
export function learnStarter(command: readonly [string, ...string[]]): StartLearn {
  return (job, onProgress) => {
    const [program, ...before] = command;
    const child = spawn(program, [...before, ...learnArguments(job)], {
      stdio: ['pipe', 'ignore', 'pipe'],
      // Ctrl-C in a terminal is for the service, which then ends it in order.
      detached: process.platform !== 'win32',
    });
    try {
      if (child.pid !== undefined) setPriority(child.pid, job.nice);
    } catch {
      // It ended at once, or the system does not let us: it learns all the same.
    }
    let problem: string | null = null;
    const lines = createInterface({ input: child.stderr });
    lines.on('line', (line) => {
      const progress = parseProgress(line, Date.now());
      if (progress) onProgress(progress);
      const [, text] = PROBLEM.exec(line) ?? [];
      if (text !== undefined) problem = text.slice(0, MOST_PROBLEM);
    });
    // A child that is gone does not read.
    child.stdin.on('error', () => {});
    const ended = new Promise<LearnEnd>((resolve) => {
      child.once('error', (error) => resolve({ code: null, problem: error.message }));
      child.once('close', (code) => resolve({ code, problem }));
    });
    return {
      ended,
      stop: () => void child.kill('SIGTERM'),
      kill: () => void child.kill('SIGKILL'),
    };
  };
}

function learnArguments(job: LearnJob): readonly string[] {
  return [
    ...['learn', '--memory', job.memory, '--task', job.task, '--data', job.data],
    ...['--stop-with-input', '--json', '--wait', String(WAIT)],
    ...(job.restart ? ['--restart'] : []),
    ...(job.private ? ['--private'] : []),
    ...job.set.flatMap((setting) => ['--set', setting]),
    ...(job.threads === null ? [] : ['--threads', String(job.threads)]),
  ];
}

/** A line of `streamProgress`, `label: 3/10 rows, 2.4 rows/s, 33s left`; null for any other. */
export function parseProgress(line: string, at: number): LearnProgress | null {
  const match = /^(.{1,200}): (\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?) ([a-zA-Z-]{1,20}), (.{1,200})$/.exec(line);
  if (!match) return null;
  const [, label = '', done, total, unit = '', note = ''] = match;
  return { label, done: Number(done), total: Number(total), unit, note, at };
}
