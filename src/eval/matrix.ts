/**
 * The result matrix of a task stream and the numbers made of it.
 *
 * `matrix[i][j]` is the score on task j's test rows after training on task i, both counted from 0; `null`
 * where it was not measured (tasks still to come, unless a run evaluates all). The base row is the score on
 * each task before any training.
 *
 * Last and AP are the paper's [arXiv:2509.17183, section 4.1]. BWT and FWT are GEM's [Lopez-Paz & Ranzato 2017,
 * arXiv:1706.08840, section 2], with the base in place of a randomly initialised model. Forgetting is that of
 * Chaudhry et al. 2018 [arXiv:1801.10112, section 4].
 */
export type ResultMatrix = readonly (readonly (number | null)[])[];

/** Before training, per task; `null` where it was not measured or means nothing. */
export type BaseRow = readonly (number | null)[];

export interface MatrixSummary {
  readonly matrix: ResultMatrix;
  /** (1/N) Σᵢ m[N][i]: the mean over all tasks after the last. */
  readonly last: number | null;
  /** 1/(N−1) Σ_{i<N} (m[N][i] − m[i][i]): what later tasks did to earlier ones; `null` for one task. */
  readonly bwt: number | null;
  /** (1/N) Σₖ (1/k) Σ_{i≤k} m[k][i]: the mean over tasks seen so far, averaged over the stream. */
  readonly ap: number | null;
}

export interface TransferSummary {
  /**
   * 1/(N−1) Σ_{1<i≤N} (m[i−1][i] − base[i]): what earlier tasks did for a task before it was trained on; `null`
   * for one task, and for runs that measured only tasks seen.
   */
  readonly fwt: number | null;
  /**
   * 1/(N−1) Σ_{i<N} (max_{i≤k<N} m[k][i] − m[N][i]): how far tasks fell from their best; `null` for one task.
   * Scores from before a task was trained on are not read (the source's maximum takes them in), so a run gives
   * the same number whether it measured all tasks or those seen.
   */
  readonly forgetting: number | null;
}

/**
 * Last, backward transfer and average performance, in the matrix's unit and unrounded. A number that
 * needs a cell that was not measured is `null`, so a stream that is still under way has no Last yet.
 * The matrix has one row per task; entries above the diagonal are not read.
 */
export function summariseMatrix(matrix: ResultMatrix): MatrixSummary {
  const tasks = matrix.length;
  const cell = cellsOf(matrix);
  const last = mean(indices(tasks).map((task) => cell(tasks - 1, task)));
  const bwt = mean(indices(tasks - 1).map((task) => cell(tasks - 1, task) - cell(task, task)));
  const ap = mean(indices(tasks).map((row) => mean(indices(row + 1).map((task) => cell(row, task)))));
  return { matrix, last: measured(last), bwt: measured(bwt), ap: measured(ap) };
}

/** Forward transfer and forgetting, under the same rules; of the cells above the diagonal the first is read. */
export function summariseTransfer(matrix: ResultMatrix, base: BaseRow): TransferSummary {
  const tasks = matrix.length;
  const cell = cellsOf(matrix);
  const gains = indices(tasks - 1).map((task) => cell(task, task + 1) - (base[task + 1] ?? Number.NaN));
  const falls = indices(tasks - 1).map((task) => {
    const earlier = indices(tasks - 1 - task).map((later) => cell(task + later, task));
    return Math.max(...earlier) - cell(tasks - 1, task);
  });
  return { fwt: measured(mean(gains)), forgetting: measured(mean(falls)) };
}

/** What is missing is NaN, which every sum and maximum that reads it hands on. */
function cellsOf(matrix: ResultMatrix): (row: number, task: number) => number {
  return (row, task) => matrix[row]?.[task] ?? Number.NaN;
}

function indices(count: number): number[] {
  return Array.from({ length: Math.max(0, count) }, (_, index) => index);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function measured(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
