import { defineConfig } from 'vitest/config';

/** The slow tiers `npm run test:parity`, `npm run test:torch` (both need Python) and `npm run test:studio` (Chromium). Kills by the hundred, `npm run test:faults`, need no runner. */
export default defineConfig({
  test: {
    include: ['test/parity/**/*.test.ts', 'test/torch/**/*.test.ts', 'test/studio/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
  },
});
