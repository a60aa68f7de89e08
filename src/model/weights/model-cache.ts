/**
 * Model folders in the user's cache: each made once (dequantised, converted or downloaded), renamed
 * into place whole, with a record of where it came from and the hash of every file.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { writeFolderAtomic, writeJsonFile } from '../../support/atomic-file.ts';
import { cacheFolder } from '../../support/cache-folder.ts';
import { UserError } from '../../support/errors.ts';
import { errorCode, fileError } from '../../support/file-error.ts';
import { sha256File } from '../../support/hash.ts';
import { parseJsonFile } from '../../support/json.ts';
import type { ProgressFactory } from '../../support/progress.ts';
import { cachedSha256 } from './file-hash.ts';

const RECORD_FILE = 'source.json';

/** Leftovers of a killed process are removed when they are older than any conversion takes. */
const LEFTOVER_AGE_MS = 24 * 3600 * 1000;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().nonnegative();

const sourceSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('gguf'),
    file: z.string(),
    bytes: size,
    sha256: hash,
    /** The Python package that brought the file. */
    package: z.object({ name: z.string(), version: z.string(), sha256: hash }).optional(),
  }),
  z.object({
    kind: z.literal('hub'),
    hub: z.string(),
    repository: z.string(),
    revision: z.string(),
    commit: z.string(),
  }),
  z.object({ kind: z.literal('folder'), path: z.string() }),
]);

/** Where a model's weights came from. */
export type ModelSource = z.infer<typeof sourceSchema>;

const recordSchema = z.object({
  source: sourceSchema,
  files: z.array(z.object({ name: z.string(), bytes: size, sha256: hash })),
});

/** What `source.json` holds. */
export type CacheRecord = z.infer<typeof recordSchema>;

export interface CachedModel {
  readonly path: string;
  readonly record: CacheRecord;
}

export interface ModelOptions {
  readonly progress?: ProgressFactory;
  /** Takes what a user must know though the work goes on; Node's own warnings by default. */
  readonly warn?: (message: string) => void;
}

export function modelsFolder(): string {
  return join(cacheFolder(), 'models');
}

/**
 * The cached folder `key`, made by `build` where it isn't there. `build` fills the folder it is given
 * and returns where the content came from.
 */
export async function cachedModel(
  key: string,
  build: (folder: string) => Promise<ModelSource>,
  options: ModelOptions = {},
): Promise<CachedModel> {
  const path = join(modelsFolder(), key);
  const present = await readCachedModel(path);
  const problem = present === null ? null : await findDamage(present);
  if (present !== null && problem === null) return present;
  if (problem !== null) warner(options)(`${problem}; it is made afresh`);
  await removeLeftovers(path);
  try {
    await writeFolderAtomic(
      path,
      async (temporary) => {
        const source = await build(temporary);
        const record = { source, files: await describeFiles(temporary) };
        await writeJsonFile(join(temporary, RECORD_FILE), record);
      },
      { replace: problem !== null },
    );
  } catch (error) {
    // Another process may have been faster.
    const other = await readCachedModel(path);
    if (other === null || (await findDamage(other)) !== null) throw error;
    return other;
  }
  const made = await readCachedModel(path);
  if (made === null) throw new Error(`${path} vanished while it was made`);
  return made;
}

/** Every model in the cache, by folder name. */
export async function listCachedModels(): Promise<CachedModel[]> {
  let names: string[];
  try {
    names = await readdir(modelsFolder());
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError(error, modelsFolder(), 'read');
  }
  const folders = names.filter((name) => !name.includes('.tmp-')).sort();
  const models = await Promise.all(folders.map((name) => readCachedModel(join(modelsFolder(), name))));
  return models.filter((model) => model !== null);
}

/**
 * What is wrong with a cached folder, or `null`. Every file's hash is compared: one that was computed
 * before serves while the file is unchanged, as far as the system tells; `thorough` reads every byte now.
 */
export async function findDamage(model: CachedModel, thorough = false): Promise<string | null> {
  for (const file of model.record.files) {
    const path = join(model.path, file.name);
    let bytes: number;
    try {
      bytes = (await stat(path)).size;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return `${path}: is missing from the cache`;
      throw fileError(error, path, 'read');
    }
    if (bytes !== file.bytes) return `${path}: has ${bytes} bytes where ${file.bytes} were written`;
    const found = await (thorough ? sha256File(path) : cachedSha256(path));
    if (found !== file.sha256) return `${path}: is not what was written (its SHA-256 differs)`;
  }
  return null;
}

/** The recorded hash of one of a cached folder's files. */
export function recordedHash(model: CachedModel, name: string): string {
  const file = model.record.files.find((candidate) => candidate.name === name);
  if (file === undefined) throw new UserError(`${join(model.path, RECORD_FILE)}: does not list "${name}"`);
  return file.sha256;
}

export function warner(options: ModelOptions): (message: string) => void {
  return options.warn ?? ((message) => process.emitWarning(message));
}

async function readCachedModel(path: string): Promise<CachedModel | null> {
  const file = join(path, RECORD_FILE);
  try {
    await stat(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw fileError(error, file, 'read');
  }
  const parsed = recordSchema.safeParse(await parseJsonFile(file));
  if (!parsed.success || parsed.data.files.some(({ name }) => name !== basename(name))) {
    throw new UserError(`${file}: is not a record of this cache; remove the folder to make it afresh`);
  }
  return { path, record: parsed.data };
}

async function describeFiles(folder: string): Promise<CacheRecord['files']> {
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const { size: bytes } = await stat(path);
      return { name, bytes, sha256: await sha256File(path) };
    }),
  );
}

async function removeLeftovers(path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await mkdir(parent, { recursive: true });
    for (const name of await readdir(parent)) {
      if (!name.startsWith(`${basename(path)}.tmp-`)) continue;
      const leftover = join(parent, name);
      if (Date.now() - (await stat(leftover)).mtimeMs > LEFTOVER_AGE_MS) {
        await rm(leftover, { recursive: true, force: true });
      }
    }
  } catch (error) {
    // Gone between two looks: another process finished with it.
    if (errorCode(error) !== 'ENOENT') throw fileError(error, parent, 'write');
  }
}
