import { expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { killAndResume } from '../faults/kill.ts';

// Hundreds of them: npm run test:faults.
it('kill -9 thrice, at moments of a fixed seed: adapters, matrix, scores and steps of an undisturbed run', async () => {
  const report = await killAndResume(3, Random.fromSeed(1));
  expect(report.failures).toEqual([]);
  expect(report.kills).toBe(3);
}, 120_000);
