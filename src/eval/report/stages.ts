/** What consolidation did at the end of each stage, put into numbers and spectra. */
import { quantile } from '../statistics.ts';
import {
  type ConsolidatedMatrix,
  type ConsolidationFile,
  type StageName,
  stageNames,
} from './record/files.ts';
import type { RunRecord } from './record/run.ts';

export interface ConsolidatedStage {
  /** Counted from 0. */
  readonly task: number;
  readonly stage: StageName;
  readonly record: ConsolidationFile;
}

/** In the order in which they were consolidated. */
export function consolidatedStages(run: RunRecord): ConsolidatedStage[] {
  return run.tasks.flatMap(({ consolidation }, task) =>
    stageNames.flatMap((stage) => {
      const record = consolidation[stage];
      return record ? [{ task, stage, record }] : [];
    }),
  );
}

type Matrices = readonly ConsolidatedMatrix[];
type Energy = keyof ConsolidatedMatrix['energy'];

/** % of the update's energy, over all matrices together; 0 where there is none. */
export function energyShare(matrices: Matrices, part: Energy, whole: Energy): number {
  const total = (of: Energy) => matrices.reduce((sum, { energy }) => sum + energy[of], 0);
  return total(whole) === 0 ? 0 : (100 * total(part)) / total(whole);
}

/** % of the denoised update that lay in directions of earlier stages. */
export function oldShare(matrices: Matrices): number {
  return energyShare(matrices, 'parallel', 'denoised');
}

/** The matrices of each decoder layer, counted from 0; those of no layer are left out. */
export function byLayer(matrices: Matrices): Map<number, ConsolidatedMatrix[]> {
  const layers = new Map<number, ConsolidatedMatrix[]>();
  for (const matrix of matrices) {
    const number = /\.layers\.(\d+)\./.exec(matrix.name)?.[1];
    if (number === undefined) continue;
    const layer = Number(number);
    layers.set(layer, [...(layers.get(layer) ?? []), matrix]);
  }
  return layers;
}

/** What is consolidated: one of a module's LoRA matrices, or their product. */
export const loraMatrices = ['lora_A', 'lora_B', 'B·A'] as const;
export type LoraMatrix = (typeof loraMatrices)[number];

function kindOf(name: string): LoraMatrix {
  return loraMatrices.find((kind) => name.includes(kind)) ?? 'B·A';
}

/** % of the energy of what is merged that the adapter's rank could not hold; `null` where each matrix is its own. */
export function rankLoss(matrices: Matrices): number | null {
  const cut = matrices.flatMap(({ truncation }) => (truncation ? [truncation] : []));
  const merged = cut.reduce((sum, { merged: energy }) => sum + energy, 0);
  if (cut.length === 0) return null;
  return merged === 0 ? 0 : (100 * cut.reduce((sum, { lost }) => sum + lost, 0)) / merged;
}

export interface Spectrum {
  /** That changed at all, and have a largest singular value to divide by. */
  readonly matrices: number;
  /** Of singular values over the largest one of their matrix, over matrices. */
  readonly values: readonly { readonly low: number; readonly median: number; readonly high: number }[];
  /** Over matrices. */
  readonly medianRank: number;
}

/** `null` where no matrix of that kind changed. The band holds 80 % of the matrices. */
export function spectrumOf(matrices: Matrices, kind: LoraMatrix): Spectrum | null {
  const changed = matrices.filter(
    ({ name, singular_values: [largest = 0] }) => kindOf(name) === kind && largest > 0,
  );
  if (changed.length === 0) return null;
  const ascending = (values: readonly number[]) => values.toSorted((one, other) => one - other);
  const longest = Math.max(...changed.map(({ singular_values }) => singular_values.length));
  const values = Array.from({ length: longest }, (_, at) => {
    const there = ascending(
      changed.flatMap(({ singular_values: all }) => (at < all.length ? [all[at]! / all[0]!] : [])),
    );
    return { low: quantile(there, 0.1), median: quantile(there, 0.5), high: quantile(there, 0.9) };
  });
  const ranks = ascending(changed.map(({ kept_rank }) => kept_rank));
  return { matrices: changed.length, values, medianRank: quantile(ranks, 0.5) };
}
