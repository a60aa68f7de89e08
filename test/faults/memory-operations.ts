/** What is done to a small memory while it is cut, and what the memory is before and after. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { findRows } from '../../src/memory/store/withdraw.ts';
import { lockMemory, type MemoryWriter } from '../../src/memory/store/writer.ts';
import { UserError } from '../../src/support/errors.ts';
import {
  clock,
  config,
  createSmallMemory,
  learnSmall,
  rowText,
  smallTask,
} from '../memory/store/small-memory.ts';

/** A row that `forget` withdraws: its text must not be found in any file afterwards. */
const FORGOTTEN = rowText('policy', 0);
const DROPPED = rowText('tone', 3);

interface Operation {
  readonly run: (writer: MemoryWriter) => Promise<unknown>;
  /** Texts that no file holds once it is done. */
  readonly gone?: string;
}

const operations = {
  learn: { run: (writer) => learnSmall(writer, 'safety') },
  aside: {
    run: async (writer) =>
      writer.keepAside(await smallTask(writer.store, 'bad', { stages: ['sft'] }), 'too bad'),
  },
  revert: { run: (writer) => writer.revert('2') },
  drop: {
    run: async (writer) => writer.drop(await writer.planDrop('tone')),
    gone: DROPPED.prompt[0]!.content,
  },
  forget: {
    run: async (writer) => {
      await writer.forget(await findRows(writer.store, { ids: [], texts: [FORGOTTEN] }), 'asked for');
    },
    gone: FORGOTTEN.prompt[0]!.content,
  },
  config: { run: (writer) => writer.setConfig({ ...config, seed: 7 }) },
} as const satisfies Record<string, Operation>;

export type MemoryOperation = keyof typeof operations | 'create';
export const memoryOperations = ['create', ...Object.keys(operations)] as readonly MemoryOperation[];

/** The memory that an operation finds. */
export async function prepareMemory(folder: string): Promise<void> {
  await createSmallMemory(folder);
  const writer = await lockMemory(folder, { now: clock() });
  await learnSmall(writer, 'tone');
  await learnSmall(writer, 'policy', { stages: ['preference'] });
  writer.release();
}

/** One operation, as a process of its own would do it. */
export async function operate(folder: string, name: MemoryOperation): Promise<void> {
  if (name === 'create') {
    await createSmallMemory(folder);
    return;
  }
  const writer = await lockMemory(folder, { now: clock(), wait: 60 });
  try {
    await operations[name].run(writer);
  } finally {
    writer.release();
  }
}

/** As `operate`, where it may have been done already. */
export async function complete(folder: string, name: MemoryOperation, isDone: boolean): Promise<void> {
  // Learned twice would be learned twice; the others say that there is nothing left to do, or do nothing.
  if (isDone && (name === 'learn' || name === 'aside')) return;
  try {
    await operate(folder, name);
  } catch (error) {
    const isAgain =
      error instanceof UserError && /has no task "tone"|a memory is there already/.test(error.message);
    if (!isDone || !isAgain) throw error;
  }
}

/** Everything about a memory that an operation decides: adapters to the bit, rows by their texts. */
export async function signature(folder: string): Promise<string> {
  const names = readdirSync(folder);
  if (!names.includes('head')) return 'no memory';
  const store = await MemoryStore.open(folder);
  const { commit, entry } = await store.head();
  const manifest = await store.manifest(entry);
  const ids = (await store.buffer(commit)).map(({ row }) => row);
  const buffered = await store.rows(ids);
  const stored = await Promise.all(
    (await store.tasks(commit)).map(async ({ task, report, train, gate }) => {
      const rows = await store.rows([...train, ...gate, ...report]);
      return [task, [...rows.values()].map(({ chosen }) => chosen)];
    }),
  );
  return JSON.stringify({
    entry: [entry.number, entry.action, entry.versions],
    head: [commit.number, commit.kind, commit.task, commit.adapter],
    versions: (await store.versions()).map(({ adapter, refined }) => [adapter, refined]),
    buffered: ids.map((id) => buffered.get(id)?.prompt),
    stored,
    files: manifest.files.map(({ task, rows }) => [task, rows]),
    withdrawn: (await store.withdrawn()).size,
    config: await store.config(),
  });
}

/** Files that hold the texts which the operation has withdrawn. */
export function remains(folder: string, name: MemoryOperation): readonly string[] {
  const text = name === 'create' ? undefined : (operations[name] as Operation).gone;
  if (text === undefined) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text));
}
