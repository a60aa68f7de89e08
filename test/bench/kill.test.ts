/** A sample of `npm run test:faults -- --bench`. */
import { expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { killAndResumeBench } from '../faults/kill-bench.ts';

it('killed and run again, a bench has the tables of one that nobody disturbed', {
  timeout: 180_000,
}, async () => {
  const seed = Date.now();
  const { kills, failures } = await killAndResumeBench(1, Random.fromSeed(seed));
  expect(failures, `seed ${seed}`).toEqual([]);
  expect(kills).toBe(1);
});
