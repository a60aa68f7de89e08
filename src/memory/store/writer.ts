/**
 * The versioned long-term memory, to be written: one process at a time, under the folder's lock. Every change writes
 * what is new beside what is there and then moves the head, once; cut off anywhere, it has happened or it has not.
 */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isLeftover, movePath, temporaryName } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { type FolderLock, lockFolder } from '../../support/folder-lock.ts';
import { addRows, type LearnedTask, putStages } from './append.ts';
import { type MemoryConfig, writeMemoryConfig } from './config.ts';
import { type DropOptions, type PlannedDrop, planDrop, putDrop } from './drop.ts';
import { LOCK_FILE, writeHead } from './format.ts';
import {
  type EntryAction,
  type EntryRecord,
  entrySchema,
  type RowsManifest,
  rowsManifestSchema,
} from './records.ts';
import { type Commit, type Entry, MemoryStore } from './store.ts';
import { verifyMemory } from './verify.ts';
import { type FoundRow, manifestWithout } from './withdraw.ts';

export type { LearnedStage, LearnedTask } from './append.ts';
export type { DropOptions, PlannedDrop } from './drop.ts';

export interface LockMemoryOptions {
  /** Seconds to wait for another writer; 0, the default: refused at once. */
  readonly wait?: number;
  /** Takes one line for people. */
  readonly log?: (line: string) => void;
  readonly now?: () => Date;
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
    await writer.sweep();
    return writer;
  } catch (error) {
    lock.release();
    throw error;
  }
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
    const rows = await addRows(this.store, learned, entry);
    const added = await putStages(this.store, learned, entry.versions, this.#now().toISOString());
    const head = action === 'aside' ? parent.hash : added.at(-1)!;
    await this.#move(entry, { action, head, added, rows, note });
    return Promise.all(added.map((hash) => this.store.commit(hash)));
  }

  /** Makes any commit the head again, as it was to the last bit. What was learned since stays, by its number. */
  async revert(version: string, note?: string): Promise<Commit> {
    const { commit, entry } = await this.store.head();
    const target = await this.store.resolve(version);
    if (target.hash !== commit.hash) await this.#move(entry, { action: 'revert', head: target.hash, note });
    return target;
  }

  /** What `drop` will do, so that its effect can be measured before it is done. */
  planDrop(task: string): Promise<PlannedDrop> {
    return planDrop(this.store, task);
  }

  /**
   * A commit whose adapter is what it would be had the task's refined memories never been merged, to the last bit.
   * Its rows leave buffer, store and cache. Versions before it stay and can be reverted to, without these rows.
   */
  async drop(plan: PlannedDrop, { metrics = null, note = '' }: DropOptions = {}): Promise<Commit> {
    const { store } = this;
    const { commit: parent, entry } = await store.head();
    checkHead(store.folder, plan.onto, parent);
    const time = this.#now().toISOString();
    const head = await putDrop(store, plan, { metrics, note, time, number: entry.versions });
    const reason = note === '' ? `the task ${plan.task} was dropped` : note;
    const rows = await manifestWithout(store, plan.rows, { time, action: 'drop', reason });
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

  /** At once, for whoever looks at it: a training that was begun in there is whole, or it is not there. */
  async #clearCache(): Promise<void> {
    const { cacheFolder } = this.store;
    if (!existsSync(cacheFolder)) return;
    const aside = temporaryName(cacheFolder);
    await movePath(cacheFolder, aside);
    await rm(aside, { recursive: true, force: true });
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
      rows: rows === undefined ? before.rows : await objects.putRecord(rowsManifestSchema, rows),
      note,
    };
    await writeHead(this.store.layout, await objects.putRecord(entrySchema, entry));
    await this.sweep();
  }

  /** Removes files of row texts that the head's manifest does not name, withdrawn or never committed, and old caches. */
  async sweep(): Promise<void> {
    const { folder, rows, cache } = this.store.layout;
    for (const name of await readdir(folder)) {
      if (name.startsWith(`${basename(cache)}.`) && isLeftover(name))
        await rm(join(folder, name), { recursive: true, force: true });
    }
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
