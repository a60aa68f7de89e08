/**
 * Short-to-Long Memory Consolidation of one LoRA matrix, at the end of a stage: what training changed
 * is denoised, what repeats earlier stages is damped, and the rest joins the long-term memory.
 * [LifeAlign, arXiv:2509.17183, short-to-long memory consolidation]
 */
import type { LoraTensor } from '../model/adapter.ts';
import { UserError } from '../support/errors.ts';
import { denoise } from './denoise.ts';
import type { MatrixHistory } from './history.ts';
import { dot, type Matrix } from './matrix.ts';
import type { ConsolidationSpace } from './spaces.ts';

export interface ConsolidationSettings {
  /** `factors`, unless it says otherwise. */
  readonly space?: ConsolidationSpace;
  /** θ: the share of the change's energy that denoising keeps, in (0, 1]. */
  readonly threshold: number;
  /** λ: how much of the change along earlier stages' directions is kept, in [0, 1]. */
  readonly lambda: number;
}

export interface MatrixConsolidation {
  /** The matrix the adapter takes: LM + RSM. */
  readonly longTerm: Float32Array;
  /** RSM, the row to append to this matrix's history. */
  readonly refined: Float32Array;
  readonly report: MatrixReport;
}

/** Energies are sums of squares. */
export interface MatrixReport {
  readonly shape: readonly [number, number];
  /** Of the change, largest first. */
  readonly singularValues: readonly number[];
  /** k, the singular directions kept; 0 where nothing changed. */
  readonly keptRank: number;
  /** Of SM, SM' (denoised), the part of SM' along earlier directions, and RSM. */
  readonly energy: {
    readonly shortTerm: number;
    readonly denoised: number;
    readonly parallel: number;
    readonly refined: number;
  };
  /** Earlier stages in the history, and how many dimensions they span. */
  readonly historyRows: number;
  readonly historyRank: number;
  /** In product space: what was cut off so that the long-term and the refined memory have the adapter's rank. */
  readonly truncation?: {
    /** Of the long-term memory before the cut, and of what the cut took. */
    readonly merged: number;
    readonly lost: number;
    /** The same of the refined memory as the history keeps it; what is merged is the whole. */
    readonly refined: number;
    readonly refinedLost: number;
  };
}

/** @throws {UserError} naming the setting and the range. */
export function checkConsolidationSettings({ threshold, lambda }: ConsolidationSettings): void {
  if (!(threshold > 0 && threshold <= 1)) {
    throw new UserError(`consolidation threshold: expected a number above 0 and up to 1, found ${threshold}`);
  }
  if (!(lambda >= 0 && lambda <= 1)) {
    throw new UserError(`consolidation lambda: expected a number from 0 to 1, found ${lambda}`);
  }
}

/**
 * @param before LM, the matrix before the stage
 * @param after the matrix as training left it, of the same shape
 * @param history the refined memories of all earlier stages for this matrix; it is left as it is, so
 *   that a stage which is refused later leaves no trace
 */
export function consolidateMatrix(
  before: LoraTensor,
  after: LoraTensor,
  history: MatrixHistory,
  { threshold, lambda }: ConsolidationSettings,
): MatrixConsolidation {
  const shortTerm = subtract(after, before);
  const { matrix, keptRank, singularValues } = denoise(shortTerm, threshold);
  const { parallel } = history.project(matrix.data);

  // f_perp + λ f_par, written so that λ = 1 gives back f to the last bit.
  const refined = matrix.data.map((value, i) => value - (1 - lambda) * (parallel[i] as number));

  // LM + RSM, written as what training left minus what was taken from it (SM − RSM): equal, and where
  // nothing was taken (θ = λ = 1) the sum is the trained value to the last bit, however far it moved.
  const longTerm = after.data.map(
    (value, i) => value - ((shortTerm.data[i] as number) - (refined[i] as number)),
  );
  return {
    longTerm,
    refined: Float32Array.from(refined),
    report: {
      shape: after.shape,
      singularValues: [...singularValues],
      keptRank,
      energy: {
        shortTerm: energy(shortTerm.data),
        denoised: energy(matrix.data),
        parallel: energy(parallel),
        refined: energy(refined),
      },
      historyRows: history.rows,
      historyRank: history.rank,
    },
  };
}

/** SM = W_after − LM. */
function subtract(after: LoraTensor, before: LoraTensor): Matrix {
  const data = new Float64Array(after.data);
  for (let i = 0; i < data.length; i++) data[i]! -= before.data[i]!;
  return { rows: after.shape[0], columns: after.shape[1], data };
}

function energy(vector: Float64Array): number {
  return dot(vector, vector);
}
