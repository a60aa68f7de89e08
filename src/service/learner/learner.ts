/**
 * The learner of an instance: it tries to hold the lease, and while it does takes one step after another of the task
 * that is on its way, or makes one. All it knows stands in the database and in the memory, so that whoever holds the
 * lease next goes on where this one was ended.
 *
 *     accepted feedback -> collect.ts -> learning.ts -> the memory -> comparisons.ts -> canary.ts -> everybody
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Redact } from '../feedback/redact.ts';
import { errorFields, type Logger } from '../http/log.ts';
import type { Store } from '../store/open.ts';
import type { Answering } from './answering.ts';
import { canaryWaits, dueTests, lastTests, liveSignal, withTests } from './canary.ts';
import type { CanaryTest } from './canary-test.ts';
import { collectTask, Unlearned } from './collect.ts';
import { compareNext } from './comparisons.ts';
import type { LearnProgress, StartLearn } from './learn-process.ts';
import { learnTask } from './learning.ts';
import { type Lease, LeaseLostError, takeLease } from './lease.ts';
import type { LearnerMemory } from './memory.ts';
import { type CanaryRecord, canaryOf, promote, rollBack } from './promotion.ts';
import { reconcile } from './reconcile.ts';
import { type LearnerSettings, leastRows } from './settings.ts';
import { shadowSummary, shadowWaits } from './shadow-summary.ts';
import { type Db, type LearnerTask, newestTask, openTask, recordDecision } from './tasks.ts';
import { triggerOf } from './trigger.ts';
import { retryWaits } from './waits.ts';

export interface LearnerOptions {
  readonly store: Store;
  readonly memory: LearnerMemory;
  readonly settings: LearnerSettings;
  /** Who this is among several. */
  readonly instance: string;
  readonly startLearn: StartLearn;
  readonly answering: Answering;
  readonly redact: Redact;
  readonly logger: Logger;
  /** Milliseconds between two looks while there is nothing to do. */
  readonly interval?: number;
}

const INTERVAL = 1000;
/** The lease is renewed so often in its time. */
const RENEWALS = 3;
/** Milliseconds between two tellings of progress. */
const TELL_INTERVAL = 500;

export class Learner {
  readonly #options: LearnerOptions;
  readonly #unlearned: Unlearned;
  readonly #ending = new AbortController();
  #lease: Lease | null = null;
  #progress: LearnProgress | null = null;
  /** When progress was last told between two beats; milliseconds from any beginning. */
  #told = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | null = null;

  constructor(options: LearnerOptions) {
    this.#options = options;
    this.#unlearned = new Unlearned(options.store);
  }

