import { describe, expect, it } from 'vitest';
import { forgetting, simulateCoverage, steady } from './interval-coverage.ts';

describe('95 % intervals and tests at 0.05', () => {
  // bench/interval-coverage.ts has the long version.
  it.each(Object.entries({ forgetting, steady }))('hold as often as they say: %s', (_, truth) => {
    const { statistics, differences, rejected } = simulateCoverage(truth, 60, {
      trials: 120,
      resamples: 200,
    });
    // A maximum of noise is the hard case; with percentile intervals it would be covered three times in four.
    expect(statistics['forgetting']).toBeGreaterThan(0.84);
    for (const name of ['last', 'bwt', 'ap', 'fwt'] as const) {
      expect(statistics[name]).toBeGreaterThan(0.9);
      expect(statistics[name]).toBeLessThan(0.99);
      expect(differences[name]).toBeGreaterThan(0.9);
      expect(rejected[name]).toBeLessThan(0.1);
    }
  });
});
