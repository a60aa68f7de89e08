/**
 * Matrices kept as sums of outer products, Σ leftᵢ rightᵢᵀ: the product B·A of a LoRA module has a few million
 * entries and rank 8, and so has every change of it. Nothing here is ever as large as the matrix itself.
 */
import { Matrix as MlMatrix, SingularValueDecomposition } from 'ml-matrix';
import { addScaled, dot, norm, symmetricEigen } from './matrix.ts';

export type Vectors = readonly Float64Array[];

/** Σ leftᵢ rightᵢᵀ, all lefts of one length and all rights of one. */
export interface LowRank {
  readonly left: Vectors;
  readonly right: Vectors;
}

export interface Span {
  /** Orthonormal, at most as many as there were vectors. */
  readonly basis: Vectors;
  /** Of each vector given, in the basis. */
  readonly coordinates: Vectors;
}

/** A vector that leaves no more than this share of itself outside the others' span is in it, but for rounding. */
const ROUNDING = 1e-14;

/**
 * Modified Gram–Schmidt, run twice: once is not enough for a vector close to the span, twice always is. Dependent
 * vectors add nothing to the basis. [Giraud, Langou, Rozložník 2005, doi:10.1007/s00211-005-0615-4]
 */
export function orthonormalise(vectors: Vectors): Span {
  const basis: Float64Array[] = [];
  const coordinates = vectors.map((vector) => {
    const residual = Float64Array.from(vector);
    const own = new Float64Array(vectors.length);
    for (let pass = 0; pass < 2; pass++) {
      for (const [at, direction] of basis.entries()) {
        const share = dot(direction, residual);
        own[at]! += share;
        addScaled(residual, -share, direction);
      }
    }
    const remaining = norm(residual);
    if (remaining > ROUNDING * norm(vector)) {
      own[basis.length] = remaining;
      basis.push(residual.map((value) => value / remaining));
    }
    return own;
  });
  return { basis, coordinates: coordinates.map((own) => own.slice(0, basis.length)) };
}

/**
 * Σ weightᵢ vectorᵢ, of the given length. Four vectors are taken along at once, which leaves the order of every sum as
 * it is.
 */
export function combine(weights: Float64Array, vectors: Vectors, length: number): Float64Array {
  const sum = new Float64Array(length);
  const weighed = vectors.flatMap((vector, at) =>
    weights[at] === 0 ? [] : [{ vector, weight: weights[at]! }],
  );
  let at = 0;
  for (; at + 4 <= weighed.length; at += 4) addFour(sum, weighed.slice(at, at + 4));
  for (const { vector, weight } of weighed.slice(at)) addScaled(sum, weight, vector);
  return sum;
}

function addFour(sum: Float64Array, weighed: readonly { vector: Float64Array; weight: number }[]): void {
  const [one, two, three, four] = weighed.map(({ vector }) => vector) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const [w1, w2, w3, w4] = weighed.map(({ weight }) => weight) as [number, number, number, number];
  const length = sum.length;
  for (let i = 0; i < length; i++) {
    sum[i] = sum[i]! + w1 * one[i]! + w2 * two[i]! + w3 * three[i]! + w4 * four[i]!;
  }
}

/**
 * Inner products of every vector of one list with every one of the other, a row for each of the first. Four of the
 * first are taken along at once, so that a long second list passes through the processor's cache a few times only;
 * what else is in the lists changes no sum's order.
 */
export function innerProducts(ones: Vectors, others: Vectors): Float64Array[] {
  const products = ones.map(() => new Float64Array(others.length));
  for (let at = 0; at < ones.length; at += 4) {
    const four = [0, 1, 2, 3].map((next) => ones[Math.min(at + next, ones.length - 1)]!);
    for (const [column, other] of others.entries()) {
      fourDots(four, other);
      for (let next = 0; next < 4 && at + next < ones.length; next++) {
        products[at + next]![column] = sums[next]!;
      }
    }
  }
  return products;
}

const sums = new Float64Array(4);

/** Into `sums`: loops over typed arrays that are not locals, or a result of its own, would cost as much again. */
function fourDots([a, b, c, d]: Vectors, other: Float64Array): void {
  const [one, two, three, four] = [a!, b!, c!, d!];
  const length = other.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < length; i++) {
    const value = other[i]!;
    s0 += one[i]! * value;
    s1 += two[i]! * value;
    s2 += three[i]! * value;
    s3 += four[i]! * value;
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

/** Σ leftᵢ rightᵢᵀ written out, for short vectors: a row for each of the left ones' numbers. */
export function outerSum({ left, right }: LowRank, rows: number, columns: number): Float64Array[] {
  const sum = Array.from({ length: rows }, () => new Float64Array(columns));
  for (const [at, one] of left.entries()) {
    for (const [row, value] of one.entries()) addScaled(sum[row]!, value, right[at]!);
  }
  return sum;
}

export interface SmallSvd {
  /** Left and right singular vectors, each as a vector. */
  readonly left: Vectors;
  readonly right: Vectors;
  /** Largest first. */
  readonly values: Float64Array;
}

/** Of a small dense matrix, given by its rows; empty where it has none, or no columns. */
export function smallSvd(rows: Vectors): SmallSvd {
  const columns = rows[0]?.length ?? 0;
  if (columns === 0) return { left: [], right: [], values: new Float64Array(0) };
  const matrix = new MlMatrix(rows.map((row) => Array.from(row)));
  const svd = new SingularValueDecomposition(matrix, { autoTranspose: true });
  const values = Float64Array.from(svd.diagonal);
  const column = (of: MlMatrix) => (_: number, at: number) => Float64Array.from(of.getColumn(at));
  return {
    left: Array.from(values, column(svd.leftSingularVectors)),
    right: Array.from(values, column(svd.rightSingularVectors)),
    values,
  };
}

/** Eigenvectors and eigenvalues of a small symmetric matrix given by its rows, largest first. */
export function smallEigen(rows: Vectors): { readonly vectors: Vectors; readonly values: Float64Array } {
  return symmetricEigen(new MlMatrix(rows.map((row) => Array.from(row))));
}
