/**
 * Cuts at every write of what changes a memory, played in this process; killed in earnest: npm run test:faults. And
 * several processes that change one memory at once.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryLayout } from '../../../src/memory/store/format.ts';
import { ancestry } from '../../../src/memory/store/lineage.ts';
import { MemoryStore } from '../../../src/memory/store/store.ts';
import { verifyMemory } from '../../../src/memory/store/verify.ts';
import { killModes } from '../../faults/cut.ts';
import { CUT_CHILD, Cuts } from '../../faults/cuts.ts';
import { memorySubject } from '../../faults/memory-operations.ts';
import { memoryIn } from '../../faults/subject.ts';
import { temporaryFolder } from '../../train/temporary-folder.ts';

let cuts: Cuts;
beforeAll(async () => {
  cuts = await Cuts.open('memory');
});
afterAll(() => cuts.close());

const thinned = <T>(all: readonly T[], step: number) => all.filter((_, at) => at % step === 0);

it('a kill leaves the old or the new state, whole, and doing it again completes it', async () => {
  const states = { old: 0, new: 0 };
  for (const operation of cuts.operations) {
    const last = (await cuts.states(operation)) - 1;
    // Where the head moves, and texts that are withdrawn go, all; before that a few.
    const around = operation === 'drop' || operation === 'forget' ? 10 : 1;
    const report = await cuts.replay(operation, (at) => at % 37 === 5 || at > last - around);
    expect(report.failures).toEqual([]);
    states.old += report.old;
    states.new += report.new;
  }
  expect(states.old).toBeGreaterThan(0);
  expect(states.new).toBeGreaterThanOrEqual(cuts.operations.length);
});

it('so does a full disk or a write that is short', async () => {
  const report = await cuts.met(thinned(cuts.all(['full', 'short']), 163));
  expect(report.failures).toEqual([]);
});

it('SIGKILL in earnest', async () => {
  const kills = cuts.all(killModes).filter(({ operation }) => operation === 'learn' || operation === 'drop');
  const report = await cuts.killed(thinned(kills, Math.ceil(kills.length / 2)));
  expect(report.failures).toEqual([]);
});

it('processes that write at once take turns', async () => {
  const folder = temporaryFolder();
  await memorySubject.prepare(folder);
  const append = () =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', CUT_CHILD, 'memory', folder, 'learn']);
  await Promise.all([append(), append()]);
  const memory = memoryIn(folder);
  const found = await verifyMemory(new MemoryLayout(memory), { replay: true });
  expect(found).toMatchObject({ problems: [], orphans: [], versions: 4 + 2 * 2 });
  const store = await MemoryStore.open(memory);
  const { commit } = await store.head();
  expect((await ancestry(store, commit)).map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
