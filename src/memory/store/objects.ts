/**
 * Files that are written once, under the SHA-256 of their bytes: what a memory is made of. A name that is known to be
 * right proves the content, so damage is found on reading, and an object that nobody refers to harms nobody.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod';
import { makeFolder, syncFolder, writeFileAtomicStream } from '../../support/atomic-file.ts';
import { errorCode, fileError } from '../../support/file-error.ts';
import { sha256File } from '../../support/hash.ts';
import { DamagedError, MissingError } from './sealed.ts';

export type ObjectKind = 'json' | 'jsonl' | 'safetensors';

export interface ObjectName {
  readonly hash: string;
  readonly kind: ObjectKind;
}

export class ObjectFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  file({ hash, kind }: ObjectName): string {
    return join(this.path, `${hash}.${kind}`);
  }

  /** Keeps the bytes, on disk when this returns, and gives their hash. */
  async put(kind: ObjectKind, pieces: Iterable<Uint8Array>): Promise<string> {
    const list = [...pieces];
    const hash = bytesHash(list);
    const file = this.file({ hash, kind });
    if (await isWhole(file, hash)) {
      // Whoever wrote it may have been cut off before its name was on disk.
      await syncFolder(this.path);
      return hash;
    }
    await makeFolder(this.path);
    await writeFileAtomicStream(file, async (sink) => {
      for (const piece of list) await sink.write(piece);
    });
    return hash;
  }

  putJson(value: unknown): Promise<string> {
    return this.put('json', [Buffer.from(`${JSON.stringify(value)}\n`)]);
  }

  /**
   * As `putJson`, for a record that `readJson` will take: a number that JSON cannot hold would make one that is refused
   * when it is needed.
   */
  putRecord(schema: z.ZodType, record: unknown): Promise<string> {
    return this.putJson(schema.parse(JSON.parse(JSON.stringify(record))));
  }

  /** @throws {DamagedError} if the file is missing or its content is not that of its name. */
  async read(name: ObjectName): Promise<Buffer> {
    const file = this.file(name);
    let bytes: Buffer;
    try {
      bytes = await readFile(file);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw new MissingError(file);
      throw fileError(error, file, 'read');
    }
    if (bytesHash([bytes]) === name.hash) return bytes;
    throw new DamagedError(file, 'its content is not that of its name');
  }

  /** @throws {DamagedError} also where the object is whole and not of this kind. */
  async readJson<T>(hash: string, schema: z.ZodType<T>): Promise<T> {
    const name: ObjectName = { hash, kind: 'json' };
    const parsed = schema.safeParse(JSON.parse((await this.read(name)).toString('utf8')));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new DamagedError(
      this.file(name),
      `not what it should be: ${issue?.path.join('.')}: ${issue?.message}`,
    );
  }

  /** Names of all files in the folder, whatever they are. */
  async names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.path)).sort();
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw fileError(error, this.path, 'read');
    }
  }
}

/** What a file's name says that it holds; undefined for a name that no object has. */
export function parseObjectName(name: string): ObjectName | undefined {
  const match = /^([0-9a-f]{64})\.(json|jsonl|safetensors)$/.exec(name);
  return match === null ? undefined : { hash: match[1] as string, kind: match[2] as ObjectKind };
}

/** Whether the file is there and holds what its name says; a damaged one is written anew. */
async function isWhole(file: string, hash: string): Promise<boolean> {
  return (await sha256File(file).catch(() => '')) === hash;
}

/** SHA-256 over the pieces, one after another. */
export function bytesHash(pieces: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
