/**
 * Step 2 of consolidation: what a stage changed is cut down to its strongest directions, so that the
 * noise of training is not remembered. [LifeAlign, arXiv:2509.17183, short-to-long memory consolidation]
 */
import { addScaled, leftSingularVectors, type Matrix, rowsOf, transpose } from './matrix.ts';

export interface Denoised {
  /** U_k S_k V_kᵀ, of the same shape. */
  readonly matrix: Matrix;
  /** k; 0 for a matrix of zeros. */
  readonly keptRank: number;
  /** All of them, largest first. */
  readonly singularValues: Float64Array;
}

/** Energies that differ by less than their rounding are equal: a threshold met exactly counts as met. */
const ENERGY_ROUNDING = 1e-13;

/**
 * Keeps the smallest k with Σ_{i≤k} s_i² ≥ threshold · Σ s_i².
 *
 * With M = U S Vᵀ the kept part is U_k U_kᵀ M, so only the small side's singular vectors are needed,
 * and those are the eigenvectors of a rank × rank Gram matrix. Squaring costs half of the digits of
 * small singular values, but the threshold is about squares as well: the last direction kept has
 * s_k² > (1 − threshold) / r of the energy, far above that noise, and what is mistaken beneath it has
 * less than 1e-6 of the matrix's norm. When every direction is kept nothing is multiplied at all, and
 * the matrix comes back bit for bit.
 *
 * @param threshold in (0, 1]
 */
export function denoise(shortTerm: Matrix, threshold: number): Denoised {
  const wide = shortTerm.rows <= shortTerm.columns ? shortTerm : transpose(shortTerm);
  const { vectors, values } = leftSingularVectors(wide);
  const energies = values.map((value) => value * value);
  const total = energies.reduce((sum, energy) => sum + energy, 0);
  if (total === 0) return { matrix: shortTerm, keptRank: 0, singularValues: values };

  const keptRank = directionsKept(energies, threshold);
  const lossless = threshold === 1 || keptRank === energies.length;
  const reduced = lossless ? wide : projectRows(wide, vectors.slice(0, keptRank));
  return {
    matrix: wide === shortTerm ? reduced : lossless ? shortTerm : transpose(reduced),
    keptRank,
    singularValues: values,
  };
}

/** The smallest k with Σ_{i≤k} energy_i ≥ threshold · Σ energy_i, energies given largest first; 0 where there is none. */
export function directionsKept(energies: Float64Array, threshold: number): number {
  const total = energies.reduce((sum, energy) => sum + energy, 0);
  let keptRank = 0;
  let kept = 0;
  while (keptRank < energies.length && kept < (threshold - ENERGY_ROUNDING) * total) {
    kept += energies[keptRank] as number;
    keptRank++;
  }
  return keptRank;
}

/** U_k (U_kᵀ M), with the columns of U_k given as `vectors`. */
function projectRows(matrix: Matrix, vectors: readonly Float64Array[]): Matrix {
  const source = rowsOf(matrix);
  const result: Matrix = { ...matrix, data: new Float64Array(matrix.data.length) };
  const target = rowsOf(result);
  const coefficient = new Float64Array(matrix.columns);
  for (const vector of vectors) {
    coefficient.fill(0);
    for (const [i, row] of source.entries()) addScaled(coefficient, vector[i] as number, row);
    for (const [i, row] of target.entries()) addScaled(row, vector[i] as number, coefficient);
  }
  return result;
}
