/**
 * Files and folders that are either wholly there or not there at all. Everything a run leaves behind
 * (adapters, checkpoints, matrices, caches) is written here: beside its final place, flushed to disk,
 * renamed. A crash leaves at most a `.tmp-` leftover, never half a result under its final name.
 */
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { UserError } from './errors.ts';
import { errorCode, fileError } from './file-error.ts';
import { writeFully } from './write-fully.ts';

/** Takes a file's content piece by piece, in order. */
export interface FileSink {
  write(data: Uint8Array | string): Promise<void>;
}

/**
 * Writes `data` to `path`, replacing what was there in one step. The folder must exist.
 * @throws {UserError} naming the path: exit code 1 on a full disk, 2 where the path cannot be written.
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  await writeFileAtomicStream(path, (sink) => sink.write(data));
}

/** `value` as JSON for people and programs, written as `writeFileAtomic` does. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** As `writeFileAtomic`, for content too big to hold: `produce` hands it over piece by piece. */
export async function writeFileAtomicStream(
  path: string,
  produce: (sink: FileSink) => Promise<void>,
): Promise<void> {
  const naming = <T>(action: Promise<T>) => namingPath(path, action);
  const target = await naming(resolveTarget(path));
  const temporary = temporaryName(target);
  const handle = await naming(open(temporary, 'wx'));
  try {
    try {
      await produce({ write: (data) => naming(writeFully(handle, bytesOf(data))) });
      await naming(handle.sync());
    } finally {
      await handle.close();
    }
    await naming(rename(temporary, target));
    await naming(syncFolder(dirname(target)));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Refuses a path that `writeFileAtomic` could not write: to be asked before the long work whose result
 * goes there.
 * @throws {UserError} naming the path.
 */
export async function checkWritable(path: string): Promise<void> {
  const target = await namingPath(path, resolveTarget(path));
  await namingPath(path, access(dirname(temporaryName(target)), constants.W_OK));
}

/** Makes a folder and its missing parents. @throws {UserError} naming the path. */
export async function makeFolder(path: string): Promise<void> {
  await namingPath(path, mkdir(path, { recursive: true }));
}

/** Moves a file or folder within one file system. @throws {UserError} naming the new path. */
export async function movePath(from: string, to: string): Promise<void> {
  await namingPath(to, rename(from, to));
}

/**
 * Refuses a folder that `writeFolderAtomic` would not take: to be asked before long work.
 * @throws {UserError} naming the path: it is there and not empty, or no folder.
 */
export async function checkNewFolder(path: string): Promise<void> {
  if (await namingPath(path, isNonEmptyFolder(path)))
    throw new UserError(`${path}: the folder already exists`);
}

export interface FolderOptions {
  /** Replace a folder that is already there; otherwise that is an error. */
  readonly replace?: boolean;
}

/**
 * Lets `fill` write into a temporary folder beside `path`, flushes every file in it and renames it to
 * `path`; missing parents are made. With `replace` the old folder is moved aside first and removed
 * last: a crash between the two renames leaves it whole under `<path>.tmp-...`.
 * @throws {UserError} naming the path: it exists already, the disk is full, it cannot be written.
 */
export async function writeFolderAtomic(
  path: string,
  fill: (temporary: string) => Promise<void>,
  options: FolderOptions = {},
): Promise<void> {
  if (options.replace !== true) await checkNewFolder(path);
  const occupied = options.replace === true && (await namingPath(path, isNonEmptyFolder(path)));
  // A trailing slash would put the temporary folder inside the final one.
  const temporary = temporaryName(resolve(path));
  try {
    await namingPath(path, mkdir(temporary, { recursive: true }));
    await fill(temporary);
    await namingPath(path, syncTree(temporary));
    await namingPath(path, occupied ? swapFolder(temporary, path) : rename(temporary, path));
    await namingPath(path, syncFolder(dirname(path)));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw underFinalName(error, temporary, path);
  }
}

/** Users do not know the temporary folder, which is gone by now. */
function underFinalName(error: unknown, temporary: string, path: string): unknown {
  if (!(error instanceof UserError) || !error.message.includes(temporary)) return error;
  const message = error.message.replaceAll(temporary, path);
  return new UserError(message, { exitCode: error.exitCode, cause: error });
}

/** What the system refuses becomes a `UserError` about `path`, not about its temporary twin. */
async function namingPath<T>(path: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw fileError(error, path, 'write');
  }
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

/** Whether a name is that of something a writer was cut off at. */
export function isLeftover(name: string): boolean {
  return /\.tmp-[0-9a-f]{12}$/.test(name);
}

/** Beside the path: what is there when its writer is cut off is known by its name. */
export function temporaryName(path: string): string {
  return `${path}.tmp-${randomBytes(6).toString('hex')}`;
}

/** Follows links, and refuses devices and pipes: a rename would replace them by a plain file. */
async function resolveTarget(path: string): Promise<string> {
  try {
    const target = await realpath(path);
    if ((await stat(target)).isFile()) return target;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return path;
    throw error;
  }
  throw new UserError(`${path}: cannot write: it is not a regular file`);
}

async function isNonEmptyFolder(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function swapFolder(replacement: string, path: string): Promise<void> {
  const aside = temporaryName(resolve(path));
  await rename(path, aside);
  try {
    await rename(replacement, path);
  } catch (error) {
    await rename(aside, path);
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await syncPath(path);
  }
  await syncFolder(folder);
}

/** A rename is durable only once its folder is flushed; Windows cannot open folders and needs no flush. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform !== 'win32') await syncPath(folder);
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
