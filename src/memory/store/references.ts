/** Everything that a memory's state refers to: the walk that `verify` compares with the files that are there. */
import * as z from 'zod';
import { readHead } from './format.ts';
import type { ObjectKind } from './objects.ts';
import {
  bufferSchema,
  metricsSchema,
  type RowsManifest,
  rowsManifestSchema,
  taskRecordSchema,
  tombstoneSchema,
} from './records.ts';
import { readRowsFile } from './rows.ts';
import { DamagedError } from './sealed.ts';
import type { Commit, Entry, MemoryStore } from './store.ts';

/** A version, as messages name it. */
export type CommitName = Pick<Commit, 'number' | 'hash'>;

export interface Damage {
  readonly error: DamagedError;
  /** The first version that needs the file; `null`: no one version does. */
  readonly commit: CommitName | null;
}

export class References {
  /** File names in objects/ and rows/, with the first version that needs the file. */
  readonly objects = new Map<string, CommitName | null>();
  readonly rows = new Map<string, CommitName | null>();
  readonly commits: Commit[] = [];
  readonly entries: Entry[] = [];
  /** What could not be read, or is not what it should be; what lies behind it is not known then. */
  readonly damage: Damage[] = [];
  /** Names of files that were read and found to be as they were written. */
  readonly read = new Set<string>();
  /** Ids that tasks' records and buffers name, and those of which a text or a withdrawal is known. */
  readonly #namedRows = new Map<string, CommitName>();
  readonly #knownRows = new Set<string>();
  readonly #store: MemoryStore;

  private constructor(store: MemoryStore) {
    this.#store = store;
  }

  /** Walks from the head to every entry, commit and object; adapters are named only, all else is read. */
  static async find(store: MemoryStore): Promise<References> {
    const found = new References(store);
    await found.#addEntries();
    await found.#addRows();
    for (const [id, commit] of found.#namedRows) {
      if (found.#knownRows.has(id) || found.entries.length === 0) continue;
      const problem = `the row ${id} is neither there nor was it withdrawn`;
      found.damage.push({ error: new DamagedError(store.layout.rows.path, problem), commit });
    }
    return found;
  }

  async #addEntries(): Promise<void> {
    let next: string | null = (await this.#guarded(null, () => readHead(this.#store.layout))) ?? null;
    while (next !== null) {
      const hash: string = next;
      this.objects.set(`${hash}.json`, null);
      const entry: Entry | undefined = await this.#guarded(null, () => this.#store.entry(hash));
      if (entry === undefined) return;
      this.read.add(`${hash}.json`);
      this.entries.push(entry);
      await this.#json(null, entry.rows, rowsManifestSchema);
      for (const [at, added] of entry.added.entries()) {
        await this.#addCommit(added, entry.versions - entry.added.length + at);
      }
      next = entry.previous;
    }
  }

  async #addCommit(hash: string, number: number): Promise<void> {
    const name = { number, hash };
    this.#refer(name, hash, 'json');
    const commit = await this.#guarded(name, () => this.#store.commit(hash));
    if (commit === undefined) return;
    this.read.add(`${hash}.json`);
    this.commits.push(commit);
    for (const tensors of [commit.adapter, commit.short_term, commit.refined]) {
      if (tensors !== null) this.#refer(name, tensors, 'safetensors');
    }
    const anything = z.record(z.string(), z.json());
    await this.#json(name, commit.config, anything);
    if (commit.consolidation) await this.#json(name, commit.consolidation.reports, anything);
    if (commit.metrics) await this.#json(name, commit.metrics, metricsSchema);
    if (commit.rows) {
      const record = await this.#json(name, commit.rows, taskRecordSchema);
      if (record) this.#nameRows(name, [...record.train, ...record.gate, ...record.report]);
    }
    if (commit.buffer) {
      const buffer = await this.#json(name, commit.buffer, bufferSchema);
      if (buffer)
        this.#nameRows(
          name,
          buffer.entries.map(({ row }) => row),
        );
    }
  }

  async #addRows(): Promise<void> {
    const [newest] = this.entries;
    const manifest: RowsManifest | undefined =
      newest && (await this.#json(null, newest.rows, rowsManifestSchema));
    if (manifest === undefined) return;
    for (const hash of manifest.tombstones) {
      const tombstone = await this.#json(null, hash, tombstoneSchema);
      for (const { id } of tombstone?.rows ?? []) this.#knownRows.add(id);
    }
    for (const { file, task } of manifest.files) {
      const commit = this.commits.findLast((candidate) => candidate.task === task) ?? null;
      this.rows.set(`${file}.jsonl`, commit);
      const rows = await this.#guarded(commit, () => readRowsFile(this.#store.layout.rows, file));
      for (const { id } of rows ?? []) this.#knownRows.add(id);
      if (rows) this.read.add(`${file}.jsonl`);
      // What was in it is not known, and its loss is told once.
      if (rows === undefined) this.#namedRows.clear();
    }
  }

  #nameRows(commit: CommitName, ids: readonly string[]): void {
    for (const id of ids) this.#namedRows.set(id, commit);
  }

  /** Walked from the newest to the oldest: the first version that needs it is the last to say so. */
  #refer(commit: CommitName | null, hash: string, kind: ObjectKind): void {
    this.objects.set(`${hash}.${kind}`, commit);
  }

  async #json<T>(commit: CommitName | null, hash: string, schema: z.ZodType<T>): Promise<T | undefined> {
    this.#refer(commit, hash, 'json');
    const value = await this.#guarded(commit, () => this.#store.layout.objects.readJson(hash, schema));
    if (value !== undefined) this.read.add(`${hash}.json`);
    return value;
  }

  async #guarded<T>(commit: CommitName | null, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      this.damage.push({ error, commit });
      return undefined;
    }
  }
}
