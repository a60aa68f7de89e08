/**
 * Result matrices as they might have come out: of redrawn test rows, for intervals, and of two runs with rows
 * exchanged between them, for tests. Rows of a task keep together what was measured on them, over all cells
 * and runs, so what makes a row hard cancels out of every difference.
 */
import type { Random } from '../../support/random.ts';
import { type Quantities, quantitiesOf } from './quantities.ts';
import type { RowMatrix, Rows } from './row-matrix.ts';

/** A task's values: all measured cells of all runs side by side, test row after test row. */
interface TaskValues {
  readonly rows: number;
  readonly cells: readonly { readonly run: number /** −1: the base. */; readonly row: number }[];
  readonly values: Float64Array;
}

/**
 * Calls `take` with the quantities of each run, `resamples` times, every task's rows drawn anew with
 * replacement. The runs must share tasks and test rows.
 */
export function bootstrapQuantities(
  runs: readonly RowMatrix[],
  resamples: number,
  random: Random,
  take: (resample: number, quantities: readonly Quantities<number | null>[]) => void,
): void {
  const tasks = valuesByTask(runs);
  for (let resample = 0; resample < resamples; resample++) {
    const sums = tasks.map(({ rows, cells, values }) => {
      const sum = new Float64Array(cells.length);
      for (let draw = 0; draw < rows; draw++) {
        const from = random.integer(rows) * cells.length;
        for (let cell = 0; cell < cells.length; cell++) sum[cell]! += values[from + cell]!;
      }
      return sum;
    });
    take(resample, quantitiesOfSums(tasks, sums, runs.length));
  }
}

/**
 * The same for two runs whose test rows stay as they are, each row's values exchanged between the runs or not
 * with equal chance. Cells that only one of them measured are left out.
 */
export function exchangeQuantities(
  [one, other]: readonly [RowMatrix, RowMatrix],
  resamples: number,
  random: Random,
  take: (resample: number, quantities: readonly Quantities<number | null>[]) => void,
): void {
  // The cells are the same in both, so the second run's lie half the list further.
  const tasks = valuesByTask([measuredIn(other, one), measuredIn(one, other)]);
  for (let resample = 0; resample < resamples; resample++) {
    const sums = tasks.map(({ rows, cells, values }) => {
      const sum = new Float64Array(cells.length);
      const half = cells.length / 2;
      for (let row = 0; row < rows; row++) {
        const from = row * cells.length;
        const shift = random.integer(2) * half;
        for (let cell = 0; cell < half; cell++) {
          sum[cell]! += values[from + cell + shift]!;
          sum[cell + half]! += values[from + cell + half - shift]!;
        }
      }
      return sum;
    });
    take(resample, quantitiesOfSums(tasks, sums, 2));
  }
}

function valuesByTask(runs: readonly RowMatrix[]): TaskValues[] {
  return (runs[0]?.base ?? []).map((_, task) => {
    const measured = runs.flatMap(({ cells, base }, run) =>
      [base, ...cells].flatMap((row, at) => (row[task] ? [{ run, row: at - 1, values: row[task] }] : [])),
    );
    const rows = measured[0]?.values.length ?? 0;
    const values = new Float64Array(rows * measured.length);
    measured.forEach((cell, at) => {
      if (cell.values.length !== rows) throw new RangeError(`task ${task} has cells over different rows`);
      cell.values.forEach((value, row) => {
        values[row * measured.length + at] = value;
      });
    });
    return { rows, cells: measured, values };
  });
}

function quantitiesOfSums(
  tasks: readonly TaskValues[],
  sums: readonly Float64Array[],
  runs: number,
): Quantities<number | null>[] {
  const empty = () => tasks.map((): number | null => null);
  const matrices = Array.from({ length: runs }, () => ({ base: empty(), cells: tasks.map(empty) }));
  tasks.forEach(({ rows, cells }, task) => {
    cells.forEach(({ run, row }, at) => {
      const { base, cells: matrix } = matrices[run]!;
      (row < 0 ? base : matrix[row]!)[task] = sums[task]![at]! / rows;
    });
  });
  return matrices.map(({ base, cells }) => quantitiesOf(cells, base));
}

/** `matrix` without what was not measured in `mask`. */
function measuredIn(mask: RowMatrix, matrix: RowMatrix): RowMatrix {
  const masked = (rows: readonly Rows[], by: readonly Rows[]) => rows.map((cell, at) => by[at] && cell);
  return {
    base: masked(matrix.base, mask.base) as Rows[],
    cells: matrix.cells.map((row, at) => masked(row, mask.cells[at]!) as Rows[]),
  };
}
