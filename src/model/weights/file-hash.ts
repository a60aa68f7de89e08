/**
 * SHA-256 of big files, remembered in the cache: hashing a model's weights on every start would cost a
 * second per half gigabyte.
 */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeFileAtomic } from '../../support/atomic-file.ts';
import { cacheFolder } from '../../support/cache-folder.ts';
import { UserError } from '../../support/errors.ts';
import { errorCode, fileError } from '../../support/file-error.ts';
import { sha256, sha256File } from '../../support/hash.ts';

/** A file changed this recently may change again within one tick of its clock: its hash isn't kept. */
const SETTLED_MS = 2000;

/**
 * The file's SHA-256. A remembered one is used while device, inode, size and both times of change are
 * as they were; the time of status change can't be set back by a program.
 */
export async function cachedSha256(path: string): Promise<string> {
  const before = await fileState(path);
  const memo = join(cacheFolder(), 'hashes', `${sha256([resolve(path)])}.txt`);
  const remembered = await readMemo(memo);
  if (remembered?.state === before.state) return remembered.hash;
  const hash = await sha256File(path);
  const after = await fileState(path);
  if (after.state === before.state && Date.now() - after.changedMs > SETTLED_MS) {
    await remember(memo, `${hash} ${after.state}\n`);
  }
  return hash;
}

async function fileState(path: string): Promise<{ state: string; changedMs: number }> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return { state: [dev, ino, size, mtimeNs, ctimeNs].join(' '), changedMs: Number(ctimeNs / 1_000_000n) };
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}

async function remember(memo: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(memo), { recursive: true });
    await writeFileAtomic(memo, text);
  } catch (error) {
    // Where the cache can't be written, the next start hashes again: slower, and as right.
    if (!(error instanceof UserError) && errorCode(error) === undefined) throw error;
  }
}

async function readMemo(path: string): Promise<{ hash: string; state: string } | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    // Unreadable or absent: the hash is computed again, which is always right.
    return null;
  }
  const parts = /^([0-9a-f]{64}) (.+)\n$/.exec(text);
  return parts === null ? null : { hash: parts[1] as string, state: parts[2] as string };
}
