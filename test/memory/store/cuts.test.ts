/**
 * Cuts at every write of what changes a memory, played in this process; killed in earnest: npm run test:faults. And
 * several processes that change one memory at once.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryLayout } from '../../../src/memory/store/format.ts';
import { ancestry } from '../../../src/memory/store/lineage.ts';
import { MemoryStore } from '../../../src/memory/store/store.ts';
import { verifyMemory } from '../../../src/memory/store/verify.ts';
import { MEMORY_CHILD, MemoryCuts } from '../../faults/memory-cuts.ts';
import { memoryOperations, prepareMemory } from '../../faults/memory-operations.ts';
import { temporaryFolder } from '../../train/temporary-folder.ts';

let cuts: MemoryCuts;
beforeAll(async () => {
  cuts = await MemoryCuts.open(memoryOperations);
});
afterAll(() => cuts.close());

/** Every so many-th of the cuts, the first and the last among them for each operation. */
const thinned = <T>(all: readonly T[], step: number) => all.filter((_, at) => at % step === 0);

it('leaves the old or the new state, whole, and doing it again completes it', async () => {
  const report = await cuts.run(thinned(cuts.all(), 59), 'here');
  expect(report.failures).toEqual([]);
  expect(report.old).toBeGreaterThan(0);
  expect(report.new).toBeGreaterThan(0);
});

it('SIGKILL in earnest', async () => {
  const kills = cuts.all(['half']).filter(({ operation }) => operation === 'learn' || operation === 'drop');
  const report = await cuts.run(thinned(kills, Math.ceil(kills.length / 3)), 'process');
  expect(report.failures).toEqual([]);
});

it('processes that write at once take turns', async () => {
  const folder = join(temporaryFolder(), 'memory');
  await prepareMemory(folder);
  const append = () =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', MEMORY_CHILD, folder, 'learn']);
  await Promise.all([append(), append(), append()]);
  const found = await verifyMemory(new MemoryLayout(folder), { replay: true });
  expect(found).toMatchObject({ problems: [], orphans: [], versions: 4 + 3 * 2 });
  const store = await MemoryStore.open(folder);
  const { commit } = await store.head();
  expect((await ancestry(store, commit)).map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
