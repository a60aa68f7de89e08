/** How often the intervals and tests of a comparison hold, on made runs whose true matrix is known. */
import { compareRows } from '../../src/eval/comparison/compare-rows.ts';
import { listed, quantitiesOf, statisticNames } from '../../src/eval/comparison/quantities.ts';
import type { RowMatrix } from '../../src/eval/comparison/row-matrix.ts';
import type { BaseRow, ResultMatrix } from '../../src/eval/matrix.ts';
import { Random } from '../../src/support/random.ts';

/** True accuracies, %; all cells are measured. */
export interface TrueMatrix {
  readonly matrix: readonly (readonly number[])[];
  readonly base: readonly number[];
}

/** Learned well and half forgotten, and each fall is far beyond the noise. */
export const forgetting: TrueMatrix = {
  matrix: [
    [85, 45, 40],
    [70, 80, 50],
    [60, 65, 75],
  ],
  base: [50, 40, 45],
};

/** Nothing is forgotten: every measurement of a task is equally good, so forgetting's maximum is all noise. */
export const steady: TrueMatrix = {
  matrix: [0, 1, 2, 3, 4].map((row) =>
    [70, 75, 80, 65, 60].map((learned, task) => (task <= row ? learned : 45)),
  ),
  base: [50, 40, 45, 40, 50],
};

export interface Coverage {
  /** Share of trials whose interval holds the true value, for Last, BWT, AP, FWT and forgetting. */
  readonly statistics: Readonly<Record<string, number>>;
  /** The same for the differences of two runs of the same truth; and share of p-values up to 0.05 there. */
  readonly differences: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
}

export function simulateCoverage(
  truth: TrueMatrix,
  rows: number,
  { trials, resamples, seed = 0 }: { trials: number; resamples: number; seed?: number },
): Coverage {
  const source = Random.fromSeed(seed);
  const expected = listed(quantitiesOf(truth.matrix as ResultMatrix, truth.base as BaseRow));
  const counts = expected.map(() => ({ covered: 0, differences: 0, rejected: 0 }));
  for (let trial = 0; trial < trials; trial++) {
    const runs = drawRuns(truth, rows, source);
    const comparison = compareRows(runs, { resamples, seed: trial });
    const differences = listed(comparison.differences[0]!);
    listed(comparison.runs[0]!).forEach(({ low, high }, at) => {
      const count = counts[at]!;
      const difference = differences[at]!;
      // Ends and truth are sums in different orders.
      count.covered += low! - 1e-9 <= expected[at]! && expected[at]! <= high! + 1e-9 ? 1 : 0;
      count.differences += difference.low! <= 1e-9 && difference.high! >= -1e-9 ? 1 : 0;
      count.rejected += difference.pValue! <= 0.05 ? 1 : 0;
    });
  }
  const shares = (count: 'covered' | 'differences' | 'rejected') =>
    Object.fromEntries(
      statisticNames.map((name, at) => [name, counts[truth.base.length + at]![count] / trials]),
    );
  return { statistics: shares('covered'), differences: shares('differences'), rejected: shares('rejected') };
}

/** Two runs of one truth on the same rows: half of what decides a row's score is the row's own, in every cell. */
function drawRuns({ matrix, base }: TrueMatrix, rows: number, random: Random): [RowMatrix, RowMatrix] {
  const hardness = base.map(() => Array.from({ length: rows }, () => random.uniform()));
  const draw = (accuracy: number, task: number) =>
    hardness[task]!.map((own) => {
      const level = random.uniform() < 0.5 ? own : random.uniform();
      return level < accuracy / 100 ? 100 : 0;
    });
  const drawn = base.map(draw);
  const run = (): RowMatrix => ({ cells: matrix.map((row) => row.map(draw)), base: drawn });
  return [run(), run()];
}
