import { expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { readMutated } from '../faults/mutate-files.ts';

it('damaged files end in rows or in an error with exit code 2 (thousands: npm run test:faults -- --data)', async () => {
  const { read, refused, failures } = await readMutated(80, Random.fromSeed(7));
  expect(failures).toEqual([]);
  expect(Math.min(read, refused)).toBeGreaterThan(8);
});
