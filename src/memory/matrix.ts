/**
 * The little linear algebra that consolidation needs, in float64: adapters are float32, everything
 * between two adapters is not. Sums run in a fixed order, so results are the same bits everywhere.
 */
import { EigenvalueDecomposition, Matrix as MlMatrix } from 'ml-matrix';

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Row-major. */
  readonly data: Float64Array;
}

/** The inner product of two vectors of one length. */
export function dot(a: Float64Array, b: Float64Array): number {
  // Four sums at once: a single one would wait for each addition before starting the next.
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (const end = a.length - 3; i < end; i += 4) {
    s0 += (a[i] as number) * (b[i] as number);
    s1 += (a[i + 1] as number) * (b[i + 1] as number);
    s2 += (a[i + 2] as number) * (b[i + 2] as number);
    s3 += (a[i + 3] as number) * (b[i + 3] as number);
  }
  for (; i < a.length; i++) s0 += (a[i] as number) * (b[i] as number);
  return s0 + s1 + (s2 + s3);
}

/** target += factor · source */
export function addScaled(target: Float64Array, factor: number, source: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) + factor * (source[i] as number);
}

export function norm(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector));
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const result = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j] as number;
  }
  return { rows: columns, columns: rows, data: result };
}

export function rowsOf({ rows, columns, data }: Matrix): Float64Array[] {
  return Array.from({ length: rows }, (_, i) => data.subarray(i * columns, (i + 1) * columns));
}

/**
 * Left singular vectors (as rows) and singular values of a wide matrix, largest first, from the
 * eigenvectors of its small Gram matrix M Mᵀ. Singular values below about 1e-8 of the largest come
 * out as noise of that size; see `denoise` for why that is accurate enough.
 */
export function leftSingularVectors(matrix: Matrix): { vectors: Float64Array[]; values: Float64Array } {
  const rows = rowsOf(matrix);
  const scale = norm(matrix.data);
  const gram = MlMatrix.zeros(matrix.rows, matrix.rows);
  for (const [i, a] of rows.entries()) {
    for (const [j, b] of rows.slice(0, i + 1).entries()) {
      // Dividing by the scale twice keeps the entries near 1 for matrices of any size.
      const value = scale === 0 ? 0 : dot(a, b) / scale / scale;
      gram.set(i, j, value).set(j, i, value);
    }
  }
  const { vectors, values } = symmetricEigen(gram);
  return { vectors, values: values.map((value) => scale * Math.sqrt(Math.max(0, value))) };
}

/** Eigenvectors and eigenvalues of a small symmetric matrix, largest first. */
export function symmetricEigen(matrix: MlMatrix): { vectors: Float64Array[]; values: Float64Array } {
  const eigen = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = eigen.realEigenvalues.map((_, i) => i).reverse(); // ascending as they come
  return {
    vectors: order.map((column) => Float64Array.from(eigen.eigenvectorMatrix.getColumn(column))),
    values: Float64Array.from(order, (i) => eigen.realEigenvalues[i] as number),
  };
}
