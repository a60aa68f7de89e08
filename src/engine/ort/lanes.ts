/**
 * Where the engine's sessions run. Two threads that share out one operation wait for each other at its end, the
 * more the smaller it is; on micro-batches of their own they don't. So most work goes to lanes, worker threads
 * that take one micro-batch after another; what is rare and large is done here with all threads, since several at
 * a time would need several times its memory. SmolLM2-135M, FPO's gradient, 2 cores: `npm run bench:scaling`.
 */
import { collectGarbage } from '../../support/garbage.ts';
import { openSession, type SessionOpener } from './open-session.ts';
import { type PoolOptions, SessionPool } from './session-pool.ts';
import { Lane } from './worker/lane.ts';

export interface Place {
  readonly pool: SessionPool;
  /** For an operation. */
  readonly threads: number;
}

interface LaneJobs<Job, Result> {
  /** How many share the threads; with one the work is done in this thread. */
  readonly lanes: number;
  /** In the order in which they begin. */
  readonly jobs: readonly Job[];
  /** Done alone, with all threads. */
  readonly isAlone: (job: Job) => boolean;
  readonly work: (job: Job, place: Place) => Promise<Result>;
  /** Called in the jobs' order, whichever is done first: sums come out the same every time. */
  readonly take: (result: Result, job: Job) => void;
  /** Checked before each job; `run` then rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

export class Lanes {
  /** This thread. */
  readonly here: Place;
  #workers: readonly { readonly lane: Lane; readonly pool: SessionPool }[] = [];

  readonly #shared: boolean;

  /**
   * @param threads of all lanes together
   * @param shared whether graphs share sessions: see `PoolOptions`
   */
  constructor(threads: number, { shared = false }: Pick<PoolOptions, 'shared'> = {}) {
    this.#shared = shared;
    this.here = { pool: this.#poolOf(openSession), threads };
  }

  async run<Job, Result>({ lanes, jobs, isAlone, work, take, signal }: LaneJobs<Job, Result>): Promise<void> {
    const places = this.#places(lanes, jobs.length);
    const done = new Map<number, Result>();
    let [begun, taken] = [0, 0];
    const finish = (at: number, result: Result) => {
      done.set(at, result);
      for (; done.has(taken); taken++) {
        take(done.get(taken) as Result, jobs[taken] as Job);
        done.delete(taken);
      }
    };
    const together = jobs.map((job) => places.length > 1 && !isAlone(job));
    for (const [at, job] of jobs.entries()) {
      if (together[at]) continue;
      signal?.throwIfAborted();
      finish(at, await work(job, this.here));
    }
    let failed = false;
    const drive = async (place: Place) => {
      while (begun < jobs.length && !failed) {
        const at = begun++;
        if (!together[at]) continue;
        try {
          signal?.throwIfAborted();
          finish(at, await work(jobs[at] as Job, place));
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    };
    const ended = await Promise.allSettled(places.map(drive));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  /** See `SessionPool.begin`. */
  async begin(kind: string): Promise<void> {
    for (const pool of this.#pools()) await pool.begin(kind);
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools().map((pool) => pool.close()));
    await Promise.all(this.#workers.map(({ lane }) => lane.close()));
  }

  #poolOf(open: SessionOpener): SessionPool {
    if (!this.#shared) return new SessionPool(open);
    const opener: SessionOpener = async (graphs, options) => {
      const session = await open(graphs, options);
      // What a large graph was made from are a hundred megabytes, and a session works for long.
      collectGarbage();
      return session;
    };
    return new SessionPool(opener, { shared: true });
  }

  #pools(): readonly SessionPool[] {
    return [this.here.pool, ...this.#workers.map(({ pool }) => pool)];
  }

  /** As many lanes as there are jobs for. Workers are started when first needed. */
  #places(lanes: number, jobs: number): readonly Place[] {
    const count = Math.min(lanes, jobs);
    if (count <= 1) return [this.here];
    for (let at = this.#workers.length; at < count; at++) {
      const lane = new Lane();
      const pool = this.#poolOf((graphs, options) => lane.open(graphs, options));
      this.#workers = [...this.#workers, { lane, pool }];
    }
    const threads = Math.max(1, Math.floor(this.here.threads / lanes));
    return this.#workers.slice(0, count).map(({ pool }) => ({ pool, threads }));
  }
}
