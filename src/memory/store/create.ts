/** A new memory: the root commit holds the adapter that everything learned is added to. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { LoraAdapter } from '../../model/adapter.ts';
import { makeFolder } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { fileError } from '../../support/file-error.ts';
import { lockFolder } from '../../support/folder-lock.ts';
import { type MemoryConfig, writeMemoryConfig } from './config.ts';
import { LOCK_FILE, MemoryLayout, writeHead } from './format.ts';
import type { BaseHashes, CommitRecord, EntryRecord, RowsManifest } from './records.ts';
import { MemoryStore } from './store.ts';
import { putTensors } from './tensors.ts';

export interface CreateMemoryOptions {
  readonly config: MemoryConfig;
  readonly hashes: BaseHashes;
  /** Version 0: a fresh adapter, or one to go on from. */
  readonly adapter: LoraAdapter;
  /** Of the base while that was trained; none for a fresh adapter, left out where it is not recorded. */
  readonly precisions?: readonly string[] | undefined;
  readonly note?: string;
  readonly now?: () => Date;
}

/**
 * Makes the folder, which must be empty but for what a creation left that was cut off.
 * @throws {UserError} if a memory or anything else is there.
 */
export async function createMemory(
  folder: string,
  { config, hashes, adapter, precisions, note = '', now = () => new Date() }: CreateMemoryOptions,
): Promise<MemoryStore> {
  const layout = new MemoryLayout(folder);
  await makeFolder(folder);
  await checkEmpty(layout);
  const lock = await lockFolder(folder, () => {}, { file: LOCK_FILE });
  try {
    await checkEmpty(layout);
    const { objects } = layout;
    const time = now().toISOString();
    const { settings } = adapter;
    const root: CommitRecord = {
      number: 0,
      parent: null,
      kind: 'root',
      task: null,
      stage: null,
      time,
      note,
      config: await objects.putJson(config),
      hashes: { ...hashes, data: null },
      lora: { rank: settings.rank, alpha: settings.alpha, targets: [...settings.targets] },
      ...(precisions === undefined ? {} : { precisions: [...precisions] }),
      adapter: await putTensors(objects, adapter),
      short_term: null,
      refined: null,
      consolidation: null,
      rows: null,
      buffer: null,
      metrics: null,
    };
    const head = await objects.putJson(root);
    const manifest: RowsManifest = { files: [], tombstones: [] };
    const entry: EntryRecord = {
      number: 0,
      previous: null,
      time,
      action: 'init',
      head,
      added: [head],
      versions: 1,
      rows: await objects.putJson(manifest),
      note,
    };
    await writeMemoryConfig(layout.config, config);
    await writeHead(layout, await objects.putJson(entry));
    return await MemoryStore.open(folder);
  } finally {
    lock.release();
  }
}

/** What a creation makes before the head, and may leave when it is cut off. */
const UNFINISHED = /^(objects|config\.yaml|memory\.lock.*|.*\.tmp-[0-9a-f]{12})$/;

/**
 * To be asked before a base is opened for it.
 * @throws {UserError} if a memory or anything else is in the folder, which need not be there.
 */
export async function checkVacant(folder: string): Promise<void> {
  if (existsSync(folder)) await checkEmpty(new MemoryLayout(folder));
}

async function checkEmpty({ folder }: MemoryLayout): Promise<void> {
  const names = await namesIn(folder);
  if (names.includes('head')) throw new UserError(`${folder}: a memory is there already`);
  const other = names.find((name) => !UNFINISHED.test(name));
  if (other !== undefined) throw new UserError(`${folder}: expected an empty folder, found ${other} in it`);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw fileError(error, folder, 'read');
  }
}
