/**
 * Short-to-Long Memory Consolidation of one LoRA module in product space: on ΔW = B·A, which is what the model sees,
 * where the paper takes A and B each by itself. (B R, R⁻¹ A) is the same ΔW as (B, A) for every invertible R, and
 * here it is consolidated alike; the paper's steps give another ΔW for each R. Otherwise the steps are the paper's
 * (see consolidate.ts), and then the result has to become a product of rank r again:
 *
 *     SM  = B₁A₁ − B₀A₀                    what the stage changed, of rank 2r at most
 *     SM' = SM cut down by its SVD at θ
 *     RSM = SM' − (1 − λ) · part of SM' in the span of earlier stages' RSM, as vectors of all entries of ΔW
 *     LM  = B₁A₁ − (SM − RSM), cut down to rank r by its SVD, as balanced factors B = U √S, A = √S Vᵀ
 *
 * RSM is remembered as its best approximation of rank r, so that the history grows by one adapter a stage. What the
 * two cuts lose is reported. The scale alpha / r is one number for all stages of a module, and left aside.
 */
import type { LoraTensor } from '../model/adapter.ts';
import type { ConsolidationSettings, MatrixReport } from './consolidate.ts';
import { directionsKept } from './denoise.ts';
import { type GramSum, type LeadingPart, leadingPart } from './leading-part.ts';
import {
  combine,
  innerProducts,
  type LowRank,
  orthonormalise,
  outerSum,
  type SmallSvd,
  type Span,
  smallSvd,
  type Vectors,
} from './low-rank.ts';
import { addScaled, dot, leftSingularVectors } from './matrix.ts';
import { columns, type ProductHistory, rows } from './product-history.ts';

/** B: [out features, rank]; A: [rank, in features]. */
export interface ModuleFactors {
  readonly b: LoraTensor;
  readonly a: LoraTensor;
}

export interface ModuleConsolidation {
  /** What the adapter takes; as training left it, to the last bit, where nothing was taken from it. */
  readonly longTerm: ModuleFactors;
  /** What to append to the module's history. */
  readonly refined: ModuleFactors;
  readonly report: MatrixReport;
}

/** @param history of the same module; it is left as it is */
export function consolidateModule(
  before: ModuleFactors,
  after: ModuleFactors,
  history: ProductHistory,
  { threshold, lambda }: ConsolidationSettings,
): ModuleConsolidation {
  const change = changeOf(before, after);
  const svd = smallSvd(change.shortTerm);
  const energies = svd.values.map((value) => value * value);
  const keptRank = directionsKept(energies, threshold);
  const denoised = singularPart(svd, 0, keptRank);
  const dropped = singularPart(svd, keptRank, threshold === 1 ? keptRank : svd.values.length);

  const memories = history.factors();
  const cross = {
    left: innerProducts(change.left.basis, memories.left),
    right: innerProducts(change.right.basis, memories.right),
  };
  const { coefficients, energy: parallel } = history.project(
    memories,
    denoised.left.map((vector) => combine(vector, cross.left, memories.left.length)),
    denoised.right.map((vector) => combine(vector, cross.right, memories.right.length)),
  );

  // Terms of the change and of its origin first, then those of the history, which are damped away.
  const damped = lambda < 1 && parallel > 0;
  const grams = damped ? history.grams(memories) : { left: [], right: [] };
  const frame = {
    leftGram: gramOf(change.left.basis.length, cross.left, grams.left),
    rightGram: gramOf(change.right.basis.length, cross.right, grams.right),
    diagonal: Float64Array.from(
      grams.left,
      (_, at) => -(1 - lambda) * coefficients[Math.floor(at / history.terms)]!,
    ),
  };
  const vectors: LowRank = damped
    ? { left: [...change.left.basis, ...memories.left], right: [...change.right.basis, ...memories.right] }
    : { left: change.left.basis, right: change.right.basis };
  const sumWith = (block: Vectors): GramSum => ({ ...frame, block });
  const size = [change.left.basis.length, change.right.basis.length] as const;
  const rank = after.a.shape[0];

  const refined = leadingPart(sumWith(outerSum(denoised, ...size)), rank);
  const isWhole = dropped.left.length === 0 && !damped;
  const kept = differences(change.after, outerSum(dropped, ...size));
  const merged = leadingPart(sumWith(kept), rank);
  const longTerm = isWhole ? after : withIdleRows(factorsOf(merged, vectors, after), merged, after);
  const total = energies.reduce((sum, energy) => sum + energy, 0);
  const ofDenoised = energies.slice(0, keptRank).reduce((sum, energy) => sum + energy, 0);
  return {
    longTerm,
    refined: factorsOf(refined, vectors, after),
    report: {
      shape: [after.b.shape[0], after.a.shape[1]],
      singularValues: [...svd.values],
      keptRank,
      energy: {
        shortTerm: total,
        denoised: ofDenoised,
        parallel,
        // The two parts are orthogonal: ‖f_perp‖² + λ² ‖f_par‖².
        refined: Math.max(0, ofDenoised - (1 - lambda ** 2) * parallel),
      },
      historyRows: history.rows,
      historyRank: history.rank,
      truncation: {
        merged: merged.energy,
        lost: isWhole ? 0 : merged.lost,
        refined: refined.energy,
        refinedLost: refined.lost,
      },
    },
  };
}

