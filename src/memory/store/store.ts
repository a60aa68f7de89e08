/**
 * The versioned long-term memory, to be read: any process at any time, also beside a writer. Every object is verified
 * when it is read. Opening reads three small files, however many versions there are.
 *
 * Whoever writes takes the lock first: `lockMemory` of writer.ts.
 */
import * as z from 'zod';
import type { LoraAdapter } from '../../model/adapter.ts';
import type { MatrixReport } from '../consolidate.ts';
import { MemoryHistory } from '../consolidate-adapter.ts';
import { type MemoryConfig, readMemoryConfig } from './config.ts';
import { MemoryLayout, readHead } from './format.ts';
import { findVersion, learnedBy } from './lineage.ts';
import {
  type BufferEntry,
  bufferSchema,
  type CommitMetrics,
  type CommitRecord,
  commitSchema,
  type EntryRecord,
  entrySchema,
  metricsSchema,
  type RowsManifest,
  rowsManifestSchema,
  type TaskRecord,
  type Tombstone,
  taskRecordSchema,
  tombstoneSchema,
} from './records.ts';
import { readRowsFile, type StoredRow } from './rows.ts';
import { DamagedError, MissingError } from './sealed.ts';
import { readTensors } from './tensors.ts';

/** A version of the memory. */
export interface Commit extends CommitRecord {
  readonly hash: string;
}

/** One movement of the head. */
export interface Entry extends EntryRecord {
  readonly hash: string;
}

export interface Head {
  readonly entry: Entry;
  readonly commit: Commit;
}

/** What became of a row whose text is there no more. */
export interface Withdrawal {
  readonly task: string;
  readonly time: string;
  readonly action: Tombstone['action'];
  readonly reason: string;
}

export class MemoryStore {
  readonly layout: MemoryLayout;

  private constructor(layout: MemoryLayout) {
    this.layout = layout;
  }

  /** Nothing is read yet: for whoever looks at a memory that may be damaged. */
  static at(layout: MemoryLayout): MemoryStore {
    return new MemoryStore(layout);
  }

  /** @throws {UserError} for a folder that is no memory, or of a format that this program does not read. */
  static async open(folder: string): Promise<MemoryStore> {
    const store = new MemoryStore(new MemoryLayout(folder));
    await store.head();
    return store;
  }

  get folder(): string {
    return this.layout.folder;
  }

  /** What can be computed again from rows, such as their reference log-probs; emptied when rows are withdrawn. */
  get cacheFolder(): string {
    return this.layout.cache;
  }

  /** Of this moment: another process may move it. */
  async head(): Promise<Head> {
    const entry = await this.entry(await readHead(this.layout));
    return { entry, commit: await this.commit(entry.head) };
  }

  /** Settings as they are now; those that a commit was made with are its own (`commitConfig`). */
  config(): Promise<MemoryConfig> {
    return readMemoryConfig(this.layout.config);
  }

  /** The movements of the head, newest first. */
  async *entries(): AsyncGenerator<Entry> {
    let next: string | null = await readHead(this.layout);
    while (next !== null) {
      const entry: Entry = await this.entry(next);
      yield entry;
      next = entry.previous;
    }
  }

  /** All commits ever made, by number: those that were refused or reverted among them. */
  async versions(): Promise<readonly Commit[]> {
    const hashes: string[] = [];
    for await (const { added } of this.entries()) hashes.unshift(...added);
    return Promise.all(hashes.map((hash) => this.commit(hash)));
  }

  /**
   * @param version a number (0 is the root), `head`, `head~2` (two commits before it), or a hash's first digits
   * @throws {UserError} if there is no such version, or several hashes begin so.
   */
  resolve(version: string): Promise<Commit> {
    return findVersion(this, version);
  }

  /**
   * The commits of stages whose refined memories make up this commit's adapter, oldest first: those on the way from
   * the root whose tasks have not been dropped since.
   */
  learned(commit: Commit): Promise<readonly Commit[]> {
    return learnedBy(this, commit);
  }

  async entry(hash: string): Promise<Entry> {
    return { hash, ...(await this.layout.objects.readJson(hash, entrySchema)) };
  }

  async commit(hash: string): Promise<Commit> {
    return { hash, ...(await this.layout.objects.readJson(hash, commitSchema)) };
  }

  /** The long-term memory after a commit. */
  adapter({ adapter, lora }: Commit): Promise<LoraAdapter> {
    return readTensors(this.layout.objects, adapter, lora);
  }

  /** What a stage changed, as training left it; `null` for a commit of no stage. */
  async shortTerm({ short_term: hash, lora }: Commit): Promise<LoraAdapter | null> {
    return hash === null ? null : readTensors(this.layout.objects, hash, lora);
  }

