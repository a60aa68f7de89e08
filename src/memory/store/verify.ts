/**
 * Reads a memory whole: every file against its checksum, everything that is referred to against what is there. One
 * flipped bit or one missing byte, in whatever file, is found and named.
 */
import { readdir } from 'node:fs/promises';
import { basename, extname, join, relative, sep } from 'node:path';
import type { LoraAdapter } from '../../model/adapter.ts';
import { isLeftover } from '../../support/atomic-file.ts';
import { errorCode, fileError } from '../../support/file-error.ts';
import { sha256File } from '../../support/hash.ts';
import { readMemoryConfig } from './config.ts';
import { LOCK_FILE, type MemoryLayout, readHead } from './format.ts';
import { mergeRefined } from './merge.ts';
import { type ObjectFolder, parseObjectName } from './objects.ts';
import { type CommitName, References } from './references.ts';
import { replay } from './replay.ts';
import { DamagedError, MissingError } from './sealed.ts';
import { type Commit, MemoryStore } from './store.ts';
import { tensorsHash } from './tensors.ts';

export interface MemoryProblem {
  /** From the memory's folder. */
  readonly file: string;
  readonly problem: string;
  /** The first version that needs the file; `null`: no one version does. */
  readonly commit: CommitName | null;
}

export interface Verification {
  readonly problems: readonly MemoryProblem[];
  /** Files that nothing refers to: what writers leave that were cut off, and texts whose withdrawal was. */
  readonly orphans: readonly string[];
  /** What is no file of a memory. */
  readonly foreign: readonly string[];
  /** Files of the cache that have no checksum in their name: what they hold is computed again when it is needed. */
  readonly unchecked: number;
  readonly files: number;
  readonly versions: number;
}

export interface VerifyOptions {
  /** Also makes every adapter again from the refined memories, and compares. */
  readonly replay?: boolean;
  /** Told of every file in objects/ and rows/ that was read. */
  readonly onFile?: () => void;
}

/** @throws {UserError} for a folder that is no memory, or of another format. */
export async function verifyMemory(layout: MemoryLayout, options: VerifyOptions = {}): Promise<Verification> {
  const store = MemoryStore.at(layout);
  for (;;) {
    const before = await newest(layout);
    const found = await new Check(store, options).run();
    // A writer at work has moved the head, and removed what it no longer names.
    if (found.problems.length === 0 || (await newest(layout)) === before) return found;
  }
}

async function newest(layout: MemoryLayout): Promise<string | null> {
  try {
    return await readHead(layout);
  } catch (error) {
    if (error instanceof DamagedError) return null;
    throw error;
  }
}

class Check {
  readonly #store: MemoryStore;
  readonly #options: VerifyOptions;
  readonly #problems = new Map<string, MemoryProblem>();
  readonly #orphans: string[] = [];
  readonly #foreign: string[] = [];
  #files = 0;
  #unchecked = 0;

  constructor(store: MemoryStore, options: VerifyOptions) {
    this.#store = store;
    this.#options = options;
  }

  async run(): Promise<Verification> {
    const { layout } = this.#store;
    const references = await References.find(this.#store);
    for (const { error, commit } of references.damage) this.#report(error, commit);
    await this.#try(null, () => readMemoryConfig(layout.config));
    this.#files += 2;
    await this.#folder(layout.objects, references.objects, references.read);
    await this.#folder(layout.rows, references.rows, references.read);
    await this.#cache();
    await this.#others();
    if (this.#options.replay && this.#problems.size === 0) await this.#replay(references.commits);
    return {
      problems: [...this.#problems.values()],
      orphans: this.#orphans,
      foreign: this.#foreign,
      unchecked: this.#unchecked,
      files: this.#files,
      versions: references.commits.length,
    };
  }

  /** Files named by their hash; those that were `read` already have been compared with it. */
  async #folder(
    folder: ObjectFolder,
    referred: ReadonlyMap<string, CommitName | null>,
    read: ReadonlySet<string>,
  ): Promise<void> {
    const there = new Set(await folder.names());
    for (const name of there) {
      const file = join(folder.path, name);
      const object = parseObjectName(name);
      const isReferred = referred.has(name);
      if (read.has(name)) this.#counted();
      else if (object !== undefined) await this.#content(file, object.hash, referred.get(name) ?? null);
      if (!isReferred) (object || isLeftover(name) ? this.#orphans : this.#foreign).push(this.#name(file));
    }
    for (const [name, commit] of referred) {
      if (!there.has(name)) this.#report(new MissingError(join(folder.path, name)), commit);
    }
  }

  async #content(file: string, hash: string, commit: CommitName | null): Promise<void> {
    await this.#try(commit, async () => {
      if ((await sha256File(file)) === hash) return;
      throw new DamagedError(file, 'its content is not that of its name');
    });
    this.#counted();
  }

  #counted(): void {
    this.#files++;
    this.#options.onFile?.();
  }

  /** What is named by its hash can be checked. */
  async #cache(): Promise<void> {
    const { cache } = this.#store.layout;
    for (const file of await filesBelow(cache)) {
      const hash = basename(file, extname(file));
      // Files of a training under way have checksums of their own, which it looks at when it goes on.
      if (/^[0-9a-f]{64}\.logprobs$/.test(basename(file))) await this.#content(file, hash, null);
      else this.#unchecked++;
    }
  }

  async #others(): Promise<void> {
    const { folder } = this.#store.layout;
    const known = new Set(['head', 'config.yaml', 'objects', 'rows', 'cache']);
    for (const name of (await readdir(folder)).sort()) {
      if (known.has(name) || name.startsWith(LOCK_FILE)) continue;
      (isLeftover(name) ? this.#orphans : this.#foreign).push(name);
    }
  }

  /** A stage from the version before it, which is checked itself; a drop from the root. */
  async #replay(commits: readonly Commit[]): Promise<void> {
    for (const commit of commits) {
      const made = tensorsHash(await this.#remade(commit));
      if (made === commit.adapter) continue;
      const file = this.#store.layout.objects.file({ hash: commit.adapter, kind: 'safetensors' });
      this.#report(new DamagedError(file, 'not what the refined memories add up to'), commit);
    }
  }

  async #remade(commit: Commit): Promise<LoraAdapter> {
    const store = this.#store;
    if (commit.kind === 'root') return store.adapter(commit);
    if (commit.kind === 'drop') return replay(store, commit, await store.learned(commit));
    const before = await store.adapter(await store.commit(commit.parent!));
    return mergeRefined(before, (await store.refined(commit))!, commit.consolidation!.space);
  }

  async #try(commit: CommitName | null, read: () => Promise<unknown>): Promise<void> {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      this.#report(error, commit);
    }
  }

  /** One line a file: what is found a second time is the same damage. */
  #report({ file, problem }: DamagedError, commit: CommitName | null): void {
    const name = this.#name(file);
    if (!this.#problems.has(name)) this.#problems.set(name, { file: name, problem, commit });
  }

  #name(file: string): string {
    return relative(this.#store.folder, file).split(sep).join('/');
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError(error, folder, 'read');
  }
}
