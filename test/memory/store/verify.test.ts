/** Whatever happens to a memory's files is found, and what was cut off is told from what is damaged. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryLayout, writeHead } from '../../../src/memory/store/format.ts';
import { recoverHead } from '../../../src/memory/store/recover.ts';
import { MemoryStore } from '../../../src/memory/store/store.ts';
import { verifyMemory } from '../../../src/memory/store/verify.ts';
import { lockMemory } from '../../../src/memory/store/writer.ts';
import { Random } from '../../../src/support/random.ts';
import { damageEach, eventfulMemory } from '../../faults/memory-damage.ts';
import { temporaryFolder } from '../../train/temporary-folder.ts';

async function eventful(): Promise<string> {
  const folder = join(temporaryFolder(), 'memory');
  await eventfulMemory(folder);
  return folder;
}

const verify = (folder: string) => verifyMemory(new MemoryLayout(folder));

it('finds nothing in a memory as it was written, of which every adapter can be made again', async () => {
  const folder = await eventful();
  const found = await verifyMemory(new MemoryLayout(folder), { replay: true });
  expect(found).toMatchObject({ problems: [], orphans: [], foreign: [], unchecked: 0, versions: 5 });
  expect(found.files).toBe(readdirSync(folder, { recursive: true }).length - 2);
});

it('--replay finds an adapter that is whole and not what was merged', async () => {
  const folder = await eventful();
  const layout = new MemoryLayout(folder);
  const store = await MemoryStore.open(folder);
  const { entry } = await store.head();
  const { hash: _, ...record } = await store.resolve('2');
  const { adapter } = await store.resolve('0');
  const forged = await layout.objects.putJson({ ...record, adapter, number: entry.versions });
  const { hash: previous, ...last } = entry;
  const added = {
    number: last.number + 1,
    previous,
    head: forged,
    added: [forged],
    versions: last.versions + 1,
  };
  await writeHead(layout, await layout.objects.putJson({ ...last, ...added }));
  expect((await verify(folder)).problems).toEqual([]);
  expect((await verifyMemory(layout, { replay: true })).problems).toEqual([
    {
      file: `objects/${adapter}.safetensors`,
      problem: 'not what the refined memories add up to',
      commit: expect.objectContaining({ number: 5 }),
    },
  ]);
});

// By the ten thousand: npm run test:faults -- --memory.
it('finds every flipped bit and every truncation, and names the file', async () => {
  const report = await damageEach(await eventful(), { flips: 56, cuts: 28 }, Random.fromSeed(1));
  expect(report.missed).toEqual([]);
});

describe('a lost or damaged head', () => {
  it.each([
    ['lost', (file: string) => rmSync(file)],
    ['damaged', (file: string) => writeFileSync(file, 'format: lifealign-memory\n')],
  ])('%s: the newest entry becomes the head again', async (_, harm) => {
    const folder = await eventful();
    const layout = new MemoryLayout(folder);
    const before = await (await MemoryStore.open(folder)).head();
    await expect(recoverHead(layout, () => {})).rejects.toThrow(/there is nothing to recover/);
    harm(layout.head);
    await expect(MemoryStore.open(folder)).rejects.toThrow(/head/);
    expect((await recoverHead(layout, () => {})).hash).toBe(before.entry.hash);
    expect(await (await MemoryStore.open(folder)).head()).toEqual(before);
    expect(await verify(folder)).toMatchObject({ problems: [], orphans: [] });
  });

  it('entries of which something is missing are passed over', async () => {
    const folder = await eventful();
    const layout = new MemoryLayout(folder);
    const { entry, commit } = await (await MemoryStore.open(folder)).head();
    rmSync(layout.head);
    rmSync(join(folder, 'objects', `${commit.adapter}.safetensors`));
    const found = await recoverHead(layout, () => {});
    expect(found.head).not.toBe(entry.head);
    expect((await (await MemoryStore.open(folder)).head()).entry).toEqual(found);
  });
});

describe('what is missing or too much', () => {
  it('names the version that needs a missing adapter', async () => {
    const folder = await eventful();
    const store = await MemoryStore.open(folder);
    const { adapter } = await store.resolve('2');
    rmSync(join(folder, 'objects', `${adapter}.safetensors`));
    const { problems } = await verify(folder);
    expect(problems).toEqual([
      {
        file: `objects/${adapter}.safetensors`,
        problem: 'it is missing',
        commit: expect.objectContaining({ number: 2 }),
      },
    ]);
    await expect(store.adapter(await store.resolve('2'))).rejects.toThrow(/damaged: it is missing/);
  });

  it('finds texts of rows that went without a withdrawal', async () => {
    const folder = await eventful();
    const [file] = readdirSync(join(folder, 'rows'));
    rmSync(join(folder, 'rows', file!));
    const { problems } = await verify(folder);
    expect(problems).toEqual([expect.objectContaining({ file: `rows/${file}`, problem: 'it is missing' })]);
  });

  it('lists what nothing refers to, which is no damage, and removes it when told to', async () => {
    const folder = await eventful();
    const names = ['config.yaml.tmp-0123456789ab', 'objects/x.json.tmp-0123456789ab'];
    for (const name of names) writeFileSync(join(folder, name), 'half');
    const layout = new MemoryLayout(folder);
    const orphan = await layout.objects.putJson({ never: 'committed' });
    writeFileSync(join(folder, 'letter.txt'), 'dear');
    mkdirSync(join(folder, 'cache', 'learn'), { recursive: true });
    writeFileSync(join(folder, 'cache', 'learn', 'steps.jsonl'), '{}\n');
    const found = await verify(folder);
    expect(found).toMatchObject({ problems: [], foreign: ['letter.txt'], unchecked: 1 });
    expect([...found.orphans].sort()).toEqual([...names, `objects/${orphan}.json`].sort());

    const writer = await lockMemory(folder);
    expect([...(await writer.prune())].sort()).toEqual([...found.orphans].sort());
    writer.release();
    expect(await verify(folder)).toMatchObject({ problems: [], orphans: [], foreign: ['letter.txt'] });
  });

  it('removes nothing from a damaged memory', async () => {
    const folder = await eventful();
    const store = await MemoryStore.open(folder);
    const { config } = await store.resolve('1');
    renameSync(join(folder, 'objects', `${config}.json`), join(folder, 'objects', `${'0'.repeat(64)}.json`));
    const writer = await lockMemory(folder);
    await expect(writer.prune()).rejects.toThrow(/damaged, so nothing is removed: it is missing/);
    writer.release();
    expect(readdirSync(join(folder, 'objects'))).toContain(`${'0'.repeat(64)}.json`);
  });

  it('what is read is verified, not only by verify', async () => {
    const folder = await eventful();
    const store = await MemoryStore.open(folder);
    const commit = await store.resolve('head');
    writeFileSync(join(folder, 'objects', `${commit.adapter}.safetensors`), 'something else');
    await expect(store.adapter(commit)).rejects.toThrow(/its content is not that of its name/);
    writeFileSync(join(folder, 'config.yaml'), 'base: other\n');
    await expect(store.config()).rejects.toThrow(
      /if you changed it on purpose, run "lifealign memory config --accept"/,
    );
  });
});
