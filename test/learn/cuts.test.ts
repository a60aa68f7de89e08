/** Kills at writes of `learn`, some of all there are: npm run test:faults -- --learn. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cuts } from '../faults/cuts.ts';

/** States from the first to one in which nothing of the old training is left. */
const CLEARING = 12;

let cuts: Cuts;
beforeAll(async () => {
  cuts = await Cuts.open('learn');
});
afterAll(() => cuts.close());

it('leave the old or the new memory, whole, and the same command completes it', async () => {
  const [all, refused] = [await cuts.states('learn'), await cuts.states('refuse')];
  // A few over the whole training, and where the commit happens.
  const report = await cuts.replay('learn', (at) => at % 149 === 0 || (at > all - 24 && at % 4 === 0));
  expect(report.failures).toEqual([]);
  expect(report.old).toBeGreaterThan(0);
  expect(report.new).toBeGreaterThan(0);
  expect((await cuts.replay('refuse', (at) => at % 297 === 5 || at === refused - 1)).failures).toEqual([]);
});

it('where they clear away a training that is begun anew, nobody goes on with what is left of it', async () => {
  const report = await cuts.replay('restart', (at) => at < CLEARING);
  expect(report.failures).toEqual([]);
  expect(report.old).toBe(CLEARING);
});

it('a full disk, and a write that is short', async () => {
  const all = cuts.all(['full', 'short']);
  const report = await cuts.met(all.filter((_, at) => at % Math.ceil(all.length / 3) === 7));
  expect(report.failures).toEqual([]);
});

it('in earnest', async () => {
  const all = cuts.all(['half']);
  const report = await cuts.killed([all[Math.floor(all.length / 4)]!]);
  expect(report.failures).toEqual([]);
});
