/**
 * Reference log-probs kept on disk, so that no row is ever scored twice under the same reference policy,
 * by whichever run. A wrong hit would bend training without a trace, a miss costs one forward pass:
 * wherever there is doubt, it is a miss.
 *
 * One folder per reference policy, in it one file per flush. A file is written beside and renamed, and
 * its name is the hash of its content: a killed writer leaves nothing under a valid name, writers at the
 * same time never touch each other's files, and a changed byte is noticed. Many small files become one where
 * they are read; a reader that finds one gone looks again. A file is a row of records:
 *
 *   32 bytes  SHA-256 of the row's token ids
 *    8 bytes  log-prob of the chosen response, float64, little-endian
 *    8 bytes  log-prob of the rejected response, likewise
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../support/atomic-file.ts';
import { cacheFolder } from '../support/cache-folder.ts';
import { errorCode } from '../support/file-error.ts';
import { sha256 } from '../support/hash.ts';

/** Changes whenever the meaning of a record does, so that old files are not found again. */
const FORMAT = 'lifealign reference log-probs 1';
const RECORD_BYTES = 48;
/** More files than these are merged into one when they are read. */
const MOST_FILES = 16;
const FILE_NAME = /^[0-9a-f]{64}\.logprobs$/;

/** Everything but the row that decides a reference log-prob. */
export interface ReferencePolicyIdentity {
  /** The engine's identity: base weights, configuration, numeric precision. */
  readonly engine: string;
  readonly tokenizer: string;
  readonly template: string;
  /** A hash over the adapter's settings and values; null: the base itself is the reference. */
  readonly adapter: string | null;
}

/** A row as the engine sees it, in token ids. */
export interface RowTokens {
  readonly prompt: Int32Array;
  readonly chosen: Int32Array;
  readonly rejected: Int32Array;
}

/** Sums over the response's tokens, natural log. */
export interface ReferenceLogProbs {
  readonly chosen: number;
  readonly rejected: number;
}

export interface OpenCacheOptions {
  readonly policy: ReferencePolicyIdentity;
  /** Takes one line about a damaged or unwritable cache; it must reach the user. */
  readonly warn: (message: string) => void;
  /** Default: `reference-logprobs` in the user's cache folder. */
  readonly folder?: string;
}

export class ReferenceLogProbCache {
  readonly #folder: string;
  readonly #warn: (message: string) => void;
  readonly #known = new Map<string, ReferenceLogProbs>();
  #unwritten = new Map<string, ReferenceLogProbs>();
  #isUnwritable = false;

  private constructor(folder: string, warn: (message: string) => void) {
    this.#folder = folder;
    this.#warn = warn;
  }

  /** Reads what is known under this reference policy. A damaged file is reported, removed and not used. */
  static async open({ policy, warn, folder }: OpenCacheOptions): Promise<ReferenceLogProbCache> {
    const root = folder ?? join(cacheFolder(), 'reference-logprobs');
    const { engine, tokenizer, template, adapter } = policy;
    const kind = adapter === null ? ['base'] : ['adapter', adapter];
    const name = sha256([FORMAT, engine, tokenizer, template, ...kind]);
    const cache = new ReferenceLogProbCache(join(root, name), warn);
    await cache.#load();
    return cache;
  }

  /** How many rows are known. */
  get size(): number {
    return this.#known.size;
  }

  get(row: RowTokens): ReferenceLogProbs | undefined {
    return this.#known.get(rowKey(row));
  }

  /** @throws {RangeError} for a log-prob that is not finite: kept, it would spoil every later run. */
  put(row: RowTokens, { chosen, rejected }: ReferenceLogProbs): void {
    if (!Number.isFinite(chosen) || !Number.isFinite(rejected)) {
      throw new RangeError(`reference log-probs must be finite, got ${chosen} and ${rejected}`);
    }
    const key = rowKey(row);
    this.#known.set(key, { chosen, rejected });
    this.#unwritten.set(key, { chosen, rejected });
  }

