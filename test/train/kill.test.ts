import { expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { killAndResume } from '../faults/kill.ts';

// Hundreds of them: npm run test:faults.
it('kill -9, at a moment of a fixed seed: adapters, matrix, scores and steps of an undisturbed run', async () => {
  const report = await killAndResume(1, Random.fromSeed(1));
  expect(report.failures).toEqual([]);
  expect(report.kills).toBe(1);
}, 120_000);
