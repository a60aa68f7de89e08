/** A memory whose `head` was lost or damaged: the newest entry of its log of which all is there becomes the head. */
import { existsSync } from 'node:fs';
import { UserError } from '../../support/errors.ts';
import { lockFolder } from '../../support/folder-lock.ts';
import { LOCK_FILE, type MemoryLayout, readHead, writeHead } from './format.ts';
import { parseObjectName } from './objects.ts';
import { readRowsFile } from './rows.ts';
import { DamagedError } from './sealed.ts';
import { type Entry, MemoryStore } from './store.ts';

/**
 * An entry is written after everything that it refers to, so even that of a writer that was cut off is a state of the
 * memory, a moment later than the last one. The newest is the one with the most before it, whatever clocks said.
 *
 * @throws {UserError} if `head` is as it was written, or no entry is whole.
 */
export async function recoverHead(layout: MemoryLayout, log: (line: string) => void): Promise<Entry> {
  const { folder, head } = layout;
  const lock = await lockFolder(folder, log, { file: LOCK_FILE });
  try {
    if (!(await isLost(layout)))
      throw new UserError(`${head}: it is as it was written; there is nothing to recover`);
    const store = MemoryStore.at(layout);
    const entries = (await entriesThere(store)).sort(
      (a, b) => b.number - a.number || Date.parse(b.time) - Date.parse(a.time),
    );
    for (const entry of entries) {
      if (!(await isComplete(store, entry))) continue;
      await writeHead(layout, entry.hash);
      return entry;
    }
    throw new UserError(`${folder}: no entry of a memory's log is there of which everything is whole`);
  } finally {
    lock.release();
  }
}

/** @throws {UserError} for a head of another format, which is none of ours to replace. */
async function isLost(layout: MemoryLayout): Promise<boolean> {
  if (!existsSync(layout.head)) return true;
  try {
    await readHead(layout);
    return false;
  } catch (error) {
    if (error instanceof DamagedError) return true;
    throw error;
  }
}

async function entriesThere(store: MemoryStore): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const name of await store.layout.objects.names()) {
    const object = parseObjectName(name);
    if (object?.kind !== 'json') continue;
    // Most are other records, and some may be damaged.
    const entry = await store.entry(object.hash).catch(() => null);
    if (entry) entries.push(entry);
  }
  return entries;
}

/** What it would be used for at once; `verify` tells of the rest. */
async function isComplete(store: MemoryStore, entry: Entry): Promise<boolean> {
  try {
    await store.adapter(await store.commit(entry.head));
    const { files } = await store.manifest(entry);
    for (const { file } of files) await readRowsFile(store.layout.rows, file);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
