/** The versioned memory: what is appended is read back, exactly, under the names that versions have. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMemory } from '../../../src/memory/store/create.ts';
import { MemoryLayout } from '../../../src/memory/store/format.ts';
import { recoverHead } from '../../../src/memory/store/recover.ts';
import { nameRow } from '../../../src/memory/store/rows.ts';
import { seal } from '../../../src/memory/store/sealed.ts';
import { MemoryStore } from '../../../src/memory/store/store.ts';
import { lockMemory, type MemoryWriter } from '../../../src/memory/store/writer.ts';
import { adapterHash } from '../../../src/model/adapter.ts';
import { temporaryFolder } from '../../train/temporary-folder.ts';
import {
  clock,
  config,
  createSmallMemory,
  fresh,
  hashes,
  learnSmall,
  rowText,
  smallTask,
} from './small-memory.ts';

async function withMemory<T>(use: (writer: MemoryWriter, store: MemoryStore) => Promise<T>): Promise<T> {
  const folder = temporaryFolder();
  const store = await createSmallMemory(folder);
  const writer = await lockMemory(folder, { now: clock() });
  try {
    return await use(writer, store);
  } finally {
    writer.release();
  }
}

describe('a new memory', () => {
  it('has the given adapter as version 0, and its settings', async () => {
    await withMemory(async (_, store) => {
      const { commit, entry } = await store.head();
      expect(commit).toMatchObject({
        number: 0,
        parent: null,
        kind: 'root',
        note: 'begun',
        lora: config.lora,
      });
      expect(entry).toMatchObject({ number: 0, action: 'init', versions: 1, head: commit.hash });
      expect(adapterHash(await store.adapter(commit))).toBe(adapterHash(fresh));
      expect(await store.config()).toEqual(config);
      expect(await store.learned(commit)).toEqual([]);
      expect(await store.buffer(commit)).toEqual([]);
    });
  });

  it('is not made where a memory or anything else is', async () => {
    const folder = temporaryFolder();
    await createSmallMemory(folder);
    await expect(createSmallMemory(folder)).rejects.toThrow(`${folder}: a memory is there already`);
    const other = temporaryFolder();
    writeFileSync(join(other, 'letter.txt'), 'dear');
    await expect(createMemory(other, { config, hashes, adapter: fresh })).rejects.toThrow(
      /expected an empty folder, found letter\.txt/,
    );
    expect(readdirSync(other)).toEqual(['letter.txt']);
  });
});

describe('learning a task', () => {
  it('appends a commit for each stage and moves the head once', async () => {
    await withMemory(async (writer, store) => {
      const task = await smallTask(store, 'tone');
      const added = await writer.learn(task);
      expect(added.map(({ number, stage, task }) => [number, task, stage])).toEqual([
        [1, 'tone', 'sft'],
        [2, 'tone', 'preference'],
      ]);
      const { commit, entry } = await store.head();
      expect(commit).toEqual(added[1]);
      expect(entry).toMatchObject({ number: 1, action: 'learn', versions: 3, note: 'about tone' });
      expect(commit.parent).toBe(added[0]?.hash);
      expect(commit.hashes).toEqual({ ...hashes, data: 'hash of tone' });
      expect(await store.metrics(commit)).toEqual(task.stages[1]?.metrics);
      expect(await store.commitConfig(commit)).toEqual(config);
      for (const [at, stage] of task.stages.entries()) {
        expect(adapterHash((await store.refined(added[at]!))!)).toBe(adapterHash(stage.refined));
        expect(adapterHash((await store.shortTerm(added[at]!))!)).toBe(adapterHash(stage.shortTerm));
        expect(await store.reports(added[at]!)).toEqual(Object.fromEntries(stage.reports));
      }
    });
  });

  it('adds refined memories to the adapter in float32, and to the history', async () => {
    await withMemory(async (writer, store) => {
      await learnSmall(writer, 'tone');
      await learnSmall(writer, 'policy', { stages: ['preference'] });
      const { commit } = await store.head();
      const learned = await store.learned(commit);
      expect(learned.map(({ number }) => number)).toEqual([1, 2, 3]);
      const adapter = await store.adapter(commit);
      const refined = await Promise.all(learned.map(async (stage) => (await store.refined(stage))!));
      for (const [name, { data }] of fresh.tensors) {
        const sum = Array.from(data, (value, at) =>
          refined.reduce((so, { tensors }) => Math.fround(so + tensors.get(name)!.data[at]!), value),
        );
        expect(Array.from(adapter.tensors.get(name)!.data)).toEqual(sum);
      }
      expect((await store.history(commit)).refined.map(adapterHash)).toEqual(refined.map(adapterHash));
    });
  });

  it('keeps the split, the texts and the buffer', async () => {
    await withMemory(async (writer, store) => {
      const task = await smallTask(store, 'tone');
      await writer.learn({ ...task, details: { confidence: 0.9 } });
      const { commit } = await store.head();
      const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);
      expect(await store.tasks(commit)).toEqual([
        {
          task: 'tone',
          private: false,
          data: task.data,
          train: ids(task.rows.train),
          gate: ids(task.rows.gate),
          report: ids(task.rows.report),
          details: { confidence: 0.9 },
        },
      ]);
      const report = await store.rows(ids(task.rows.report));
      expect([...report.values()]).toEqual(task.rows.report);
      expect(await store.buffer(commit)).toEqual(task.buffer);
      // Before the task's last stage the buffer is what the task was trained with.
      expect(await store.buffer(await store.resolve('head~1'))).toEqual([]);
      await expect(store.rows(['0'.repeat(64)])).rejects.toThrow(/neither there nor was it withdrawn/);
    });
  });

  it('is refused where the head has moved since', async () => {
    await withMemory(async (writer, store) => {
      const late = await smallTask(store, 'late');
      await learnSmall(writer, 'tone');
      await expect(writer.learn(late)).rejects.toThrow(/the head has moved from version 0 to 2/);
      expect((await store.head()).commit.number).toBe(2);
    });
  });

  it('refuses a refined memory of other matrices', async () => {
    await withMemory(async (writer, store) => {
      const task = await smallTask(store, 'tone');
      const tensors = new Map([...fresh.tensors].slice(1));
      const stages = [{ ...task.stages[0]!, refined: { ...fresh, tensors } }];
      await expect(writer.learn({ ...task, stages })).rejects.toThrow(
        /the refined memory: tensor ".*" .* is missing/,
      );
      expect((await store.head()).commit.number).toBe(0);
    });
  });
});

it('what is kept aside has a version, and the head stays', async () => {
  await withMemory(async (writer, store) => {
    await learnSmall(writer, 'tone', { stages: ['preference'] });
    const [aside] = await writer.keepAside(
      await smallTask(store, 'bad', { stages: ['preference'] }),
      'budget broken',
    );
    const { commit, entry } = await store.head();
    expect([commit.number, aside?.number]).toEqual([1, 2]);
    expect(entry).toMatchObject({ action: 'aside', note: 'budget broken', versions: 3 });
    expect(await store.resolve('2')).toEqual(aside);
    const [next] = await learnSmall(writer, 'good', { stages: ['preference'] });
    expect(next).toMatchObject({ number: 3, parent: commit.hash });
    expect((await store.versions()).map(({ task }) => task)).toEqual([null, 'tone', 'bad', 'good']);
  });
});

describe('names of versions', () => {
  it('are numbers, steps back from the head, and beginnings of hashes', async () => {
    await withMemory(async (writer, store) => {
      await learnSmall(writer, 'tone');
      await learnSmall(writer, 'policy');
      const all = await store.versions();
      expect(all.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
      for (const commit of all) {
        expect(await store.resolve(String(commit.number))).toEqual(commit);
        expect(await store.resolve(`head~${4 - commit.number}`)).toEqual(commit);
        expect(await store.resolve(commit.hash.slice(0, 16))).toEqual(commit);
      }
      expect(await store.resolve('head')).toEqual(all[4]);
    });
  });

  it.each([
    ['5', /the newest version is 0/],
    ['head~3', /the head has 0 commits before it/],
    ['0123456789abcdef', /no commit has a hash that begins so/],
    ['yesterday', /not a version; expected a number/],
  ])('%s is refused', async (version, message) => {
    await withMemory(async (_, store) => {
      await expect(store.resolve(version)).rejects.toThrow(message);
    });
  });
});

it('revert makes an older version the head, exactly, and loses nothing', async () => {
  await withMemory(async (writer, store) => {
    await learnSmall(writer, 'tone');
    const old = await store.head();
    await learnSmall(writer, 'policy');
    const newer = await store.head();
    await writer.revert('2', 'too eager');
    const { commit, entry } = await store.head();
    expect(commit).toEqual(old.commit);
    expect(entry).toMatchObject({ action: 'revert', note: 'too eager', number: newer.entry.number + 1 });
    expect(adapterHash(await store.adapter(commit))).toBe(adapterHash(await store.adapter(old.commit)));
    expect(await store.buffer(commit)).toEqual(await store.buffer(old.commit));
    await writer.revert(String(newer.commit.number));
    expect((await store.head()).commit).toEqual(newer.commit);
    const [next] = await learnSmall(writer, 'third');
    expect(next?.number).toBe(5);
  });
});

describe('the format', () => {
  const rewriteHead = (folder: string, change: (text: string) => string) => {
    const file = join(folder, 'head');
    const body = readFileSync(file, 'utf8').replace(/# sha256 .*\n$/, '');
    writeFileSync(file, seal(change(body)));
  };

  it.each([
    [
      'a newer one',
      3,
      /format 3, written by lifealign 9\.1\.0; .* Use that version or a newer one: npx lifealign@9\.1\.0/,
    ],
    [
      'an older one',
      0,
      /format 0, .* npx lifealign@9\.1\.0 memory export head --memory .* lifealign memory init/,
    ],
  ])('%s is refused with what to do', async (_, version, message) => {
    const folder = temporaryFolder();
    await createSmallMemory(folder);
    rewriteHead(folder, (text) =>
      text.replace('version: 2', `version: ${version}`).replace(/written_by: .*/, 'written_by: 9.1.0'),
    );
    await expect(MemoryStore.open(folder)).rejects.toThrow(message);
    // Another format's head is not taken for a damaged one.
    const head = readFileSync(join(folder, 'head'), 'utf8');
    await expect(recoverHead(new MemoryLayout(folder), () => {})).rejects.toThrow(message);
    expect(readFileSync(join(folder, 'head'), 'utf8')).toBe(head);
  });

  it('a folder that is none is refused', async () => {
    await expect(MemoryStore.open(temporaryFolder())).rejects.toThrow(/not a memory: it has no file "head"/);
  });
});

