/**
 * Step 3 of consolidation: the directions that earlier stages have used, per LoRA matrix. Refined
 * memories come in one a stage; an orthonormal basis of their span grows with them.
 */
import { addScaled, dot, norm } from './matrix.ts';

/** A row that leaves at most this share of its norm outside the span of the rows before spans nothing. */
const DEPENDENT = 1e-6;

export class MatrixHistory {
  /** Orthonormal; a new vector never changes the earlier ones. */
  readonly #basis: Float64Array[] = [];
  #rows = 0;

  /** Rows appended so far, those that span nothing included. */
  get rows(): number {
    return this.#rows;
  }

  /** The dimension of the rows' span. */
  get rank(): number {
    return this.#basis.length;
  }

  /**
   * Adds a flattened refined memory. Rows of zeros and linear combinations of earlier rows leave the
   * span as it is: what rounding leaves of them points nowhere in particular.
   *
   * Modified Gram–Schmidt, run twice: once is not enough for a row close to the span, twice always is.
   * [Giraud, Langou, Rozložník 2005, doi:10.1007/s00211-005-0615-4]
   */
  append(row: Float32Array): void {
    this.#rows++;
    const residual = Float64Array.from(row);
    const length = norm(residual);
    for (let pass = 0; pass < 2; pass++) {
      for (const direction of this.#basis) addScaled(residual, -dot(direction, residual), direction);
    }
    const remaining = norm(residual);
    if (remaining <= DEPENDENT * length) return;
    this.#basis.push(residual.map((value) => value / remaining));
  }

  /** Splits a vector: `parallel` within the span of the rows, `perpendicular` to all of them. */
  project(vector: Float64Array): { parallel: Float64Array; perpendicular: Float64Array } {
    const parallel = new Float64Array(vector.length);
    for (const direction of this.#basis) addScaled(parallel, dot(direction, vector), direction);
    return { parallel, perpendicular: vector.map((value, i) => value - (parallel[i] as number)) };
  }
}