  /** Writes what was put since the last flush. A cache that cannot be written warns once; the run goes on. */
  async flush(): Promise<void> {
    if (this.#unwritten.size === 0) return;
    const records = this.#unwritten;
    this.#unwritten = new Map();
    await this.#write(records);
  }

  /** The name of the file the records are in now; undefined where they could not be written. */
  async #write(records: ReadonlyMap<string, ReferenceLogProbs>): Promise<string | undefined> {
    const bytes = encodeRecords(records);
    const name = fileName(bytes);
    try {
      await makeFolder(this.#folder);
      await writeFileAtomic(join(this.#folder, name), bytes);
      return name;
    } catch (error) {
      // A full disk would say so again every few seconds.
      if (!this.#isUnwritable) {
        this.#warn(`reference log-probs are not kept for later runs: ${(error as Error).message}`);
      }
      this.#isUnwritable = true;
      return undefined;
    }
  }

  async #load(): Promise<void> {
    const seen = new Set<string>();
    const used: string[] = [];
    for (let isComplete = false; !isComplete; ) {
      isComplete = true;
      for (const name of await this.#fileNames()) {
        if (seen.has(name)) continue;
        seen.add(name);
        const result = await this.#read(name);
        if (result === 'used') used.push(name);
        // Merged by another process: what it held is in a file that was not there when names were listed.
        if (result === 'gone') isComplete = false;
      }
    }
    if (used.length > MOST_FILES) await this.#merge(used);
  }

  async #read(name: string): Promise<'used' | 'unusable' | 'gone'> {
    const path = join(this.#folder, name);
    try {
      const bytes = await readFile(path);
      if (fileName(bytes) === name && bytes.length % RECORD_BYTES === 0) {
        decodeRecords(bytes, this.#known);
        return 'used';
      }
      this.#warn(`${path}: damaged, its reference log-probs are computed again; the file is removed`);
      await rm(path, { force: true });
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return 'gone';
      this.#warn(
        `${path}: not used, its reference log-probs are computed again: ${(error as Error).message}`,
      );
    }
    return 'unusable';
  }

  /** One file in place of those whose records are known; these go when it is on disk. */
  async #merge(names: readonly string[]): Promise<void> {
    const merged = await this.#write(this.#known);
    if (merged === undefined) return;
    for (const name of names) {
      if (name !== merged) await rm(join(this.#folder, name), { force: true });
    }
  }

  /** Leftovers of killed writers have other names and are passed over. */
  async #fileNames(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => FILE_NAME.test(name)).sort();
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') {
        this.#warn(
          `${this.#folder}: the cache of reference log-probs is not used: ${(error as Error).message}`,
        );
      }
      return [];
    }
  }
}

function fileName(bytes: Uint8Array): string {
  return `${createHash('sha256').update(bytes).digest('hex')}.logprobs`;
}

/** A row is looked up several times a run, under each reference policy. */
const rowKeys = new WeakMap<RowTokens, string>();

/**
 * Every segment goes in behind its length: moving a token from prompt to response is another row. Ids are
 * taken as the host orders their bytes: little-endian wherever the engines run.
 */
function rowKey(row: RowTokens): string {
  let key = rowKeys.get(row);
  if (key === undefined) {
    const segments = [row.prompt, row.chosen, row.rejected];
    key = sha256(segments.map((ids) => new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)));
    rowKeys.set(row, key);
  }
  return key;
}

function encodeRecords(records: ReadonlyMap<string, ReferenceLogProbs>): Buffer {
  const bytes = Buffer.alloc(records.size * RECORD_BYTES);
  let offset = 0;
  for (const [key, { chosen, rejected }] of records) {
    bytes.write(key, offset, 'hex');
    bytes.writeDoubleLE(chosen, offset + 32);
    bytes.writeDoubleLE(rejected, offset + 40);
    offset += RECORD_BYTES;
  }
  return bytes;
}

function decodeRecords(bytes: Buffer, into: Map<string, ReferenceLogProbs>): void {
  for (let offset = 0; offset < bytes.length; offset += RECORD_BYTES) {
    const key = bytes.toString('hex', offset, offset + 32);
    into.set(key, { chosen: bytes.readDoubleLE(offset + 32), rejected: bytes.readDoubleLE(offset + 40) });
  }
}
