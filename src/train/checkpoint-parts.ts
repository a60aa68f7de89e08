/**
 * The parts of a run's state that only ever gain something at the end of a stage or task. Each is a file
 * written once, under checkpoints/, and a checkpoint names it by its hash: what is saved every minute stays
 * as small after a hundred tasks as after one.
 */
import { join } from 'node:path';
import * as z from 'zod';
import type { ReplayEntry } from '../data/replay-buffer.ts';
import type { NamedMatrices } from '../method/method.ts';
import {
  readSafetensorsHeader,
  readTensor,
  type SafetensorsEntry,
  writeSafetensors,
} from '../model/weights/safetensors.ts';
import type { NamedTensor } from '../model/weights/safetensors-writer.ts';
import { makeFolder, writeFileAtomic } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import { sha256 } from '../support/hash.ts';
import { readTextFile } from '../support/json.ts';
import type { ReplayedRow } from './state.ts';

/** What the method remembers of finished stages or tasks, `<number>.safetensors` counted from 1. */
export class MemoryFiles {
  readonly #folder: string;
  /** Of the files that this process has written or read, and knows to be whole. */
  #hashes: string[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes the memories that have come since the last time. Returns the hash of every one. */
  async save(memories: readonly NamedMatrices[]): Promise<readonly string[]> {
    for (const memory of memories.slice(this.#hashes.length)) {
      await makeFolder(this.#folder);
      await writeSafetensors(this.#file(this.#hashes.length), tensorList(memory));
      this.#hashes.push(tensorsHash(memory));
    }
    return this.#hashes;
  }

  /** @throws {UserError} naming the file that is missing, damaged or of another run. */
  load(hashes: readonly string[]): readonly NamedMatrices[] {
    const memories = hashes.map((hash, at) => {
      const file = this.#file(at);
      const memory = readMatrices(readSafetensorsHeader(file).entries.values());
      if (tensorsHash(memory) === hash) return memory;
      throw new UserError(`${file}: damaged (it is not the memory that the checkpoint refers to)`);
    });
    this.#hashes = [...hashes];
    return memories;
  }

  #file(at: number): string {
    return join(this.#folder, `${String(at + 1).padStart(6, '0')}.safetensors`);
  }
}

/** As they are written: in the map's order. */
export function tensorList(matrices: NamedMatrices): NamedTensor[] {
  return Array.from(matrices, ([name, matrix]) => ({ name, ...matrix }));
}

/** Over names, shapes and the bits of every value, and `text` if any. */
export function tensorsHash(matrices: NamedMatrices, text = ''): string {
  const parts = Array.from(matrices, ([name, { shape, data }]) => [
    name,
    shape.join('x'),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
  return sha256([text, ...parts.flat()]);
}

/** @throws {UserError} naming the file if it cannot be read. */
export function readMatrices(entries: Iterable<SafetensorsEntry>): NamedMatrices {
  return new Map(
    Array.from(entries, (entry) => {
      const [rows = 0, columns = 0] = entry.shape;
      return [entry.name, { shape: [rows, columns], data: readTensor(entry) }];
    }),
  );
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
