/** What is done to a small memory while it is cut, and what the memory is before and after. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryLayout } from '../../src/memory/store/format.ts';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { verifyMemory } from '../../src/memory/store/verify.ts';
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
import { memoryIn, NO_MEMORY, type Subject } from './subject.ts';

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

const CREATE = 'create';

/** Files of a training that was begun: they are all there, or none is. */
const CACHED = ['learn.json', 'run.json', 'step.json'];

export const memorySubject: Subject = {
  operations: [CREATE, ...Object.keys(operations)],

  async prepare(folder) {
    await createSmallMemory(memoryIn(folder));
    const writer = await lockMemory(memoryIn(folder), { now: clock() });
    await learnSmall(writer, 'tone');
    await learnSmall(writer, 'policy', { stages: ['preference'] });
    const begun = join(memoryIn(folder), 'cache', 'learn', 'begun');
    mkdirSync(begun, { recursive: true });
    for (const name of CACHED) writeFileSync(join(begun, name), name);
    writer.release();
  },

  arrange(folder, operation) {
    if (operation === CREATE) rmSync(memoryIn(folder), { recursive: true });
  },

  perform: operate,

  /** Learned twice would be learned twice; the others say that there is nothing left to do, or do nothing. */
  async complete(folder, operation, isDone) {
    if (isDone && (operation === 'learn' || operation === 'aside')) return;
    try {
      await operate(folder, operation);
    } catch (error) {
      const isAgain =
        error instanceof UserError && /has no task "tone"|a memory is there already/.test(error.message);
      if (!isDone || !isAgain) throw error;
    }
  },

  signature,

  /** After clearing up, nothing is left that nothing refers to, nor a text that was withdrawn. */
  async checkCompleted(folder, operation) {
    const writer = await lockMemory(memoryIn(folder));
    await writer.prune();
    writer.release();
    const { orphans } = await verifyMemory(new MemoryLayout(memoryIn(folder)));
    const left = [...orphans, ...remains(folder, operation)];
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  },
};

async function operate(folder: string, name: string): Promise<void> {
  if (name === CREATE) {
    await createSmallMemory(memoryIn(folder));
    return;
  }
  const writer = await lockMemory(memoryIn(folder), { now: clock(), wait: 60 });
  try {
    await operations[name as keyof typeof operations].run(writer);
  } finally {
    writer.release();
  }
}

/** Adapters to the bit, rows by their texts. */
async function signature(folder: string): Promise<string> {
  const layout = new MemoryLayout(memoryIn(folder));
  if (!existsSync(layout.head)) return NO_MEMORY;
  const cached = existsSync(layout.cache) ? readdirSync(layout.cache, { recursive: true }).map(String) : [];
  if (cached.length > 0 && CACHED.some((name) => !cached.includes(join('learn', 'begun', name))))
    throw new Error(`a part of what was begun is left: ${cached.join(', ')}`);
  const store = await MemoryStore.open(memoryIn(folder));
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
function remains(folder: string, name: string): readonly string[] {
  const text = (operations as Readonly<Record<string, Operation>>)[name]?.gone;
  if (text === undefined) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text));
}