  /** Whether this instance is the one that learns. */
  get leads(): boolean {
    return this.#lease !== null && !this.#lease.signal.aborted;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends in order: a training is stopped and saved, and another instance may take over at once. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { interval = INTERVAL, logger } = this.#options;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      let again = false;
      try {
        again = await this.#turn();
      } catch (error) {
        if (error instanceof LeaseLostError) logger.warn('another instance learns now');
        else if (!signal.aborted) logger.error(errorFields(error), 'the learner failed; it tries again');
      }
      if (!again) await wait(interval, undefined, { signal }).catch(() => {});
    }
    await this.#lease?.release().catch((error: unknown) => {
      logger.error(errorFields(error), 'the lease could not be given back; it ends by itself');
    });
  }

  /** @returns whether there may be more to do at once */
  async #turn(): Promise<boolean> {
    if (!this.leads && !(await this.#lead())) return false;
    const lease = this.#lease!;
    const beat = setInterval(() => this.#renew(lease), (1000 * this.#options.settings.lease) / RENEWALS);
    try {
      await lease.renew(this.#progressText());
      return await this.#step(lease);
    } finally {
      clearInterval(beat);
    }
  }

  async #lead(): Promise<boolean> {
    const { store, memory, instance, settings, logger } = this.#options;
    const lasts = Math.round(1000 * settings.lease);
    this.#lease = await takeLease({ store, memory: memory.name, owner: instance, lasts });
    if (this.#lease === null) return false;
    logger.info({ instance, lease: this.#lease.token }, 'this instance learns');
    const { token } = this.#lease;
    await this.#lease.fenced((transaction) =>
      recordDecision(transaction, {
        ...{ memory: memory.name, task: null, actor: 'learner', action: 'elect' },
        detail: { instance, lease: token },
      }),
    );
    return true;
  }

  #renew(lease: Lease): void {
    lease.renew(this.#progressText()).catch((error: unknown) => {
      if (!(error instanceof LeaseLostError)) {
        this.#options.logger.error(errorFields(error), 'the lease could not be renewed');
      }
    });
  }

  /** What is on its way is shown as it comes, but not a thousand times a second. */
  #tell(lease: Lease): void {
    const now = performance.now();
    if (this.#progress === null || now < this.#told + TELL_INTERVAL) return;
    this.#told = now;
    this.#renew(lease);
  }

  #progressText(): string | null {
    return this.#progress === null ? null : JSON.stringify(this.#progress);
  }

  async #step(lease: Lease): Promise<boolean> {
    const { store, memory, settings, startLearn, logger } = this.#options;
    if (!(await reconcile({ store, memory, lease }))) return false;
    const task = await openTask(store.db, memory.name);
    const { paused, requested_by, started_at } = await store.db
      .selectFrom('learner')
      .select(['paused', 'requested_by', 'started_at'])
      .where('memory', '=', memory.name)
      .executeTakeFirstOrThrow();
    if (task === undefined) {
      if (paused === 1 && requested_by === null) return false;
      return this.#collect(lease, requested_by, started_at);
    }
    switch (task.state) {
      case 'collected':
      case 'learning':
        if (paused === 1 && task.trigger !== 'request') return false;
        if (retryWaits(task, Date.now()).length > 0) return false;
        return learnTask(
          {
            ...{ store, memory, lease, settings, startLearn, logger, ending: this.#ending.signal },
            onProgress: (progress) => {
              this.#progress = progress;
              this.#tell(lease);
            },
          },
          task,
        );
      case 'shadow':
        return this.#shadow(lease, task, paused === 1);
      case 'canary':
        return this.#canary(lease, task, paused === 1);
      default:
        return false;
    }
  }

  async #collect(lease: Lease, requestedBy: string | null, started: number): Promise<boolean> {
    const { store, memory, settings } = this.#options;
    const { trigger } = triggerOf({
      ...{ settings, started, now: Date.now(), requested: requestedBy !== null },
      unlearned: await this.#unlearned.summary(),
      last: await newestTask(store.db, memory.name),
    });
    if (trigger === null) {
      await this.#unlearned.mark(lease);
      return false;
    }
    return lease.fenced(async (transaction) => {
      const actor = trigger === 'request' ? (requestedBy ?? 'learner') : 'learner';
      const collecting = { memory: memory.name, trigger, least: leastRows(settings), actor };
      const made = await collectTask(transaction, collecting);
      await transaction
        .updateTable('learner')
        .set({ requested_by: null })
        .where('memory', '=', memory.name)
        .execute();
      return made !== null;
    });
  }

  async #shadow(lease: Lease, task: LearnerTask, paused: boolean): Promise<boolean> {
    const { store, settings, answering, redact } = this.#options;
    const { shadow } = settings;
    if (shadow !== null) {
      const compared = await compareNext(
        {
          ...{ store, lease, answering, redact, ending: this.#ending.signal },
          ...{ prompts: shadow.prompts, maxTokens: shadow.max_tokens },
        },
        task,
      );
      if (compared !== 'none left') return compared === 'one';
    }
    const summary = await shadowSummary(store.db, task, settings);
    if (paused || shadowWaits(task, summary, settings, Date.now()).length > 0) return false;
    const { compared, exact, similarity, length_ratio } = summary;
    const reason = shadow === null ? 'no comparison is set' : `compared on ${compared} recent prompts`;
    const detail = { compared, exact, similarity, length_ratio };
    return lease.fenced((transaction) =>
      promote(transaction, task, settings, { actor: 'learner', reason, detail }),
    );
  }

  async #canary(lease: Lease, task: LearnerTask, paused: boolean): Promise<boolean> {
    const { store, settings } = this.#options;
    const record = canaryOf(task);
    const { canary } = settings;
    if (record === null || canary === null) {
      // The stage was taken out of the settings while a task was in it.
      if (paused) return false;
      const reason = 'no canary is set';
      return lease.fenced((transaction) =>
        promote(transaction, task, settings, { actor: 'learner', reason }),
      );
    }
    const signal = await liveSignal(store.db, task, record.since);
    const due = dueTests(record, signal, canary, Date.now());
    if (due.length > 0) {
      return lease.fenced(async (transaction) => {
        const worse = await this.#look(transaction, task, record, due);
        return worse === undefined || giveUp(transaction, task, worse);
      });
    }
    if (paused || canaryWaits(record, signal, settings, Date.now()).length > 0) return false;
    const last = lastTests(record, signal, canary, Date.now());
    const reason = `not found worse than what was served, after ${signal.candidate.answers} answers`;
    const detail = { serving: signal.serving, candidate: signal.candidate };
    return lease.fenced(async (transaction) => {
      const worse = await this.#look(transaction, task, record, last);
      if (worse) return giveUp(transaction, task, worse);
      return promote(transaction, task, settings, { actor: 'learner', reason, detail });
    });
  }

  /** Records the tests. @returns the first that found the candidate worse */
  async #look(
    transaction: Db,
    task: LearnerTask,
    record: CanaryRecord,
    tests: readonly CanaryTest[],
  ): Promise<CanaryTest | undefined> {
    const memory = this.#options.memory.name;
    for (const test of tests) {
      const detail = { ...test };
      await recordDecision(transaction, { memory, task, actor: 'learner', action: 'test', detail });
    }
    await transaction
      .updateTable('learner_tasks')
      .set({ canary: JSON.stringify(withTests(record, tests)) })
      .where('id', '=', task.id)
      .execute();
    return tests.find(({ worse }) => worse);
  }
}

function giveUp(transaction: Db, task: LearnerTask, worse: CanaryTest): Promise<boolean> {
  const bad = worse.signal === 'ratings' ? 'rated worse' : 'failing more often';
  const reason = `${bad} than what is served: ${share(worse.candidate)} against ${share(worse.serving)}`;
  return rollBack(transaction, task, { actor: 'learner', reason, detail: { ...worse } });
}

function share({ hits, count }: { readonly hits: number; readonly count: number }): string {
  return `${hits} of ${count}`;
}
