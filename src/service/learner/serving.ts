/**
 * Which version the memory's bare name means in this instance: what the database says, looked at once a second. Every
 * instance does, so that all agree within that time, whichever of them decides.
 */
import { UserError } from '../../support/errors.ts';
import { errorFields, type Logger } from '../http/log.ts';
import type { ModelRegistry } from '../models/registry.ts';
import type { Store } from '../store/open.ts';
import { type TrafficCount, tellTraffic } from './canary.ts';
import type { LearnerMemory } from './memory.ts';
import { canaryOf } from './promotion.ts';

export interface ServingOptions {
  readonly store: Store;
  readonly memory: LearnerMemory;
  readonly registry: Pick<ModelRegistry, 'lead' | 'divert'>;
  readonly instance: string;
  readonly logger: Logger;
  /** Milliseconds between two looks. */
  readonly interval?: number;
}

const INTERVAL = 1000;

interface Served {
  readonly serving: number;
  readonly canary: { readonly task: string; readonly version: number; readonly share: number } | null;
}

export class Serving {
  readonly #options: ServingOptions;
  #applied: Served | null = null;
  /** Of the canary that is applied, by version. */
  #counts = new Map<number, { answers: number; errors: number }>();
  #told = '';
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(options: ServingOptions) {
    this.#options = options;
  }

  /**
   * Makes the database know the memory, at its head where it is new there, and the registry what is served of it.
   * @throws {UserError} for another memory than the database knows by the name, or a version that it lacks
   */
  static async open(options: ServingOptions): Promise<Serving> {
    const { store, memory, registry } = options;
    const { commit: head } = await memory.store.head();
    const { hash: root } = await memory.store.resolve('0');
    await store.db
      .insertInto('learner')
      .values({
        ...{ memory: memory.name, root, owner: null, token: 0, until: 0, paused: 0 },
        ...{ serving: head.number, requested_by: null, progress: null, started_at: Date.now() },
      })
      .onConflict((conflict) => conflict.column('memory').doNothing())
      .execute();
    const row = await store.db
      .selectFrom('learner')
      .select(['root', 'serving'])
      .where('memory', '=', memory.name)
      .executeTakeFirstOrThrow();
    const known = `${store.shown}: what it says of ${memory.name}`;
    if (row.root !== root) {
      throw new UserError(
        `${known} is about another memory than ${memory.store.folder}; serve it by another name`,
      );
    }
    if (!registry.lead(memory.name, idOf(memory, row.serving))) {
      const problem = `version ${row.serving} is served, which ${memory.store.folder} does not have`;
      throw new UserError(`${known}: ${problem}`);
    }
    const serving = new Serving(options);
    await serving.#look();
    return serving;
  }

  /** Goes on looking. */
  start(): void {
    const { interval = INTERVAL } = this.#options;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().then(() => {
        if (!this.#stopped) this.start();
      });
    }, interval);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#tell().catch((error: unknown) => this.#failed(error));
  }

  /** A request for the bare name was answered, or failed. */
  count({ name, version }: { name: string; version: string | null }, outcome: 'answered' | 'failed'): void {
    if (name !== this.#options.memory.name || this.#applied?.canary == null) return;
    const counted = this.#counts.get(Number(version?.slice(1)));
    if (counted) counted[outcome === 'answered' ? 'answers' : 'errors']++;
  }

  async #look(): Promise<void> {
    try {
      const served = await readServed(this.#options);
      if (served) await this.#apply(served);
      await this.#tell();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#options.logger.error(errorFields(error), 'what is served cannot be read; it stays as it is');
  }

  async #apply(served: Served): Promise<void> {
    const { memory, registry, logger } = this.#options;
    if (JSON.stringify(served) === JSON.stringify(this.#applied)) return;
    // What is counted belongs to the canary that ends here.
    await this.#tell();
    // A version that was learned a moment ago is published soon; until then it stays as it was.
    if (!registry.lead(memory.name, idOf(memory, served.serving))) return;
    const { canary } = served;
    registry.divert(
      memory.name,
      canary && { id: idOf(memory, canary.version), share: canary.share, salt: canary.task },
    );
    if (canary?.task !== this.#applied?.canary?.task) {
      const versions = canary ? [served.serving, canary.version] : [];
      this.#counts = new Map(versions.map((version) => [version, { answers: 0, errors: 0 }]));
    }
    this.#applied = served;
    logger.info({ model: memory.name, serving: served.serving, canary: canary?.version ?? null }, 'serves');
  }

  async #tell(): Promise<void> {
    const { store, instance } = this.#options;
    const task = this.#applied?.canary?.task;
    if (task === undefined) return;
    const counts = Array.from(this.#counts, ([version, counted]): TrafficCount => {
      return { task, instance, version, ...counted };
    });
    const text = JSON.stringify(counts);
    if (text === this.#told) return;
    await tellTraffic(store, counts);
    this.#told = text;
  }
}

async function readServed({ store, memory }: ServingOptions): Promise<Served | null> {
  const row = await store.db
    .selectFrom('learner')
    .leftJoin('learner_tasks as task', (join) =>
      join.onRef('task.memory', '=', 'learner.memory').on('task.state', '=', 'canary'),
    )
    .select(['learner.serving', 'task.id', 'task.version', 'task.canary'])
    .where('learner.memory', '=', memory.name)
    .executeTakeFirst();
  if (!row) return null;
  const { serving, id, version, canary } = row;
  const record = canary === null ? null : canaryOf({ canary });
  if (id === null || version === null || record === null) return { serving, canary: null };
  return { serving, canary: { task: id, version, share: record.share } };
}

function idOf({ name }: LearnerMemory, version: number): string {
  return `${name}@v${version}`;
}
