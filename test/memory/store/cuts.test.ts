/** Cuts at every write of what changes a memory, played in this process; killed in earnest: npm run test:faults. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryCuts } from '../../faults/memory-cuts.ts';
import { memoryOperations } from '../../faults/memory-operations.ts';

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