  /** What was merged of it; `null` for a commit of no stage. */
  async refined({ refined, lora }: Commit): Promise<LoraAdapter | null> {
    return refined === null ? null : readTensors(this.layout.objects, refined, lora);
  }

  /** The refined memories that the next stage is held against. */
  async history(commit: Commit): Promise<MemoryHistory> {
    const history = new MemoryHistory();
    for (const stage of await this.learned(commit)) history.append((await this.refined(stage))!);
    return history;
  }

  /** What consolidation did to each matrix; `null` for a commit of no stage. */
  async reports({ consolidation }: Commit): Promise<Readonly<Record<string, MatrixReport>> | null> {
    if (consolidation === null) return null;
    const reports = await this.layout.objects.readJson(
      consolidation.reports,
      z.record(z.string(), z.looseObject({})),
    );
    return reports as unknown as Record<string, MatrixReport>;
  }

  /** `null` where nothing was measured. */
  async metrics({ metrics }: Commit): Promise<CommitMetrics | null> {
    return metrics === null ? null : this.layout.objects.readJson(metrics, metricsSchema);
  }

  /** The config that a commit was made with. */
  async commitConfig({ config }: Commit): Promise<Readonly<Record<string, unknown>>> {
    return this.layout.objects.readJson(config, z.record(z.string(), z.json()));
  }

  /** How the rows of a stage's task were split; `null` for a commit of no stage. */
  async taskRecord({ rows }: Commit): Promise<TaskRecord | null> {
    return rows === null ? null : this.layout.objects.readJson(rows, taskRecordSchema);
  }

  /** Of the tasks that a commit's adapter has learned, in that order; a task learned twice is there twice. */
  async tasks(commit: Commit): Promise<readonly TaskRecord[]> {
    const hashes = new Set((await this.learned(commit)).map(({ rows }) => rows!));
    return Promise.all(Array.from(hashes, (hash) => this.layout.objects.readJson(hash, taskRecordSchema)));
  }

  /** The replay buffer after a commit, without the rows that have been withdrawn since. */
  async buffer({ buffer }: Commit): Promise<readonly BufferEntry[]> {
    if (buffer === null) return [];
    const withdrawn = await this.withdrawn();
    return (await this.bufferAsWritten(buffer)).filter(({ row }) => !withdrawn.has(row));
  }

  /** A buffer's entries by its hash, withdrawn rows among them. */
  async bufferAsWritten(hash: string): Promise<readonly BufferEntry[]> {
    return (await this.layout.objects.readJson(hash, bufferSchema)).entries;
  }

  /**
   * Rows by their id. One that was withdrawn is not among them.
   * @throws {DamagedError} for an id of which neither a text nor a withdrawal is known, or a damaged file.
   */
  async rows(ids: Iterable<string>): Promise<ReadonlyMap<string, StoredRow>> {
    const wanted = new Set(ids);
    for (;;) {
      const { entry } = await this.head();
      try {
        return await this.#rowsUnder(entry, wanted);
      } catch (error) {
        // A writer has rewritten the files, and removed them, since the head was read.
        if (!(error instanceof MissingError) || (await readHead(this.layout)) === entry.hash) throw error;
      }
    }
  }

  async #rowsUnder(entry: Entry, wanted: ReadonlySet<string>): Promise<ReadonlyMap<string, StoredRow>> {
    const manifest = await this.manifest(entry);
    const found = new Map<string, StoredRow>();
    for (const { file } of manifest.files) {
      if (found.size === wanted.size) return found;
      for (const row of await readRowsFile(this.layout.rows, file))
        if (wanted.has(row.id)) found.set(row.id, row);
    }
    const withdrawn = await this.withdrawn(manifest);
    const lost = Array.from(wanted).find((id) => !found.has(id) && !withdrawn.has(id));
    if (lost === undefined) return found;
    throw new DamagedError(this.layout.rows.path, `the row ${lost} is neither there nor was it withdrawn`);
  }

  /** Every row whose text was withdrawn, by id; of the first time, where there were several. */
  async withdrawn(manifest?: RowsManifest): Promise<ReadonlyMap<string, Withdrawal>> {
    const { tombstones } = manifest ?? (await this.manifest((await this.head()).entry));
    const withdrawn = new Map<string, Withdrawal>();
    for (const hash of tombstones) {
      const { rows, time, action, reason } = await this.layout.objects.readJson(hash, tombstoneSchema);
      for (const { id, task } of rows) {
        if (!withdrawn.has(id)) withdrawn.set(id, { task, time, action, reason });
      }
    }
    return withdrawn;
  }

  /** Where texts of rows are under an entry; of earlier ones than the newest, files may be gone. */
  manifest({ rows }: EntryRecord): Promise<RowsManifest> {
    return this.layout.objects.readJson(rows, rowsManifestSchema);
  }
}
