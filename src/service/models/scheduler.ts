/**
 * Which requests are at work: each joins the running batch of its version as soon as there are slots and memory
 * for its answers, between two tokens of the others, and leaves it when it is done. What waits is bounded, and
 * clients take turns. A version's batch is open while any of its requests is at work.
 */
import type { OpenGeneration } from '../../engine/engine.ts';
import { ApiError } from '../api-error.ts';
import type { BatchExtent } from './cache-memory.ts';
import { FairQueue } from './fair-queue.ts';
import type { ServedVersion } from './registry.ts';

export interface SchedulerOptions {
  /** The most answers at work at a time, all versions together. */
  readonly slots: number;
  /** The most requests that wait. */
  readonly queue: number;
  readonly open: (version: ServedVersion) => Promise<OpenGeneration>;
  /** Bytes for keys and values of a batch. */
  readonly bytesOf: (extent: BatchExtent) => number;
  /** Bytes that all batches together may come to. */
  readonly memory: number;
}

export interface Job<T> {
  readonly version: ServedVersion;
  /** Whose turn it takes. */
  readonly client: string;
  readonly answers: number;
  /** Tokens of prompt and answer at their longest. */
  readonly positions: number;
  /** A job that waits is given up; one at work hands the signal to the engine. */
  readonly signal: AbortSignal;
  readonly work: (generation: OpenGeneration) => Promise<T>;
}

interface Waiting {
  readonly job: Job<unknown>;
  readonly start: () => void;
}

interface Batch {
  readonly generation: Promise<OpenGeneration>;
  readonly running: Set<Job<unknown>>;
  mostAnswers: number;
}

/** Seconds: the first guess, and the bounds of what clients are told to wait. */
const [FIRST_GUESS, LEAST_WAIT, MOST_WAIT] = [5, 1, 60];
/** Weight of the newest duration in the running mean. */
const NEWEST = 0.1;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #queue = new FairQueue<Waiting>();
  readonly #batches = new Map<ServedVersion, Batch>();
  readonly #done = new Set<() => void>();
  #draining = false;
  #meanSeconds = FIRST_GUESS;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Answers at work. */
  get running(): number {
    let answers = 0;
    for (const { running } of this.#batches.values()) answers += answersOf(running);
    return answers;
  }

  /**
   * Runs a job when its turn has come.
   * @throws {ApiError} at once: 429 where too many wait, 503 while the service ends, 400 for what never fits
   */
  run<T>(job: Job<T>): Promise<T> {
    this.#check(job);
    return this.#admitted(job).then(() => this.#work(job));
  }

  /** No more requests; resolves when none is left. */
  async drain(): Promise<void> {
    this.#draining = true;
    while (this.#queue.length > 0 || this.#batches.size > 0) {
      await new Promise<void>((resolve) => this.#done.add(resolve));
    }
  }

  #check({ answers, positions }: Job<unknown>): void {
    const { slots, queue, bytesOf, memory } = this.#options;
    if (this.#draining) {
      const headers = { connection: 'close' };
      throw new ApiError(503, 'the service is shutting down', {
        code: 'shutting_down',
        retryAfter: 5,
        headers,
      });
    }
    if (answers > slots) {
      throw new ApiError(400, `n is ${answers}; this server makes ${slots} answers at a time`, {
        param: 'n',
      });
    }
    if (bytesOf({ answers, positions }) > memory) {
      const problem = `${answers} answers of up to ${positions} tokens with their prompt need more memory`;
      throw new ApiError(400, `${problem} than this server has for them`, { param: 'max_tokens' });
    }
    if (this.#queue.length < queue) return;
    const wait = (this.#meanSeconds * (this.#queue.length + 1)) / slots;
    throw new ApiError(429, `${queue} requests are waiting already; ask again later`, {
      code: 'rate_limit_exceeded',
      retryAfter: Math.min(MOST_WAIT, Math.max(LEAST_WAIT, wait)),
    });
  }

  /** Waits for the job's turn. @throws its signal's reason, if that comes first. */
  #admitted(job: Job<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal, client } = job;
      const give = () => {
        if (!this.#queue.remove(client, waiting)) return;
        reject(signal.reason);
        this.#advance();
        this.#tellDone();
      };
      const start = () => {
        signal.removeEventListener('abort', give);
        resolve();
      };
      const waiting = { job, start };
      this.#queue.add(client, waiting);
      if (signal.aborted) give();
      else signal.addEventListener('abort', give, { once: true });
      this.#advance();
    });
  }

  /** Starts what waits, in order, as far as there is room: a wide request is not passed by narrow ones for ever. */
  #advance(): void {
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      if (!this.#hasRoom(next.job)) return;
      this.#queue.take();
      const batch = this.#batchOf(next.job.version);
      batch.running.add(next.job);
      batch.mostAnswers = Math.max(batch.mostAnswers, answersOf(batch.running));
      next.start();
    }
  }

  #hasRoom(job: Job<unknown>): boolean {
    const running = this.running;
    if (running === 0) return true;
    if (running + job.answers > this.#options.slots) return false;
    let bytes = 0;
    const versions = new Set([...this.#batches.keys(), job.version]);
    for (const version of versions) {
      const batch = this.#batches.get(version);
      const jobs = [...(batch?.running ?? []), ...(version === job.version ? [job] : [])];
      const answers = Math.max(batch?.mostAnswers ?? 0, answersOf(jobs));
      bytes += this.#options.bytesOf({ answers, positions: Math.max(...jobs.map((one) => one.positions)) });
    }
    return bytes <= this.#options.memory;
  }

  #batchOf(version: ServedVersion): Batch {
    const known = this.#batches.get(version);
    if (known) return known;
    const generation = this.#options.open(version);
    // Whoever works with it is told.
    generation.catch(() => {});
    const batch: Batch = { generation, running: new Set(), mostAnswers: 0 };
    this.#batches.set(version, batch);
    return batch;
  }

  async #work<T>(job: Job<T>): Promise<T> {
    const batch = this.#batches.get(job.version) as Batch;
    const start = performance.now();
    try {
      const result = await job.work(await batch.generation);
      this.#meanSeconds += NEWEST * ((performance.now() - start) / 1000 - this.#meanSeconds);
      return result;
    } finally {
      batch.running.delete(job);
      if (batch.running.size === 0) {
        this.#batches.delete(job.version);
        // Its memory is free before the next batch is given some.
        await batch.generation.then((open) => open.close()).catch(() => {});
      }
      this.#advance();
      this.#tellDone();
    }
  }

  #tellDone(): void {
    const told = [...this.#done];
    this.#done.clear();
    for (const tell of told) tell();
  }
}

function answersOf(jobs: Iterable<Job<unknown>>): number {
  let answers = 0;
  for (const job of jobs) answers += job.answers;
  return answers;
}
