/** A task for a toy memory, learned or refused, while it is cut; and what the memory is before and after. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { adapterHash } from '../../src/model/adapter.ts';
import { UserError } from '../../src/support/errors.ts';
import { createToyMemory, learnToy, type ToyRows, toyLearn, writeToyTask } from '../learn/toy-memory.ts';
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

/** `learn` passes the gate, `refuse` does not. */
export const learnSubject: Subject = {
  operations: ['learn', 'refuse'],

  /** A memory that has learned a task, and files of others. */
  async prepare(folder) {
    await createToyMemory(folder, settings);
    await learnToy(folder, { task: 'low', data: writeToyTask(folder, 'low', low) });
    writeToyTask(folder, 'learn', low);
    writeToyTask(folder, 'refuse', high);
  },

  perform: learn,

  /** Where nothing was left to clear up, the name is taken. */
  async complete(folder, operation) {
    try {
      await learn(folder, operation);
    } catch (error) {
      const isDone = error instanceof UserError && /has learned a task/.test(error.message);
      if (!isDone || operation !== 'learn') throw error;
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

  async checkCompleted(folder) {
    if (readdirSync(join(memoryIn(folder), 'cache', 'learn')).includes('learn'))
      throw new Error('the training is still there');
  },
};

/** With a checkpoint after every step, so that there is much to be cut. */
async function learn(folder: string, operation: string): Promise<void> {
  const { committed } = await learnToy(folder, {
    task: operation,
    data: join(folder, `${operation}.json`),
    set: ['search=null'],
    environment: { checkpointSeconds: 0 },
  });
  if (committed !== (operation === 'learn')) throw new Error(`the gate was wrong about ${operation}`);
}
