/** Does the jobs of a list that are not done yet, several at a time, and leaves a record of each. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readRunResults } from '../../eval/comparison/index.ts';
import { makeFolder } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { formatDuration } from '../../support/progress.ts';
import type { Job } from '../jobs.ts';
import { type JobRecord, readRecord, writeRecord } from '../record.ts';
import { benchRun } from '../results/run.ts';
import type { Ending } from './messages.ts';
import { type RunUnderWay, stateLine, type TimedRun } from './time-left.ts';
import { Worker } from './worker.ts';

export interface RunJobsOptions {
  /** Runs at a time, each in a process of its own. */
  readonly parallel: number;
  /** Of each run's engine. */
  readonly threads: number | undefined;
  readonly code: string;
  /** Leave the run's folder, with adapters, steps and answers, when the record is written. */
  readonly keepRuns: boolean;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Milliseconds between two lines that say where the runs are. */
const SAY_EVERY = 30_000;

/**
 * The records of all jobs, in their order. One that failed ends the others, which are saved first.
 *
 * @throws {UserError} what a run refused, or a process that was lost.
 * @throws {Interrupted} after an abort; everything is saved.
 */
export async function runJobs(jobs: readonly Job[], options: RunJobsOptions): Promise<JobRecord[]> {
  const records = await Promise.all(jobs.map((job) => readRecord(job.record, job.identity)));
  const waiting = jobs.filter((_, at) => !records[at]);
  if (waiting.length > 0) {
    const made = await new Sitting(waiting, timesOf(jobs, records), options).work();
    jobs.forEach((job, at) => {
      records[at] ??= made.get(job)!;
    });
  }
  return records.map((record) => record!);
}

function timesOf(jobs: readonly Job[], records: readonly (JobRecord | null)[]): TimedRun[] {
  return records.flatMap((record, at) =>
    record ? [{ kind: kindOf(jobs[at]!), seconds: record.seconds }] : [],
  );
}

function kindOf({ config: { base, method } }: Job): string {
  return `${base} ${method}`;
}

interface Ended {
  readonly ending: Ending;
  readonly seconds: number;
  readonly versions: JobRecord['versions'];
}

class Sitting {
  readonly #options: RunJobsOptions;
  readonly #waiting: Job[];
  readonly #done: TimedRun[];
  readonly #made = new Map<Job, JobRecord>();
  readonly #underWay = new Map<Job, { label: string; readonly start: number; readonly worker: Worker }>();
  #stopping = false;

  constructor(waiting: readonly Job[], done: readonly TimedRun[], options: RunJobsOptions) {
    this.#waiting = [...waiting];
    this.#done = [...done];
    this.#options = options;
  }

  async work(): Promise<ReadonlyMap<Job, JobRecord>> {
    const { signal, parallel } = this.#options;
    const stop = () => this.#stop();
    signal.addEventListener('abort', stop);
    const saying = setInterval(() => this.#say(), SAY_EVERY);
    try {
      signal.throwIfAborted();
      this.#say();
      const lanes = Array.from({ length: Math.min(parallel, this.#waiting.length) }, () => this.#lane());
      const ended = await Promise.allSettled(lanes);
      for (const lane of ended) if (lane.status === 'rejected') throw lane.reason;
      signal.throwIfAborted();
      return this.#made;
    } finally {
      clearInterval(saying);
      signal.removeEventListener('abort', stop);
    }
  }

  async #lane(): Promise<void> {
    const worker = new Worker();
    try {
      for (let job = this.#next(); job; job = this.#next()) await this.#one(job, worker);
    } catch (error) {
      this.#stop();
      throw error;
    } finally {
      await worker.close();
    }
  }

  #next(): Job | undefined {
    return this.#stopping ? undefined : this.#waiting.shift();
  }

  async #one(job: Job, worker: Worker): Promise<void> {
    const { threads, log, signal } = this.#options;
    const state = { label: '', start: performance.now(), worker };
    this.#underWay.set(job, state);
    let versions: JobRecord['versions'] = {};
    try {
      await makeFolder(join(job.folder, '..'));
      const order = { config: job.config, origin: job.origin, folder: job.folder };
      const ending = await worker.run(
        { ...order, ...(threads === undefined ? {} : { threads }) },
        {
          versions: (found) => {
            versions = found;
          },
          at: (label) => {
            state.label = label;
          },
          warning: (line) => log(`${job.title}: ${line}`),
        },
      );
      if (ending.kind === 'stopped') {
        // Stopped for another run's failure, which is then what is reported.
        signal.throwIfAborted();
        return;
      }
      const seconds = (performance.now() - state.start) / 1000;
      const record = await this.#record(job, { ending, seconds, versions });
      this.#made.set(job, record);
      this.#done.push({ kind: kindOf(job), seconds: record.seconds });
      log(`${job.title}: ${record.diverged ?? 'done'}, ${formatDuration(record.seconds)}`);
    } finally {
      this.#underWay.delete(job);
    }
    this.#say();
  }

  async #record(job: Job, { ending, seconds, versions }: Ended): Promise<JobRecord> {
    const { code, keepRuns } = this.#options;
    const { title, identity, tree: config, folder } = job;
    const common = { title, identity, code, versions, config };
    if (ending.kind === 'refused')
      throw new UserError(`${title}: ${ending.problem}`, { exitCode: ending.exitCode });
    if (ending.kind === 'failed') throw new Error(`${title}: ${ending.stack}`);
    const results = ending.kind === 'done' ? await readRunResults(folder) : null;
    const record: JobRecord = {
      ...common,
      // Of all sittings; of this one where the run has no end.
      seconds: results?.seconds ?? seconds,
      diverged: ending.kind === 'diverged' ? ending.problem : null,
      run: results && benchRun(results),
    };
    await makeFolder(join(job.record, '..'));
    await writeRecord(job.record, record);
    if (!keepRuns) await rm(folder, { recursive: true, force: true });
    return record;
  }

  #stop(): void {
    this.#stopping = true;
    for (const { worker } of this.#underWay.values()) worker.stop();
  }

  #say(): void {
    const now = performance.now();
    const underWay: RunUnderWay[] = Array.from(this.#underWay, ([job, { label, start }]) => ({
      title: job.title,
      kind: kindOf(job),
      label,
      seconds: (now - start) / 1000,
    }));
    const waiting = this.#waiting.map(kindOf);
    const { parallel, log } = this.#options;
    if (!this.#stopping) log(stateLine({ done: this.#done, underWay, waiting, parallel }));
  }
}
