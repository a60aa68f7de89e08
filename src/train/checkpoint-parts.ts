/**
 * The parts of a run's state that only ever gain something at the end of a stage or task. Each is a file
 * written once, under checkpoints/, and a checkpoint names it by its hash: what is saved every minute stays
 * as small after a hundred tasks as after one.
 */
import { join } from 'node:path';
import * as z from 'zod';
import type { ReplayEntry } from '../data/replay-buffer.ts';
import { MemoryHistory } from '../memory/consolidate-adapter.ts';
import { type Adapter, adapterHash, mapAdapter } from '../model/adapter.ts';
import { readSafetensorsHeader, readTensor, writeSafetensors } from '../model/weights/safetensors.ts';
import { makeFolder, writeFileAtomic } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import { sha256 } from '../support/hash.ts';
import { readTextFile } from '../support/json.ts';
import type { ReplayedRow } from './state.ts';

/** The refined memories, `<stage>.safetensors` counted from 1. */
export class MemoryFiles {
  readonly #folder: string;
  readonly #initial: Adapter;
  /** Of the files that this process has written or read, and knows to be whole. */
  #hashes: string[] = [];

  /** `initial` decides tensor names, shapes and LoRA settings. */
  constructor(folder: string, initial: Adapter) {
    this.#folder = folder;
    this.#initial = initial;
  }

  /** Writes the memories that have come since the last time. Returns the hash of every one. */
  async save(memories: readonly Adapter[]): Promise<readonly string[]> {
    for (const memory of memories.slice(this.#hashes.length)) {
      await makeFolder(this.#folder);
      const tensors = Array.from(memory.tensors, ([name, tensor]) => ({ name, ...tensor }));
      await writeSafetensors(this.#file(this.#hashes.length), tensors);
      this.#hashes.push(adapterHash(memory));
    }
    return this.#hashes;
  }

  /** @throws {UserError} naming the file that is missing, damaged or of another run. */
  load(hashes: readonly string[]): MemoryHistory {
    const history = new MemoryHistory();
    for (const [stage, hash] of hashes.entries()) {
      const file = this.#file(stage);
      const memory = this.#read(file);
      if (adapterHash(memory) !== hash) {
        throw new UserError(`${file}: damaged (it is not the memory that the checkpoint refers to)`);
      }
      history.append(memory);
    }
    this.#hashes = [...hashes];
    return history;
  }

  #read(file: string): Adapter {
    const { entries } = readSafetensorsHeader(file);
    return mapAdapter(this.#initial, (_, name) => {
      const entry = entries.get(name);
      if (!entry) throw new UserError(`${file}: damaged (the tensor "${name}" is missing)`);
      return readTensor(entry);
    });
  }

  #file(stage: number): string {
    return join(this.#folder, `${String(stage + 1).padStart(6, '0')}.safetensors`);
  }
}

const rowsSchema = z.array(
  z.strictObject({
    task: z.int().nonnegative(),
    position: z.int().nonnegative(),
    reference: z.strictObject({ chosen: z.number(), rejected: z.number() }).nullable(),
  }),
);

/** The replay buffer after each task, `<hash>.json`: where its rows come from, not their texts. */
export class ReplayFiles {
  readonly #folder: string;
  #written: { readonly entries: readonly unknown[]; readonly hash: string } | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes the buffer's entries unless they are those of the last time. Returns their hash. */
  async save(entries: readonly ReplayEntry<ReplayedRow>[]): Promise<string> {
    if (this.#written?.entries !== entries) {
      const text = JSON.stringify(entries.map((entry) => entry.payload));
      // A number that JSON cannot hold would make a file that is refused when it is needed.
      rowsSchema.parse(JSON.parse(text));
      const hash = sha256([text]);
      await makeFolder(this.#folder);
      await writeFileAtomic(this.#file(hash), text);
      this.#written = { entries, hash };
    }
    return this.#written.hash;
  }

  /** @throws {UserError} naming the file if it is missing or damaged. */
  async load(hash: string): Promise<readonly ReplayedRow[]> {
    const file = this.#file(hash);
    const text = await readTextFile(file);
    if (sha256([text]) !== hash) throw new UserError(`${file}: damaged (its hash is not that of its name)`);
    return rowsSchema.parse(JSON.parse(text));
  }

  #file(hash: string): string {
    return join(this.#folder, `${hash}.json`);
  }
}
