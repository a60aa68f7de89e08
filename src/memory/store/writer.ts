/**
 * The versioned long-term memory, to be written: one process at a time, under the folder's lock. Every change writes
 * what is new beside what is there and then moves the head, once; cut off anywhere, it has happened or it has not.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoraAdapter } from '../../model/adapter.ts';
import { UserError } from '../../support/errors.ts';
import { type FolderLock, lockFolder } from '../../support/folder-lock.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import type { ConsolidationSettings, MatrixReport } from '../consolidate.ts';
import { type MemoryConfig, writeMemoryConfig } from './config.ts';
import { LOCK_FILE, writeHead } from './format.ts';
import { mergeRefined } from './merge.ts';
import type {
  BaseHashes,
  BufferEntry,
  CommitMetrics,
  CommitRecord,
  EntryAction,
  EntryRecord,
  RowsManifest,
  TaskRecord,
} from './records.ts';
import { replay } from './replay.ts';
import { putRows, type StoredRow } from './rows.ts';
import { type Commit, type Entry, MemoryStore } from './store.ts';
import { summarise } from './summary.ts';
import { putTensors } from './tensors.ts';
import { verifyMemory } from './verify.ts';
import { type FoundRow, manifestWithout, rowsOfTask } from './withdraw.ts';

export interface LockMemoryOptions {
  /** Seconds to wait for another writer; 0, the default: refused at once. */
  readonly wait?: number;
  /** Takes one line for people. */
  readonly log?: (line: string) => void;
  readonly now?: () => Date;
}

/** One stage of a task, trained and consolidated. */
export interface LearnedStage {
  /** `sft` or `preference`. */
  readonly stage: string;
  /** What training changed: W_after − LM. */
  readonly shortTerm: LoraAdapter;
  readonly refined: LoraAdapter;
  readonly settings: ConsolidationSettings;
  readonly reports: ReadonlyMap<string, MatrixReport>;
  /** On every task, before and after the stage; `null`: not measured. */
  readonly metrics: CommitMetrics | null;
}

export interface LearnedTask {
  readonly task: string;
  readonly private: boolean;
  /** The commit that was trained on: the head, or the memory has moved on and this is refused. */
  readonly onto: Commit;
  readonly hashes: BaseHashes;
  readonly data: TaskRecord['data'];
  /** Every row that may be needed again; in no two of the lists. */
  readonly rows: {
    readonly train: readonly StoredRow[];
    readonly gate: readonly StoredRow[];
    readonly report: readonly StoredRow[];
  };
  /** In order; those of zero epochs are left out. */
  readonly stages: readonly LearnedStage[];
  /** The replay buffer after the task. */
  readonly buffer: readonly BufferEntry[];
  /** The whole config as it was resolved; left out: the memory's as it is now. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Kept with the split. */
  readonly details?: TaskRecord['details'];
  readonly note?: string;
}

/**
 * Takes the memory for this process until `release`. Leftovers of a writer that was cut off are cleared away, so that
 * texts which were being withdrawn are gone.
 *
 * @throws {UserError} naming the process that is at work there.
 */
export async function lockMemory(
  folder: string,
  { wait = 0, log = () => {}, now = () => new Date() }: LockMemoryOptions = {},
): Promise<MemoryWriter> {
  // Before the lock: it would make the folder.
  const store = await MemoryStore.open(folder);
  const lock = await lockFolder(folder, log, { file: LOCK_FILE, wait });
  try {
    const writer = new MemoryWriter(store, lock, now);
    await writer.sweepRows();
    return writer;
  } catch (error) {
    lock.release();
    throw error;
  }
}

export interface PlannedDrop {
  readonly task: string;
  readonly onto: Commit;
  /** Stages whose refined memories are left out, and those that remain, oldest first. */
  readonly removed: readonly Commit[];
  readonly remaining: readonly Commit[];
  readonly adapter: LoraAdapter;
  /** That will be withdrawn. */
  readonly rows: readonly FoundRow[];
}

export interface DropOptions {
  /** On every task, the dropped one too, before and after. */
  readonly metrics?: CommitMetrics | null;
  readonly note?: string;
}

/** What a change adds to the log. */
interface Movement {
  readonly action: EntryAction;
  readonly head: string;
  readonly added?: readonly string[];
  /** Left out: it stays as it is. */
  readonly rows?: RowsManifest;
  readonly note?: string | undefined;
}

export class MemoryWriter {
  readonly store: MemoryStore;
  readonly #lock: FolderLock;
  readonly #now: () => Date;

  constructor(store: MemoryStore, lock: FolderLock, now: () => Date) {
    this.store = store;
    this.#lock = lock;
    this.#now = now;
  }

