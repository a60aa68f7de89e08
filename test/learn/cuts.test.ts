/** Cuts at writes of `learn`, played in this process; killed in earnest: npm run test:faults -- --learn. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LearnCuts } from '../faults/learn-cuts.ts';

let cuts: LearnCuts;
beforeAll(async () => {
  cuts = await LearnCuts.open();
});
afterAll(() => cuts.close());

const thinned = <T>(all: readonly T[], step: number) => all.filter((_, at) => at % step === 0);

it('leaves the old or the new memory, whole, and the same command completes it', async () => {
  const all = cuts.all(['before']);
  const around = all.filter(({ operation, at }) => operation === 'learn' && at > cuts.calls('learn') - 24);
  const report = await cuts.run([...thinned(all, 101), ...thinned(around, 3)], 'here');
  expect(report.failures).toEqual([]);
  expect(report.old).toBeGreaterThan(0);
  expect(report.new).toBeGreaterThan(0);
}, 120_000);

it('SIGKILL in earnest', async () => {
  const all = cuts.all(['half']);
  const report = await cuts.run(thinned(all, Math.ceil(all.length / 3)), 'process');
  expect(report.failures).toEqual([]);
}, 120_000);
