/** A task for a toy memory, learned or refused, while it is cut; and what the memory is before and after. */
import { join } from 'node:path';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { adapterHash } from '../../src/model/adapter.ts';
import { createToyMemory, learnToy, type ToyRows, toyLearn, writeToyTask } from '../learn/toy-memory.ts';

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
export const learnOperations = ['learn', 'refuse'] as const;
export type LearnOperation = (typeof learnOperations)[number];

/** The folder that an operation finds: a memory that has learned a task, and files of others. */
export async function prepareLearning(folder: string): Promise<void> {
  await createToyMemory(folder, settings);
  await learnToy(folder, { task: 'low', data: writeToyTask(folder, 'low', low) });
  writeToyTask(folder, 'learn', low);
  writeToyTask(folder, 'refuse', high);
}

/** With a checkpoint after every step, so that there is much to be cut. */
export async function operateLearning(folder: string, operation: LearnOperation): Promise<boolean> {
  const { committed } = await learnToy(folder, {
    task: operation,
    data: join(folder, `${operation}.json`),
    set: ['search=null'],
    environment: { checkpointSeconds: 0 },
  });
  if (committed !== (operation === 'learn')) throw new Error(`the gate was wrong about ${operation}`);
  return committed;
}

/** Adapters of the head and of all versions, to the bit. */
export async function learningSignature(folder: string): Promise<string> {
  const store = await MemoryStore.open(join(folder, 'memory'));
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
}
