import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PromptRow } from '../../src/data/row.ts';
import { compose } from '../../src/learn/compose.ts';
import { memoryOverlaps } from '../../src/learn/memory-overlaps.ts';
import { retrieve, TaskIndex } from '../../src/learn/retrieve.ts';
import { type Commit, MemoryStore } from '../../src/memory/store/store.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import { adapterHash } from '../../src/model/adapter.ts';
import { temporaryFolder } from '../train/temporary-folder.ts';
import { toyEmbeddings, toyText } from '../train/toy-engine.ts';
import { createToyMemory, learnToy, writeToyTask } from './toy-memory.ts';

const TASKS = ['one', 'two', 'three'];
let folder: string;
let store: MemoryStore;
let head: Commit;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-'));
  await createToyMemory(folder);
  for (const [at, task] of TASKS.entries()) {
    const queries = ['abc', 'efg', 'ij'][at]!;
    const data = writeToyTask(folder, task, { chosen: 'abcde', rejected: 'fghij', queries });
    await learnToy(folder, { task, data, set: ['gate.min_gain=null', 'gate.budget=100'] });
  }
  store = await MemoryStore.open(join(folder, 'memory'));
  head = (await store.head()).commit;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const weighted = (...weights: readonly number[]) => TASKS.map((task, at) => ({ task, weight: weights[at]! }));
const hashOf = async (...given: Parameters<typeof compose>) => adapterHash(await compose(...given));

describe('a composition', () => {
  it('of all tasks at weight 1 is the head, bit for bit, in whatever order they are named', async () => {
    const whole = adapterHash(await store.adapter(head));
    expect(await hashOf(store, head, weighted(1, 1, 1))).toBe(whole);
    expect(await hashOf(store, head, weighted(1, 1, 1).toReversed())).toBe(whole);
    expect(await hashOf(store, head, weighted(1, 0.5, 1))).not.toBe(whole);
  });

  it('of no task, or of all at weight 0, is the root', async () => {
    const root = adapterHash(await store.adapter(await store.resolve('0')));
    expect(await hashOf(store, head, [])).toBe(root);
    expect(await hashOf(store, head, weighted(0, 0, 0))).toBe(root);
  });

  it('of the first tasks is the version that had learned them', async () => {
    const version = await store.resolve('4');
    expect(await hashOf(store, head, weighted(1, 1).slice(0, 2))).toBe(
      adapterHash(await store.adapter(version)),
    );
  });

  it('adds weights times refined memories', async () => {
    const [root, composed] = [
      await store.adapter(await store.resolve('0')),
      await compose(store, head, weighted(2, 0, -0.5)),
    ];
    const stages = await store.learned(head);
    const weights = { one: 2, two: 0, three: -0.5 } as Record<string, number>;
    const refined = await Promise.all(
      stages.map(async (stage) => [weights[stage.task!]!, await store.refined(stage)] as const),
    );
    for (const [name, { data }] of composed.tensors) {
      for (const [at, value] of data.entries()) {
        const expected = refined.reduce(
          (sum, [weight, memory]) => sum + weight * memory!.tensors.get(name)!.data[at]!,
          root.tensors.get(name)!.data[at]!,
        );
        expect(value).toBeCloseTo(expected, 6);
      }
    }
  });

  it('without a task is the memory that has dropped it', async () => {
    const without = await hashOf(
      store,
      head,
      weighted(1, 0, 1).filter(({ task }) => task !== 'two'),
    );
    const copy = temporaryFolder();
    cpSync(join(folder, 'memory'), copy, { recursive: true });
    const writer = await lockMemory(copy);
    try {
      await writer.drop(await writer.planDrop('two'));
      const { commit } = await writer.store.head();
      expect(adapterHash(await writer.store.adapter(commit))).toBe(without);
    } finally {
      writer.release();
    }
  });

  it('of what is not there is refused', async () => {
    await expect(compose(store, head, [{ task: 'tow', weight: 1 }])).rejects.toThrow(
      /no task "tow".*one, two, three.*two/,
    );
    await expect(compose(store, head, [...weighted(1, 1), ...weighted(1)].slice(0, 4))).rejects.toThrow(
      /twice/,
    );
  });
});

describe('overlaps of a memory', () => {
  it('are told of every task against those before it, or of one', async () => {
    const all = await memoryOverlaps(store, head);
    expect(all.map(({ task, earlier }) => [task, earlier.map((other) => other.task)])).toEqual([
      ['one', []],
      ['two', ['one']],
      ['three', ['one', 'two']],
    ]);
    expect(await memoryOverlaps(store, head, 'two')).toEqual([all[1]]);
    // The tasks teach the same.
    expect(all[1]!.together!.total).toBeGreaterThan(10);
    await expect(memoryOverlaps(store, head, 'four')).rejects.toThrow(/no task "four"/);
  });
});

describe('retrieval', () => {
  const encodePrompts = (rows: readonly PromptRow[]) => {
    const options = { file: 'memory', maxLength: 1000, invalidRows: 'error', limit: null } as const;
    const pairs = rows.map((row) => ({ ...row, chosen: '', rejected: '' }));
    return toyText.encodeRows(pairs, options).encoded.map(({ prompt }) => prompt);
  };
  const side = { embeddings: toyEmbeddings, encodePrompts };
  const prompts = encodePrompts(
    ['abcabc', 'cba', 'gfe', 'ijij'].map((content, index) => ({
      index,
      prompt: [{ role: 'user', content }],
    })),
  );

  it('finds the tasks whose prompts are alike', async () => {
    const index = await TaskIndex.open(store, head, side);
    expect(prompts.map((prompt) => index.nearest(prompt, 1))).toEqual([['one'], ['one'], ['two'], ['three']]);
    for (const prompt of prompts) {
      expect(index.nearest(prompt, 3)).toEqual(TASKS);
      expect(index.nearest(prompt, 9)).toEqual(TASKS);
      const two = index.nearest(prompt, 2);
      expect(two).toEqual(TASKS.filter((task) => two.includes(task)));
    }
  });

  it('gives prompts of the same tasks one adapter, composed of these; of all tasks it is the head', async () => {
    const index = await TaskIndex.open(store, head, side);
    const groups = await retrieve(prompts, 1, index, { store, version: head });
    expect(groups.map(({ tasks, positions }) => [tasks, positions])).toEqual([
      [['one'], [0, 1]],
      [['two'], [2]],
      [['three'], [3]],
    ]);
    expect(adapterHash(groups[1]!.adapter)).toBe(await hashOf(store, head, [{ task: 'two', weight: 1 }]));
    const [whole, ...others] = await retrieve(prompts, 3, index, { store, version: head });
    expect(others).toEqual([]);
    expect(adapterHash(whole!.adapter)).toBe(adapterHash(await store.adapter(head)));
  });
});
