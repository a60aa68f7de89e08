import { defineConfig } from 'vitest/config';

/** The slow tiers: `npm run test:parity` (needs Python) and `npm run test:faults` (minutes of kills). */
export default defineConfig({
  test: {
    include: ['test/parity/**/*.test.ts', 'test/faults/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
  },
});