  release(): void {
    this.#lock.release();
  }

  /** Appends a task: a commit for each stage, and one movement of the head. Returns the commits. */
  learn(learned: LearnedTask): Promise<readonly Commit[]> {
    return this.#append(learned, 'learn', learned.note);
  }

  /** Keeps what the gate refused, with its rows, where `revert` and `show` find it; the head stays. */
  keepAside(learned: LearnedTask, reason: string): Promise<readonly Commit[]> {
    return this.#append(learned, 'aside', reason);
  }

  async #append(learned: LearnedTask, action: 'learn' | 'aside', note?: string): Promise<readonly Commit[]> {
    const { commit: parent, entry } = await this.store.head();
    checkHead(this.store.folder, learned.onto, parent);
    if (learned.stages.length === 0) throw new UserError(`task ${learned.task}: no stage was trained`);
    const rows = await this.#addRows(learned, entry);
    const added = await this.#writeStages(learned, parent, entry);
    const head = action === 'aside' ? parent.hash : added.at(-1)!;
    await this.#move(entry, { action, head, added, rows, note });
    return Promise.all(added.map((hash) => this.store.commit(hash)));
  }

  /** The manifest with the task's rows in it. */
  async #addRows({ task, rows }: LearnedTask, entry: Entry): Promise<RowsManifest> {
    const manifest = await this.store.manifest(entry);
    const all = [...rows.train, ...rows.gate, ...rows.report];
    if (new Set(all.map(({ id }) => id)).size !== all.length) {
      throw new Error(`task ${task}: a row is in the split twice`);
    }
    if (all.length === 0) return manifest;
    const file = await putRows(this.store.layout.rows, all);
    return { ...manifest, files: [...manifest.files, { task, file, rows: all.length }] };
  }

  async #writeStages(learned: LearnedTask, parent: Commit, { versions }: Entry): Promise<readonly string[]> {
    const { objects } = this.store.layout;
    const idsOf = (rows: readonly StoredRow[]) => rows.map(({ id }) => id);
    const { train, gate, report } = learned.rows;
    const record: TaskRecord = {
      task: learned.task,
      private: learned.private,
      data: learned.data,
      train: idsOf(train),
      gate: idsOf(gate),
      report: idsOf(report),
      ...(learned.details === undefined ? {} : { details: learned.details }),
    };
    const shared = {
      kind: 'stage',
      task: learned.task,
      time: this.#now().toISOString(),
      note: learned.note ?? '',
      config: await objects.putJson(learned.config ?? (await this.store.config())),
      hashes: { ...learned.hashes, data: learned.data.sha256 },
      lora: parent.lora,
      rows: await objects.putJson(record),
    } as const;
    const bufferAfter = await objects.putJson({ entries: learned.buffer });
    const commits: string[] = [];
    let longTerm = await this.store.adapter(parent);
    for (const [at, stage] of learned.stages.entries()) {
      longTerm = mergeRefined(longTerm, stage.refined, stage.settings.space ?? 'factors');
      const commit: CommitRecord = {
        ...shared,
        number: versions + at,
        parent: commits.at(-1) ?? parent.hash,
        stage: stage.stage,
        adapter: await putTensors(objects, longTerm),
        short_term: await putTensors(objects, stage.shortTerm),
        refined: await putTensors(objects, stage.refined),
        consolidation: {
          space: stage.settings.space ?? 'factors',
          threshold: stage.settings.threshold,
          lambda: stage.settings.lambda,
          summary: summarise(stage.reports),
          reports: await objects.putJson(Object.fromEntries(stage.reports)),
        },
        // Until the task's last stage it is what the task was trained with.
        buffer: at === learned.stages.length - 1 ? bufferAfter : parent.buffer,
        metrics: stage.metrics === null ? null : await objects.putJson(stage.metrics),
      };
      commits.push(await objects.putJson(commit));
    }
    return commits;
  }

  /** Makes any commit the head again, as it was to the last bit. What was learned since stays, by its number. */
  async revert(version: string, note?: string): Promise<Commit> {
    const { commit, entry } = await this.store.head();
    const target = await this.store.resolve(version);
    if (target.hash !== commit.hash) await this.#move(entry, { action: 'revert', head: target.hash, note });
    return target;
  }

  /** What `drop` will do, so that its effect can be measured before it is done. */
  async planDrop(task: string): Promise<PlannedDrop> {
    const { store } = this;
    const { commit } = await store.head();
    const learned = await store.learned(commit);
    const removed = learned.filter((stage) => stage.task === task);
    if (removed.length === 0) {
      const known = [...new Set(learned.map((stage) => stage.task!))];
      const list = known.length === 0 ? 'it has learned none' : `it has learned ${known.join(', ')}`;
      throw new UserError(
        `${store.folder}: version ${commit.number} has no task "${task}"; ${list}.${didYouMean(task, known)}`,
      );
    }
    const remaining = learned.filter((stage) => stage.task !== task);
    const adapter = await replay(store, commit, remaining);
    return { task, onto: commit, removed, remaining, adapter, rows: await rowsOfTask(store, task) };
  }

  /**
   * A commit whose adapter is what it would be had the task's refined memories never been merged, to the last bit.
   * Its rows leave buffer, store and cache. Versions before it stay and can be reverted to, without these rows.
   */
  async drop(plan: PlannedDrop, { metrics = null, note = '' }: DropOptions = {}): Promise<Commit> {
    const { store } = this;
    const { objects } = store.layout;
    const { commit: parent, entry } = await store.head();
    checkHead(store.folder, plan.onto, parent);
    const { task } = plan;
    const entries = (await store.buffer(parent)).filter((row) => row.task !== task);
    const time = this.#now().toISOString();
    const { hash: parentHash, ...unchanged } = parent;
    const commit: CommitRecord = {
      ...unchanged,
      number: entry.versions,
      parent: parentHash,
      kind: 'drop',
      task,
      stage: null,
      time,
      note,
      config: await objects.putJson(await store.config()),
      hashes: { ...parent.hashes, data: null },
      adapter: await putTensors(objects, plan.adapter),
      short_term: null,
      refined: null,
      consolidation: null,
      rows: null,
      buffer: await objects.putJson({ entries }),
      metrics: metrics === null ? null : await objects.putJson(metrics),
    };
    const reason = note === '' ? `the task ${task} was dropped` : note;
    const rows = await manifestWithout(store, plan.rows, { time, action: 'drop', reason });
    const head = await objects.putJson(commit);
    await this.#clearCache();
    await this.#move(entry, { action: 'drop', head, added: [head], rows, note });
    return store.commit(head);
  }

  /** Withdraws rows: their texts go, and no buffer holds them from now on. The head's adapter stays what it is. */
  async forget(rows: readonly FoundRow[], reason: string): Promise<void> {
    const { entry } = await this.store.head();
    if (rows.length === 0) return;
    const time = this.#now().toISOString();
    const manifest = await manifestWithout(this.store, rows, { time, action: 'forget', reason });
    await this.#clearCache();
    await this.#move(entry, { action: 'forget', head: entry.head, rows: manifest, note: reason });
  }

  /**
   * Removes what nothing refers to.
   * @throws {UserError} for a damaged memory: what is needed to mend it may be among that.
   */
  async prune(): Promise<readonly string[]> {
    const { folder, layout } = this.store;
    const { problems, orphans } = await verifyMemory(layout);
    const needed = problems.find(({ file }) => !orphans.includes(file));
    if (needed)
      throw new UserError(`${join(folder, needed.file)}: damaged, so nothing is removed: ${needed.problem}`);
    for (const file of orphans) await rm(join(folder, file), { force: true, recursive: true });
    return orphans;
  }

  async #clearCache(): Promise<void> {
    await rm(this.store.cacheFolder, { recursive: true, force: true });
  }

  async setConfig(config: MemoryConfig): Promise<void> {
    await writeMemoryConfig(this.store.layout.config, config);
  }

  async #move(before: Entry, { action, head, added = [], rows, note = '' }: Movement): Promise<void> {
    const { objects } = this.store.layout;
    const entry: EntryRecord = {
      number: before.number + 1,
      previous: before.hash,
      time: this.#now().toISOString(),
      action,
      head,
      added: [...added],
      versions: before.versions + added.length,
      rows: rows === undefined ? before.rows : await objects.putJson(rows),
      note,
    };
    await writeHead(this.store.layout, await objects.putJson(entry));
    await this.sweepRows();
  }

  /** Removes files of row texts that the head's manifest does not name: withdrawn, or never committed. */
  async sweepRows(): Promise<void> {
    const { rows } = this.store.layout;
    const names = await rows.names();
    if (names.length === 0) return;
    const { files } = await this.store.manifest((await this.store.head()).entry);
    const named = new Set(files.map(({ file }) => `${file}.jsonl`));
    for (const name of names) if (!named.has(name)) await rm(join(rows.path, name), { force: true });
  }
}

function checkHead(folder: string, expected: Commit, found: Commit): void {
  if (expected.hash === found.hash) return;
  throw new UserError(
    `${folder}: the head has moved from version ${expected.number} to ${found.number} since this was made`,
  );
}
