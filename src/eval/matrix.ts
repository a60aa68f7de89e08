/**
 * The result matrix of a task stream and the three numbers made of it. [arXiv:2509.17183, section 4.1]
 *
 * `matrix[i][j]` is the score on task j's test rows after training on task i, both counted from 0; `null`
 * where it was not measured (tasks still to come, unless a run evaluates all).
 */
export type ResultMatrix = readonly (readonly (number | null)[])[];

export interface MatrixSummary {
  readonly matrix: ResultMatrix;
  /** (1/N) Σᵢ m[N][i]: the mean over all tasks after the last. */
  readonly last: number | null;
  /** 1/(N−1) Σ_{i<N} (m[N][i] − m[i][i]): what later tasks did to earlier ones; `null` for one task. */
  readonly bwt: number | null;
  /** (1/N) Σₖ (1/k) Σ_{i≤k} m[k][i]: the mean over tasks seen so far, averaged over the stream. */
  readonly ap: number | null;
}

/**
 * Last, backward transfer and average performance, in the matrix's unit and unrounded. A number that
 * needs a cell that was not measured is `null`, so a stream that is still under way has no Last yet.
 * The matrix has one row per task; entries above the diagonal are not read.
 */
export function summariseMatrix(matrix: ResultMatrix): MatrixSummary {
  const tasks = matrix.length;
  const cell = (i: number, j: number): number => matrix[i]?.[j] ?? Number.NaN;
  const indices = (count: number) => Array.from({ length: Math.max(0, count) }, (_, index) => index);

  const last = mean(indices(tasks).map((task) => cell(tasks - 1, task)));
  const bwt = mean(indices(tasks - 1).map((task) => cell(tasks - 1, task) - cell(task, task)));
  const ap = mean(indices(tasks).map((row) => mean(indices(row + 1).map((task) => cell(row, task)))));
  return { matrix, last: measured(last), bwt: measured(bwt), ap: measured(ap) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function measured(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
