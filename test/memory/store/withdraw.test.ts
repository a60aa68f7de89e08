/** Dropping tasks and forgetting rows: what is rebuilt, what leaves the folder, what stays. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryLayout } from '../../../src/memory/store/format.ts';
import { mergeRefined } from '../../../src/memory/store/merge.ts';
import type { MemoryStore } from '../../../src/memory/store/store.ts';
import { verifyMemory } from '../../../src/memory/store/verify.ts';
import { commitsTouched, findRows } from '../../../src/memory/store/withdraw.ts';
import { lockMemory, type MemoryWriter } from '../../../src/memory/store/writer.ts';
import { adapterHash } from '../../../src/model/adapter.ts';
import { temporaryFolder } from '../../train/temporary-folder.ts';
import { clock, createSmallMemory, fresh, learnSmall, rowText } from './small-memory.ts';

async function withTasks<T>(
  tasks: readonly string[],
  use: (writer: MemoryWriter, store: MemoryStore) => Promise<T>,
): Promise<T> {
  const folder = temporaryFolder();
  const store = await createSmallMemory(folder);
  const writer = await lockMemory(folder, { now: clock() });
  try {
    for (const task of tasks) await learnSmall(writer, task, { stages: ['preference'] });
    return await use(writer, store);
  } finally {
    writer.release();
  }
}

/** Files below the folder that hold the text. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text));
}

describe('drop', () => {
  it('merges the others again, in order, and makes a commit of it', async () => {
    await withTasks(['tone', 'policy', 'safety'], async (writer, store) => {
      const [, tone, policy, safety] = await store.versions();
      const plan = await writer.planDrop('policy');
      expect(plan).toMatchObject({ removed: [policy], remaining: [tone, safety] });
      const commit = await writer.drop(plan, { note: 'withdrawn by its owner' });
      expect(commit).toMatchObject({
        number: 4,
        parent: safety?.hash,
        kind: 'drop',
        task: 'policy',
        stage: null,
      });
      const expected = mergeRefined(
        mergeRefined(fresh, (await store.refined(tone!))!, 'factors'),
        (await store.refined(safety!))!,
        'factors',
      );
      expect(adapterHash(await store.adapter(commit))).toBe(adapterHash(expected));
      expect(await store.learned(commit)).toEqual([tone, safety]);
      expect((await store.head()).entry).toMatchObject({ action: 'drop', note: 'withdrawn by its owner' });
    });
  });

  it("takes the task's rows out of store, buffer and cache, and says so of each", async () => {
    await withTasks(['tone', 'policy'], async (writer, store) => {
      const before = await store.head();
      const [record] = await store.tasks(before.commit);
      mkdirSync(store.cacheFolder);
      writeFileSync(join(store.cacheFolder, 'computed'), 'from rows');
      expect(filesWith(store.folder, 'tone: what about 3?')).toHaveLength(1);
      const commit = await writer.drop(await writer.planDrop('tone'), { note: 'why' });
      expect(filesWith(store.folder, 'tone: what about')).toEqual([]);
      expect(existsSync(store.cacheFolder)).toBe(false);
      expect((await store.buffer(commit)).map(({ task }) => task)).toEqual(['policy', 'policy']);
      // The buffer of a version that is gone back to has lost them as well.
      expect((await store.buffer(before.commit)).map(({ task }) => task)).toEqual(['policy', 'policy']);
      expect((await store.rows(record!.report)).size).toBe(0);
      const withdrawn = await store.withdrawn();
      expect(withdrawn.size).toBe(10);
      expect(withdrawn.get(record!.gate[0]!)).toMatchObject({ task: 'tone', action: 'drop', reason: 'why' });
      expect(await verifyMemory(new MemoryLayout(store.folder), { replay: true })).toMatchObject({
        problems: [],
        orphans: [],
      });
    });
  });

  it('of the only task leaves the root, and of an unknown one names those there are', async () => {
    await withTasks(['tone'], async (writer, store) => {
      await expect(writer.planDrop('ton')).rejects.toThrow(
        /version 1 has no task "ton"; it has learned tone\. Did you mean "tone"\?/,
      );
      const commit = await writer.drop(await writer.planDrop('tone'));
      expect(adapterHash(await store.adapter(commit))).toBe(adapterHash(fresh));
      await expect(writer.planDrop('tone')).rejects.toThrow(/it has learned none/);
    });
  });

  it('can be reverted, the rows aside, and the task learned again', async () => {
    await withTasks(['tone', 'policy'], async (writer, store) => {
      const before = (await store.head()).commit;
      await writer.drop(await writer.planDrop('tone'));
      const [again] = await learnSmall(writer, 'tone', { stages: ['preference'], seed: 9 });
      expect((await store.learned(again!)).map(({ number }) => number)).toEqual([2, 4]);
      await writer.revert('2');
      expect(adapterHash(await store.adapter((await store.head()).commit))).toBe(
        adapterHash(await store.adapter(before)),
      );
    });
  });

  it('is refused where the head has moved since it was planned', async () => {
    await withTasks(['tone'], async (writer, store) => {
      const plan = await writer.planDrop('tone');
      await learnSmall(writer, 'policy');
      await expect(writer.drop(plan)).rejects.toThrow(/the head has moved from version 1 to 3/);
      expect((await store.head()).commit.number).toBe(3);
    });
  });
});

describe('forget', () => {
  it('withdraws rows by their texts or ids, and keeps the head', async () => {
    await withTasks(['tone', 'policy'], async (writer, store) => {
      const { commit } = await store.head();
      const [, policy] = await store.tasks(commit);
      const found = await findRows(store, {
        ids: [policy!.train[0]!],
        texts: [rowText('tone', 1), rowText('tone', 99)],
      });
      expect(found.map(({ task, row }) => [task, row.chosen])).toEqual([
        ['tone', 'yes to 1'],
        ['policy', 'yes to 0'],
      ]);
      await writer.forget(found, 'a person asked');
      const after = await store.head();
      expect(after.commit).toEqual(commit);
      expect(after.entry).toMatchObject({ action: 'forget', note: 'a person asked' });
      expect(filesWith(store.folder, 'tone: what about 1?')).toEqual([]);
      expect(filesWith(store.folder, 'tone: what about 2?')).toHaveLength(1);
      const left = (await store.buffer(commit)).map(({ row }) => row);
      expect(left).not.toContain(policy!.train[0]);
      expect(left).toHaveLength(2);
      expect(await store.withdrawn()).toHaveProperty('size', 2);
      expect(await findRows(store, { ids: [], texts: [rowText('tone', 1)] })).toEqual([]);
      expect(await verifyMemory(new MemoryLayout(store.folder))).toMatchObject({ problems: [], orphans: [] });
    });
  });

  it('names every version that the rows had a part in, and how', async () => {
    await withTasks(['tone', 'policy'], async (writer, store) => {
      const [tone] = await store.tasks((await store.head()).commit);
      // Row 0 of tone was trained on, and entered the buffer that policy was trained with.
      const ids = new Set([tone!.train[0]!, tone!.report[1]!]);
      const touched = await commitsTouched(store, ids);
      expect(touched.map(({ commit, rows }) => [commit.number, rows])).toEqual([
        [1, { trained: 1, replayed: 0, gate: 0, report: 1 }],
        [2, { trained: 0, replayed: 1, gate: 0, report: 0 }],
      ]);
      await writer.forget(await findRows(store, { ids, texts: [] }), 'asked');
      expect(await commitsTouched(store, ids)).toEqual(touched);
      // The buffer names row 0 still; what is learned now does not replay it.
      await learnSmall(writer, 'safety', { stages: ['preference'] });
      expect(await commitsTouched(store, ids)).toEqual(touched);
    });
  });

  it('goes by the order of changes, whatever clocks said', async () => {
    const folder = temporaryFolder();
    const store = await createSmallMemory(folder);
    const year = { now: 2026 };
    const writer = await lockMemory(folder, { now: () => new Date(Date.UTC(year.now, 0)) });
    await learnSmall(writer, 'tone', { stages: ['preference'] });
    await learnSmall(writer, 'policy', { stages: ['preference'] });
    const [tone] = await store.tasks((await store.head()).commit);
    const ids = new Set([tone!.train[0]!]);
    year.now = 2025;
    await writer.forget(await findRows(store, { ids, texts: [] }), 'asked');
    year.now = 2024;
    await learnSmall(writer, 'safety', { stages: ['preference'] });
    writer.release();
    const touched = await commitsTouched(store, ids);
    expect(touched.map(({ commit, rows }) => [commit.number, rows.trained, rows.replayed])).toEqual([
      [1, 1, 0],
      [2, 0, 1],
    ]);
  });

  it('nothing leaves everything as it is', async () => {
    await withTasks(['tone'], async (writer, store) => {
      const before = await store.head();
      await writer.forget([], 'nothing');
      expect(await store.head()).toEqual(before);
    });
  });

  it('leaves no way to match a guess against what is kept of a row', async () => {
    await withTasks(['tone'], async (writer, store) => {
      const rows = await findRows(store, { ids: [], texts: [rowText('tone', 1)] });
      const { nonce, id } = rows[0]!.row;
      expect(filesWith(store.folder, nonce)).toHaveLength(1);
      await writer.forget(rows, 'asked');
      expect(filesWith(store.folder, nonce)).toEqual([]);
      expect(filesWith(store.folder, id).length).toBeGreaterThan(0);
    });
  });
});