interface Change {
  /** Bases of what the columns of B and of the change of B span, and the rows of A and of the change of A. */
  readonly left: Span;
  readonly right: Span;
  /** In these bases, by rows: B₁A₁ − B₀A₀ and B₁A₁. */
  readonly shortTerm: Vectors;
  readonly after: Vectors;
}

/** B₁A₁ − B₀A₀ = (B₁ − B₀) A₁ + B₀ (A₁ − A₀), without the difference of two large and nearly equal products. */
function changeOf(before: ModuleFactors, after: ModuleFactors): Change {
  const [b0, b1] = [columns(before.b), columns(after.b)];
  const [a0, a1] = [rows(before.a), rows(after.a)];
  const left = orthonormalise([...differences(b1, b0), ...b0]);
  const right = orthonormalise([...a1, ...differences(a1, a0)]);
  const rank = b0.length;
  const size = [left.basis.length, right.basis.length] as const;
  const shortTerm = outerSum({ left: left.coordinates, right: right.coordinates }, ...size);
  const [deltaB, ofB] = [left.coordinates.slice(0, rank), left.coordinates.slice(rank)];
  const trained = deltaB.map((vector, at) => vector.map((value, i) => value + ofB[at]![i]!));
  const afterwards = outerSum({ left: trained, right: right.coordinates.slice(0, rank) }, ...size);
  return { left, right, shortTerm, after: afterwards };
}

function differences(ones: Vectors, others: Vectors): Float64Array[] {
  return ones.map((one, at) => one.map((value, i) => value - others[at]![i]!));
}

/** Directions `first` to `end` of an SVD in the change's bases, the singular values on the right. */
function singularPart(svd: SmallSvd, first: number, end: number): LowRank {
  return {
    left: svd.left.slice(first, end),
    right: svd.right
      .slice(first, end)
      .map((vector, at) => vector.map((value) => value * svd.values[first + at]!)),
  };
}

/** Inner products of an orthonormal basis followed by the history's vectors, where they are part of the sum. */
function gramOf(basis: number, cross: Vectors, history: Vectors): Float64Array[] {
  const size = basis + history.length;
  const own = Array.from({ length: basis }, (_, at) => {
    const row = new Float64Array(size);
    row[at] = 1;
    if (history.length > 0) row.set(cross[at]!, basis);
    return row;
  });
  const others = Array.from(history, (gram, at) => {
    const row = new Float64Array(size);
    for (let i = 0; i < basis; i++) row[i] = cross[i]![at]!;
    row.set(gram, basis);
    return row;
  });
  return [...own, ...others];
}

/** The part's terms as columns of B and rows of A; what the rank leaves over is zero. */
function factorsOf(part: LeadingPart, vectors: LowRank, { a, b }: ModuleFactors): ModuleFactors {
  const [out, rank] = b.shape;
  const inner = a.shape[1];
  const dataB = new Float32Array(out * rank);
  const dataA = new Float32Array(rank * inner);
  for (const [at, weights] of part.left.entries()) {
    const column = combine(weights, vectors.left, out);
    for (let row = 0; row < out; row++) dataB[row * rank + at] = column[row]!;
    dataA.set(combine(part.right[at]!, vectors.right, inner), at * inner);
  }
  return { b: { shape: b.shape, data: dataB }, a: { shape: a.shape, data: dataA } };
}

/**
 * Where ΔW has a lower rank than the adapter, a row of zeros in A beside a column of zeros in B would have no gradient
 * ever again. Such rows become the strongest directions of the trained A outside the rows that are used, as a fresh
 * adapter has rows in A beside zeros in B; ΔW stays what it is.
 */
function withIdleRows(factors: ModuleFactors, part: LeadingPart, after: ModuleFactors): ModuleFactors {
  const used = part.singularValues.length;
  const [rank, inner] = after.a.shape;
  if (used === rank) return factors;
  const { basis } = orthonormalise(rows(factors.a).slice(0, used));
  const outside = new Float64Array(rank * inner);
  for (const [at, row] of rows(after.a).entries()) {
    for (const direction of basis) addScaled(row, -dot(direction, row), direction);
    outside.set(row, at * inner);
  }
  const matrix = { rows: rank, columns: inner, data: outside };
  const { vectors } = leftSingularVectors(matrix);
  const residual = Array.from({ length: rank }, (_, at) => outside.subarray(at * inner, (at + 1) * inner));
  const data = factors.a.data.slice();
  for (let at = used; at < rank; at++) data.set(combine(vectors[at - used]!, residual, inner), at * inner);
  return { b: factors.b, a: { shape: after.a.shape, data } };
}
