import { expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { killAndResume } from './kill.ts';

// Hundreds of cuts: npm run test:faults.
it('a run that was killed goes on to the same adapters, matrix, scores and steps', async () => {
  const report = await killAndResume(4, Random.fromSeed(Date.now()));
  expect(report.failures).toEqual([]);
  expect(report.kills).toBe(4);
}, 120_000);
