import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** The tests of `npm test`. The slow tiers, in folders of their own, are in vitest.slow.config.ts. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/parity/**', 'test/torch/**', 'test/studio/**', 'test/faults/**'],
    // Native runtimes are loaded: a crash must end one test file only.
    pool: 'forks',
    // Left alone, vitest keeps one core for itself: half of a machine with two.
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
