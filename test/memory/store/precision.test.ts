/** What a memory knows of the precision in which its base was held: recorded by the stage, held by what is merged. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MemoryLayout } from '../../../src/memory/store/format.ts';
import {
  checkPrecision,
  describePrecisions,
  trainedPrecisions,
  versionDoubt,
} from '../../../src/memory/store/precision.ts';
import { MemoryStore } from '../../../src/memory/store/store.ts';
import { verifyMemory } from '../../../src/memory/store/verify.ts';
import { lockMemory } from '../../../src/memory/store/writer.ts';
import { temporaryFolder } from '../../train/temporary-folder.ts';
import { makeFormat1 } from './format-1.ts';
import { createSmallMemory, learnSmall } from './small-memory.ts';

const described = async (store: MemoryStore, version = 'head') =>
  describePrecisions(await trainedPrecisions(store, await store.resolve(version)));

it('has that of each stage, and of a version those of all that is merged in it', async () => {
  const folder = temporaryFolder();
  const store = await createSmallMemory(folder);
  expect(await described(store)).toBe('nothing was trained');
  const writer = await lockMemory(folder);
  try {
    await learnSmall(writer, 'tone', { precision: 'nf4/bfloat16' });
    await learnSmall(writer, 'policy', { precision: 'float32' });
    expect((await store.versions()).map(({ precisions }) => precisions)).toEqual([
      ...[[], ['nf4/bfloat16'], ['nf4/bfloat16'], ['float32'], ['float32']],
    ]);
    expect(await described(store)).toBe('nf4/bfloat16 and float32');
    expect(await described(store, '2')).toBe('nf4/bfloat16');
    expect(await versionDoubt(store, await store.resolve('2'), 'nf4/bfloat16')).toBeNull();
    expect(await versionDoubt(store, await store.resolve('head'), 'nf4/bfloat16')).toMatch(
      /: version 4 was trained over a base in nf4\/bfloat16 and float32, and it is used over one in nf4\/bfloat16/,
    );
    await writer.drop(await writer.planDrop('tone'));
    expect(await described(store)).toBe('float32');
    expect(await versionDoubt(store, await store.resolve('head'), 'float32')).toBeNull();
  } finally {
    writer.release();
  }
});

it('of a memory of format 1 it is not recorded, and the next change makes it one of format 2', async () => {
  const folder = temporaryFolder();
  await createSmallMemory(folder);
  const before = await lockMemory(folder);
  await learnSmall(before, 'tone', { precision: 'nf4/bfloat16' });
  await makeFormat1(before.store);
  before.release();

  const store = await MemoryStore.open(folder);
  const { commit } = await store.head();
  expect(commit).toMatchObject({ number: 2, task: 'tone' });
  expect(await described(store)).toBe('not recorded');
  expect(await versionDoubt(store, commit, 'float32')).toBeNull();
  expect((await verifyMemory(new MemoryLayout(folder), { replay: true })).problems).toEqual([]);
  expect(readFileSync(join(folder, 'head'), 'utf8')).toContain('version: 1\n');
  // Nothing contradicts, and nothing is known.
  expect(await checkPrecision(store, commit, 'float32')).toEqual([
    expect.stringMatching(/when its tasks were learned is not recorded, and now it is in float32/),
  ]);

  const writer = await lockMemory(folder);
  await learnSmall(writer, 'policy');
  writer.release();
  expect(readFileSync(join(folder, 'head'), 'utf8')).toContain('version: 2\n');
  expect(await described(store)).toBe('float32; of a part not recorded');
  expect((await verifyMemory(new MemoryLayout(folder), { replay: true })).problems).toEqual([]);
});
