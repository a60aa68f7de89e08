/** One score of several runs a name, which differ in their seed: means over seeds with Student's t intervals. */
import { meanInterval } from '../statistics.ts';
import { type Estimate, minus, type ScoreComparison, type TestedEstimate } from './compare-rows.ts';
import { fromList, listed, quantitiesOfRows } from './quantities.ts';
import type { RowMatrix } from './row-matrix.ts';

/**
 * `names[n][s]` is the run of name n with the s-th seed, the same seeds for every name: differences are paired
 * by seed, their p-value is the paired t-test's. What is `null` for one seed is `null`.
 */
export function compareSeeds(names: readonly (readonly RowMatrix[])[], level = 0.95): ScoreComparison {
  const values = names.map((seeds) => seeds.map((run) => listed(quantitiesOfRows(run))));
  const [first, ...others] = values;
  if (!first) return { runs: [], differences: [] };
  return {
    runs: values.map((seeds) =>
      fromList(overSeeds(seeds, level).map(({ pValue: _, ...estimate }) => estimate)),
    ),
    differences: others.map((seeds) =>
      fromList(
        overSeeds(
          first.map((run, seed) => minus(run, seeds[seed]!)),
          level,
        ),
      ),
    ),
  };
}

/** `seeds[s][q]` is the s-th seed's value of quantity q. */
export function overSeeds(seeds: readonly (readonly (number | null)[])[], level = 0.95): TestedEstimate[] {
  return seeds[0]!.map((_, at) => {
    const values = seeds.flatMap((run) => run[at] ?? []);
    if (values.length < seeds.length) return { estimate: null, low: null, high: null, pValue: null };
    const { mean, margin, pValue } = meanInterval(values, level);
    const estimate: Estimate = { estimate: mean, low: mean - margin, high: mean + margin };
    return { ...estimate, pValue };
  });
}
