/**
 * One process at a time at work in a folder: a second run in an output folder would cut off the first one's step log
 * and remove its checkpoints, a second writer of a memory would lose the first one's commit. The lock is a file that
 * names its owner, so that an owner that was killed can be told from one at work.
 */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { makeFolder } from './atomic-file.ts';
import { UserError } from './errors.ts';
import { errorCode, fileError } from './file-error.ts';
import { isAlive, type ProcessIdentity, thisProcess } from './process-identity.ts';

/** Of an output folder. */
const RUN_LOCK = 'run.lock';

/** Milliseconds that a writer is given between making its lock file and filling it. */
const FILLING = 1000;

/** Milliseconds between two looks at a lock that is waited for. */
const LOOK = 100;

const ownerSchema = z.strictObject({ pid: z.int(), host: z.string(), started: z.string().nullable() });

export interface FolderLock {
  /** Lets others in. Never throws: it is called on the way out, also of errors. */
  release(): void;
}

export interface LockOptions {
  /** The lock's name in the folder. */
  readonly file?: string;
  /** Seconds that an owner at work is given to let go; 0: it is refused at once. */
  readonly wait?: number;
}

/**
 * Takes the folder, which is made if need be, for this process. A lock whose owner is gone is taken over, which `log` is told.
 *
 * @throws {UserError} naming the owner if it is still at work, or might be: on another host nobody can tell.
 */
export async function lockFolder(
  folder: string,
  log: (line: string) => void,
  { file = RUN_LOCK, wait: seconds = 0 }: LockOptions = {},
): Promise<FolderLock> {
  await makeFolder(folder);
  return acquire(join(folder, file), { folder, log, seconds });
}

/** The process that is at work in the folder, or might be; undefined if nobody is. */
export async function folderOwner(folder: string): Promise<ProcessIdentity | undefined> {
  const owner = parseOwner((await readLock(join(folder, RUN_LOCK))) ?? '');
  return owner && isAlive(owner) ? owner : undefined;
}

interface Attempt {
  readonly folder: string;
  readonly log: (line: string) => void;
  readonly seconds: number;
}

async function acquire(file: string, attempt: Attempt): Promise<FolderLock> {
  const { folder, log, seconds } = attempt;
  const content = JSON.stringify(thisProcess());
  const deadline = performance.now() + 1000 * seconds;
  for (let waitedFor = ''; ; ) {
    if (createFile(file, content)) return { release: () => removeOwn(file, content) };
    const found = await readLock(file);
    if (found === undefined) continue;
    const owner = parseOwner(found);
    if (owner && isAlive(owner)) {
      if (performance.now() >= deadline) throw new UserError(`${folder}: ${inUse(owner, file)}`);
      if (waitedFor !== found) log(`waiting for process ${owner.pid} on ${owner.host}, at work in ${folder}`);
      waitedFor = found;
      await wait(LOOK);
      continue;
    }
    // Whoever removes a dead owner's lock must be alone in it: a second one, a moment late, would remove
    // the lock of the first. So removing is under a lock itself.
    const takeover = await acquire(`${file}.takeover`, { ...attempt, log: () => {} });
    try {
      if ((await readLock(file)) !== found) continue;
      rmSync(file, { force: true });
      const who = owner ? `process ${owner.pid}` : 'a process';
      log(`taking over ${folder} from ${who}, which ended without letting go of it`);
    } finally {
      takeover.release();
    }
  }
}

/** Whether the file was not there and now is. @throws {UserError} if it cannot be written. */
function createFile(file: string, content: string): boolean {
  try {
    const descriptor = openSync(file, 'wx');
    try {
      writeFileSync(descriptor, content);
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw fileError(error, file, 'write');
  }
}

/** What cannot be removed is left for the next run, which finds its owner gone. */
function removeOwn(file: string, content: string): void {
  try {
    if (readFileSync(file, 'utf8') === content) rmSync(file);
  } catch {}
}

/** The lock's content, or undefined if there is none any more; empty if its writer died before filling it. */
async function readLock(file: string): Promise<string | undefined> {
  for (let waited = 0; ; waited += 50) {
    try {
      const content = readFileSync(file, 'utf8');
      if (parseOwner(content) || waited >= FILLING) return content;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw fileError(error, file, 'read');
    }
    await wait(50);
  }
}

function parseOwner(content: string): ProcessIdentity | undefined {
  try {
    return ownerSchema.parse(JSON.parse(content));
  } catch {
    return undefined;
  }
}

function inUse({ pid, host }: ProcessIdentity, file: string): string {
  if (host === thisProcess().host) return `process ${pid} is at work there; wait for its end, or stop it`;
  return (
    `process ${pid} on ${host} is at work there; wait for its end, or, if it is certain that it is gone, ` +
    `remove ${file}`
  );
}
