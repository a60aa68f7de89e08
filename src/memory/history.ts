/**
 * Step 3 of consolidation: the directions that earlier stages have used, per LoRA matrix. Refined memories come in one
 * a stage. Their span is kept as vectors V of it and the Cholesky factor of these vectors' inner products, V Vᵀ = L Lᵀ,
 * so that the part of f along them, Vᵀ (V Vᵀ)⁻¹ V f, takes products of the rows with f alone, and one more row takes
 * one product with each of those before it.
 *
 * Squared lengths cost half of the digits for rows that nearly lie in a span, and a chain of rows, each near those before,
 * costs more with every row. A row by which the factor's inverse would grow too far is therefore kept as what it brings
 * of its own, orthogonal to the rest, as modified Gram–Schmidt would keep every row at many times the cost.
 */
import { combine, innerProducts, type Vectors } from './low-rank.ts';
import { dot, norm } from './matrix.ts';

/** A row that leaves at most this share of its norm outside the span of the rows before spans nothing. */
const DEPENDENT = 1e-6;
/** One that leaves at least this share of it may be kept as it is, */
const APART = 0.25;
/**
 * if the squares of what the vectors would enter its part within the span by, times their own, sum to at most so many of
 * its own square: a row of L⁻¹, for vectors of length 1, then has at most 65 / APART² as the sum of its squares.
 */
const GROWTH = 64;
/** Rows that are taken up together, so that those before pass through the processor's cache once for all of them. */
const TOGETHER = 4;

export class MatrixHistory {
  readonly #vectors: Float64Array[] = [];
  /** L: row i has i + 1 numbers. */
  readonly #factor: Float64Array[] = [];
  /** Squares of the vectors' lengths. */
  readonly #energies: number[] = [];
  /** Appended, and not in the span yet. */
  #waiting: Float32Array[] = [];
  #rows = 0;

  /** Rows appended so far, those that span nothing included. */
  get rows(): number {
    return this.#rows;
  }

  /** The dimension of the rows' span. */
  get rank(): number {
    this.#catchUp();
    return this.#vectors.length;
  }

  /**
   * Adds a flattened refined memory, which must not change afterwards. Rows of zeros and linear combinations of
   * earlier rows leave the span as it is: what rounding leaves of them points nowhere in particular.
   */
  append(row: Float32Array): void {
    this.#rows++;
    this.#waiting.push(row);
  }

  /** Splits a vector: `parallel` within the span of the rows, `perpendicular` to all of them. */
  project(vector: Float64Array): { parallel: Float64Array; perpendicular: Float64Array } {
    this.#catchUp();
    const parallel = this.#sum(this.#coefficients(vector), vector.length);
    return { parallel, perpendicular: difference(vector, parallel) };
  }

  /** In one go or one by one, the numbers are the same. */
  #catchUp(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += TOGETHER) {
      const rows = waiting.slice(at, at + TOGETHER).map((row) => new Float64Array(row));
      const known = this.#vectors.length;
      const products = innerProducts(this.#vectors, rows);
      for (const [place, row] of rows.entries()) {
        const later = productsWith(row, this.#vectors.slice(known));
        this.#take(row, Float64Array.of(...products.map((ofVector) => ofVector[place]!), ...later));
      }
    }
  }

  /** @param products of the row with the vectors there are */
  #take(row: Float64Array, products: Float64Array): void {
    const energy = dot(row, row);
    if (energy === 0) return;
    const within = this.#solveLower(products);
    const grown = this.#solveUpper(within).reduce((sum, c, at) => sum + c * c * this.#energies[at]!, 0);
    const length = Math.sqrt(energy);
    const apart = Math.sqrt(Math.max(0, energy - dot(within, within)));
    if (apart >= APART * length && grown <= GROWTH * energy) {
      this.#keep(row, within, apart);
      return;
    }
    let residual = row;
    for (let pass = 0; pass < 2; pass++) {
      residual = difference(residual, this.#sum(this.#coefficients(residual), row.length));
    }
    const remaining = norm(residual);
    if (remaining <= DEPENDENT * length) return;
    const direction = residual.map((value) => value / remaining);
    const along = this.#solveLower(productsWith(direction, this.#vectors));
    this.#keep(direction, along, Math.sqrt(dot(direction, direction) - dot(along, along)));
  }

  #keep(vector: Float64Array, within: Float64Array, apart: number): void {
    this.#vectors.push(vector);
    this.#energies.push(dot(vector, vector));
    this.#factor.push(Float64Array.of(...within, apart));
  }

  /** (V Vᵀ)⁻¹ V f: what each vector enters the part of f along them by. */
  #coefficients(vector: Float64Array): Float64Array {
    return this.#solveUpper(this.#solveLower(productsWith(vector, this.#vectors)));
  }

  #sum(coefficients: Float64Array, length: number): Float64Array {
    return combine(coefficients, this.#vectors, length);
  }

  /** x of L x = right */
  #solveLower(right: Float64Array): Float64Array {
    const solved = Float64Array.from(right);
    for (const [i, row] of this.#factor.entries()) {
      let rest = solved[i]!;
      for (let j = 0; j < i; j++) rest -= row[j]! * solved[j]!;
      solved[i] = rest / row[i]!;
    }
    return solved;
  }

  /** x of Lᵀ x = right */
  #solveUpper(right: Float64Array): Float64Array {
    const solved = Float64Array.from(right);
    for (let i = solved.length - 1; i >= 0; i--) {
      const row = this.#factor[i]!;
      solved[i]! /= row[i]!;
      for (let j = 0; j < i; j++) solved[j]! -= row[j]! * solved[i]!;
    }
    return solved;
  }
}

function productsWith(one: Float64Array, vectors: Vectors): Float64Array {
  return Float64Array.from(innerProducts(vectors, [one]), ([product]) => product!);
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value - b[i]!);
}