describe('two writers', () => {
  it('the second is refused by name, or waits', async () => {
    const folder = temporaryFolder();
    await createSmallMemory(folder);
    const first = await lockMemory(folder);
    await expect(lockMemory(folder)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(`process ${process.pid} is at work there`),
    });
    const log: string[] = [];
    const second = lockMemory(folder, { wait: 30, log: (line) => log.push(line) });
    await learnSmall(first, 'tone');
    await expect.poll(() => log).toEqual([expect.stringMatching(`^waiting for process ${process.pid} on `)]);
    first.release();
    const [commit] = await learnSmall(await second, 'policy');
    expect(commit?.number).toBe(3);
    (await second).release();
    expect(readdirSync(folder)).not.toContain('memory.lock');
  });
});

it('opening reads no more with more versions', async () => {
  await withMemory(async (writer, store) => {
    for (let at = 0; at < 12; at++) await learnSmall(writer, `task${at}`, { stages: ['preference'] });
    const { objects } = store.layout;
    const read: string[] = [];
    const original = objects.constructor.prototype.read;
    objects.constructor.prototype.read = function (name: { hash: string; kind: string }) {
      read.push(name.kind);
      return original.call(this, name);
    };
    try {
      await MemoryStore.open(store.folder);
    } finally {
      objects.constructor.prototype.read = original;
    }
    expect(read).toEqual(['json', 'json']);
  });
});

it('a row named twice has two ids, and neither tells the text', () => {
  const [one, two] = [nameRow(rowText('tone', 1)), nameRow(rowText('tone', 1))];
  expect(one.id).not.toBe(two.id);
});
