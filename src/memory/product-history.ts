/**
 * The refined memories of earlier stages for one LoRA module, each a product B·A of the module's rank: the directions
 * that the module's update has used, as matrices. Inner products of two such matrices are traces of small ones,
 * ⟨B₁A₁, B₂A₂⟩ = Σ (B₁ᵀB₂) ∘ (A₁A₂ᵀ), so no matrix is ever written out.
 */
import type { LoraTensor } from '../model/adapter.ts';
import { innerProducts, type LowRank, type Vectors } from './low-rank.ts';
import { rowsOf, transpose } from './matrix.ts';

/** As for a history of single matrices: see history.ts. Here it is compared with a root of a difference of squares. */
const DEPENDENT = 1e-6;

export interface ProductProjection {
  /** By which each earlier memory enters the part along them all; 0 for one that spans nothing. */
  readonly coefficients: Float64Array;
  /** Of that part. */
  readonly energy: number;
}

export class ProductHistory {
  readonly #memories: { readonly b: LoraTensor; readonly a: LoraTensor }[] = [];
  /** Row i has the inner products of term i with all terms of its memory and those before it. */
  readonly #leftGram: Float64Array[] = [];
  readonly #rightGram: Float64Array[] = [];
  /** Of the memories that span something: which, their norms, and the Cholesky factor of their normalised Gram matrix. */
  readonly #independent: { readonly at: number; readonly norm: number; readonly factor: Float64Array }[] = [];
  #known = 0;

  /** Memories appended so far, those that span nothing included. */
  get rows(): number {
    return this.#memories.length;
  }

  /** The dimension of their span. */
  get rank(): number {
    if (this.#known < this.rows) this.#catchUp(this.factors());
    return this.#independent.length;
  }

  /** @param b [out features, rank] @param a [rank, in features] */
  append(b: LoraTensor, a: LoraTensor): void {
    this.#memories.push({ b, a });
  }

  /** All memories' terms, one memory after another: columns of B and rows of A in float64. */
  factors(): LowRank {
    return {
      left: this.#memories.flatMap(({ b }) => columns(b)),
      right: this.#memories.flatMap(({ a }) => rows(a)),
    };
  }

  /**
   * The part of a sum of outer products along the memories.
   * @param factors this history's
   * @param left inner products of the sum's left vectors with the memories', a row for each term; `right` likewise
   */
  project(factors: LowRank, left: Vectors, right: Vectors): ProductProjection {
    this.#catchUp(factors);
    const overlaps = this.#memories.map((_, memory) => this.#overlap(memory, left, right));
    const solved: number[] = [];
    for (const { at, norm, factor } of this.#independent) {
      const rest = overlaps[at]! / norm - sumOver(solved, (value, place) => value * factor[place]!);
      solved.push(rest / factor[solved.length]!);
    }
    const energy = sumOver(solved, (value) => value * value);
    const coefficients = new Float64Array(this.rows);
    const scaled: number[] = [];
    for (let place = solved.length - 1; place >= 0; place--) {
      let rest = solved[place]!;
      for (let later = place + 1; later < solved.length; later++) {
        rest -= this.#independent[later]!.factor[place]! * scaled[later]!;
      }
      const { at, norm, factor } = this.#independent[place]!;
      scaled[place] = rest / factor[place]!;
      coefficients[at] = scaled[place]! / norm;
    }
    return { coefficients, energy };
  }

  /** Terms of each memory: all have the module's rank. */
  get terms(): number {
    return this.#memories[0]?.a.shape[0] ?? 0;
  }

  /** The inner products of all terms with each other, both halves. */
  grams(factors: LowRank): { readonly left: Vectors; readonly right: Vectors } {
    this.#catchUp(factors);
    return { left: bothHalves(this.#leftGram), right: bothHalves(this.#rightGram) };
  }

  /** ⟨sum, memory⟩ */
  #overlap(memory: number, left: Vectors, right: Vectors): number {
    const { terms } = this;
    let sum = 0;
    for (const [term, lefts] of left.entries()) {
      for (let at = memory * terms; at < (memory + 1) * terms; at++) sum += lefts[at]! * right[term]![at]!;
    }
    return sum;
  }

  /** Takes up memories appended since the last time: in one go or one by one, the numbers are the same. */
  #catchUp({ left, right }: LowRank): void {
    const { terms } = this;
    for (; this.#known < this.rows; this.#known++) {
      const [first, end] = [this.#known * terms, (this.#known + 1) * terms];
      this.#leftGram.push(...innerProducts(left.slice(first, end), left.slice(0, end)));
      this.#rightGram.push(...innerProducts(right.slice(first, end), right.slice(0, end)));
      this.#take(this.#known);
    }
  }

  /** One more row of the Cholesky factor, unless the memory is in the span of those before it. */
  #take(memory: number): void {
    const norm = Math.sqrt(Math.max(0, this.#product(memory, memory)));
    if (norm === 0) return;
    const row: number[] = [];
    for (const { at, norm: other, factor } of this.#independent) {
      const rest =
        this.#product(memory, at) / norm / other - sumOver(row, (value, place) => value * factor[place]!);
      row.push(rest / factor[row.length]!);
    }
    const remaining = Math.sqrt(Math.max(0, 1 - sumOver(row, (value) => value * value)));
    if (remaining <= DEPENDENT) return;
    this.#independent.push({ at: memory, norm, factor: Float64Array.of(...row, remaining) });
  }

  /** ⟨later, earlier⟩ */
  #product(later: number, earlier: number): number {
    const { terms } = this;
    let sum = 0;
    for (let i = later * terms; i < (later + 1) * terms; i++) {
      for (let j = earlier * terms; j < (earlier + 1) * terms; j++) {
        const [row, column] = i >= j ? [i, j] : [j, i];
        sum += this.#leftGram[row]![column]! * this.#rightGram[row]![column]!;
      }
    }
    return sum;
  }
}

/** In float64. */
export function rows({ shape, data }: LoraTensor): Float64Array[] {
  return rowsOf({ rows: shape[0], columns: shape[1], data: Float64Array.from(data) });
}

/** In float64. */
export function columns({ shape, data }: LoraTensor): Float64Array[] {
  return rowsOf(transpose({ rows: shape[0], columns: shape[1], data: Float64Array.from(data) }));
}

function sumOver(values: readonly number[], term: (value: number, at: number) => number): number {
  return values.reduce((sum, value, at) => sum + term(value, at), 0);
}

function bothHalves(lower: Vectors): Float64Array[] {
  const size = lower.length;
  return Array.from(lower, (row, i) => {
    const whole = new Float64Array(size);
    whole.set(row);
    for (let j = row.length; j < size; j++) whole[j] = lower[j]![i]!;
    return whole;
  });
}
