/**
 * The best approximation of a given rank to a sum of many outer products, without writing the sum out and without
 * orthonormal bases of hundreds of long vectors: all that is computed with are the inner products of the terms'
 * vectors, on both sides.
 */
import { combine, innerProducts, smallEigen, type Vectors } from './low-rank.ts';
import { addScaled, dot } from './matrix.ts';

/**
 * W = F M Gᵀ. F and G have long columns of which only inner products are here, the first ones orthonormal. M is a
 * small dense block in the upper left, which takes those first columns, and a diagonal below.
 */
export interface GramSum {
  /** Inner products of F's columns, and of G's: rows of symmetric matrices. */
  readonly leftGram: Vectors;
  readonly rightGram: Vectors;
  /** By rows; as many as there are columns of F in the block. */
  readonly block: Vectors;
  readonly diagonal: Float64Array;
}

/** Σ over i of (F leftᵢ)(G rightᵢ)ᵀ, the two vectors of each term of equal length and terms orthogonal to each other. */
export interface LeadingPart {
  readonly left: Vectors;
  readonly right: Vectors;
  /** Largest first; none that is only rounding. */
  readonly singularValues: readonly number[];
  /** Sum of squares of W's entries, and of what the terms leave of it. */
  readonly energy: number;
  readonly lost: number;
}

/** Singular values below this share of what is summed are less than its float32 numbers, and squares, can show. */
const FLOAT32 = 1e-7;

/** Subspace iteration goes on until no wanted squared singular value moves by more than this share of the largest. */
const SETTLED = 1e-12;
const MOST_ROUNDS = 200;

/**
 * Subspace iteration on W Wᵀ with Rayleigh–Ritz, in coordinates of F [Saad 2011, "Numerical Methods for Large
 * Eigenvalue Problems", algorithm 5.3]. It begins with the block's columns, where nearly all of W lies, and carries
 * more vectors than asked for. Where F has no more columns than that, one round is exact.
 */
export function leadingPart(sum: GramSum, rank: number): LeadingPart {
  const { leftGram, rightGram } = sum;
  const size = leftGram.length;
  const width = Math.min(size, Math.max(2 * rank, rank + 8, sum.block.length));
  let start: Vectors = Array.from({ length: width }, (_, at) => {
    const unit = new Float64Array(size);
    unit[at] = 1;
    return unit;
  });
  const least = FLOAT32 ** 2 * termsEnergy(sum);
  let before: readonly number[] = [];
  for (let round = 1; ; round++) {
    const { vectors, products } = orthonormal(start, leftGram);
    if (vectors.length === 0) return { left: [], right: [], singularValues: [], energy: 0, lost: 0 };
    const across = products.map((product) => timesTransposed(sum, product));
    const carried = innerProducts(across, rightGram); // the Gram matrix is symmetric: its rows are its columns
    const { vectors: rotations, values } = smallEigen(innerProducts(across, carried));
    const largest = Math.max(0, values[0] ?? 0);
    const kept = Array.from(values.slice(0, rank)).filter((value) => value > least);
    const isSettled =
      kept.length === before.length &&
      kept.every((value, at) => Math.abs(value - before[at]!) <= SETTLED * largest);
    if (width === size || isSettled || round === MOST_ROUNDS) {
      const rotated = (of: Vectors, length: number) =>
        kept.map((_, at) => combine(rotations[at]!, of, length));
      const singularValues = kept.map(Math.sqrt);
      const scaled = (of: Vectors, power: number) =>
        of.map((vector, at) => vector.map((value) => value * singularValues[at]! ** power));
      // A sum of squares that is smaller than the rounding of its terms is none.
      const orNone = (squares: number) => (squares > least ? squares : 0);
      const energy = orNone(energyOf(sum));
      return {
        left: scaled(rotated(vectors, size), 0.5),
        right: scaled(rotated(across, rightGram.length), -0.5),
        singularValues,
        energy,
        lost: orNone(energy - kept.reduce((total, value) => total + value, 0)),
      };
    }
    before = kept;
    start = carried.map((vector) => timesMiddle(sum, vector));
  }
}

/** Sums of squares of the block and of each term below it: what W may be a small difference of. */
function termsEnergy({ block, diagonal, leftGram, rightGram }: GramSum): number {
  let energy = block.reduce((total, row) => total + dot(row, row), 0);
  const inner = rightGram.length - diagonal.length;
  for (const [at, value] of diagonal.entries()) {
    const [left, right] = [block.length + at, inner + at];
    energy += value ** 2 * leftGram[left]![left]! * rightGram[right]![right]!;
  }
  return energy;
}

/** ‖W‖² = Σ over entries of (Mᵀ FᵀF M) ∘ GᵀG. */
function energyOf(sum: GramSum): number {
  const columns = sum.leftGram.map((row) => timesTransposed(sum, row)); // FᵀF M, by rows
  const { block, diagonal, rightGram } = sum;
  const blockRows = block.length;
  const blockColumns = rightGram.length - diagonal.length;
  let energy = 0;
  for (const [at, gram] of rightGram.entries()) {
    // Row `at` of Mᵀ picks rows of FᵀF M.
    if (at >= blockColumns) {
      const row = at - blockColumns;
      energy += diagonal[row]! * dot(columns[blockRows + row]!, gram);
      continue;
    }
    for (const [row, values] of block.entries()) energy += values[at]! * dot(columns[row]!, gram);
  }
  return energy;
}

/** Orthonormal in the inner product that the Gram matrix gives, with their products by it; dependent ones are left out. */
function orthonormal(start: Vectors, gram: Vectors): { vectors: Vectors; products: Vectors } {
  const vectors: Float64Array[] = [];
  const products: Float64Array[] = [];
  const given = innerProducts(start, gram);
  for (const [place, from] of start.entries()) {
    const [vector, product] = [Float64Array.from(from), given[place]!];
    const length = Math.sqrt(Math.max(0, dot(vector, product)));
    for (let pass = 0; pass < 2; pass++) {
      for (const [at, other] of products.entries()) {
        const share = dot(other, vector);
        addScaled(vector, -share, vectors[at]!);
        addScaled(product, -share, other);
      }
    }
    const remaining = Math.sqrt(Math.max(0, dot(vector, product)));
    if (!(remaining > FLOAT32 * length)) continue;
    vectors.push(vector.map((value) => value / remaining));
    products.push(product.map((value) => value / remaining));
  }
  return { vectors, products };
}

/** M v */
function timesMiddle({ block, diagonal }: GramSum, vector: Float64Array): Float64Array {
  const inner = vector.length - diagonal.length;
  const result = new Float64Array(block.length + diagonal.length);
  const head = vector.subarray(0, inner);
  for (const [at, row] of block.entries()) result[at] = dot(row, head);
  for (const [at, value] of diagonal.entries()) result[block.length + at] = value * vector[inner + at]!;
  return result;
}

/** Mᵀ v */
function timesTransposed({ block, diagonal, rightGram }: GramSum, vector: Float64Array): Float64Array {
  const inner = rightGram.length - diagonal.length;
  const result = new Float64Array(rightGram.length);
  result.set(combine(vector, block, inner));
  for (const [at, value] of diagonal.entries()) result[inner + at] = value * vector[block.length + at]!;
  return result;
}
