/**
 * A task for a toy memory, learned, refused or begun anew, while it is cut; and what the memory is before and after.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { adapterHash } from '../../src/model/adapter.ts';
import { Interrupted, UserError } from '../../src/support/errors.ts';
import {
  createToyMemory,
  learnToy,
  type ToyLearn,
  type ToyRows,
  toyLearn,
  writeToyTask,
} from '../learn/toy-memory.ts';
import { ToyEngine } from '../train/toy-engine.ts';
import { memoryIn, type Subject } from './subject.ts';

const low: ToyRows = { chosen: 'abcde', rejected: 'fghij', count: 40 };
const high: ToyRows = { ...low, chosen: low.rejected, rejected: low.chosen };
const stage = { epochs: 2, batch_size: 8, warmup_ratio: 0, learning_rate: 0.1 };
const settings = {
  ...toyLearn,
  stages: { sft: stage, preference: stage },
  general: null,
  split: { gate: 16, report: 10 },
};

/** `learn` passes the gate, `refuse` does not; of `restart` a training was begun, which `learn --restart` clears away. */
export const learnSubject: Subject = {
  operations: ['learn', 'refuse', 'restart'],

  /** A memory that has learned a task, files of others, and a training that was broken off in its second stage. */
  async prepare(folder) {
    await createToyMemory(folder, settings);
    await learnToy(folder, { task: 'low', data: writeToyTask(folder, 'low', low) });
    writeToyTask(folder, 'learn', low);
    writeToyTask(folder, 'refuse', high);
    writeToyTask(folder, 'restart', low);
    await begin(folder, 'restart');
  },

  perform: (folder, operation) => learn(folder, operation, { restart: operation === 'restart' }),

  /** Without `--restart`, so that what is left of a training may be gone on with. A name is taken where nothing was left. */
  async complete(folder, operation) {
    try {
      await learn(folder, operation);
    } catch (error) {
      const isDone = error instanceof UserError && /has learned a task/.test(error.message);
      if (!isDone || operation === 'refuse') throw error;
    }
  },

  /** Adapters of the head and of all versions, to the bit. */
  async signature(folder) {
    const store = await MemoryStore.open(memoryIn(folder));
    const { commit } = await store.head();
    const versions = await store.versions();
    const hashes = await Promise.all(
      versions.map(async (version) => adapterHash(await store.adapter(version))),
    );
    return JSON.stringify({
      head: commit.number,
      hashes,
      tasks: versions.map(({ task, stage: of }) => [task, of]),
    });
  },

  async checkCompleted(folder, operation) {
    if (operation !== 'refuse' && readdirSync(workOf(folder)).includes(operation))
      throw new Error('the training is still there');
  },
};

/** With a checkpoint after every step, so that there is much to be cut. */
async function learn(folder: string, operation: string, more: Partial<ToyLearn> = {}): Promise<void> {
  const { committed } = await learnToy(folder, {
    ...{ task: operation, data: join(folder, `${operation}.json`), set: ['search=null'], ...more },
    environment: { checkpointSeconds: 0, ...more.environment },
  });
  if (committed !== (operation !== 'refuse')) throw new Error(`the gate was wrong about ${operation}`);
}

async function begin(folder: string, operation: string): Promise<void> {
  const stop = new AbortController();
  const engine = new ToyEngine({
    onRow() {
      if (existsSync(join(workOf(folder), operation, 'run', 'short-term', 'sft')))
        stop.abort(new Interrupted('stop'));
    },
  });
  await learn(folder, operation, { engine, environment: { signal: stop.signal } }).catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
  });
}

function workOf(folder: string): string {
  return join(memoryIn(folder), 'cache', 'learn');
}
