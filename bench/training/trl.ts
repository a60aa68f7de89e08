/** TRL's side: as it comes, and at its best on the machine at hand, which a short trial of settings finds. */
import { type Measured, measurePython } from '../shared/child.ts';
import type { Journal } from '../shared/journal.ts';
import { RECIPE, type TrainingReport, type TrlRequest, type TrlSettings } from './request.ts';
import type { Workload } from './workload.ts';

const SCRIPT = new URL('trl_train.py', import.meta.url);

/** In float32: its default of bfloat16 is another precision, and among what is tried below. */
export const DEFAULT: TrlSettings = {
  precision: 'float32',
  batchSize: 1,
  precomputeReference: false,
  gradientCheckpointing: true,
};

/** Memory is no object: references once, no activation computed again. */
export const CANDIDATES: readonly TrlSettings[] = (
  ['float32', 'bfloat16', 'bfloat16 weights'] as const
).flatMap((precision) =>
  [1, 4].map((batchSize) => ({
    precision,
    batchSize,
    precomputeReference: true,
    gradientCheckpointing: false,
  })),
);

export function measureTrl(
  { model, adapter, encoded }: Workload,
  settings: TrlSettings,
  threads: number,
): Promise<Measured<TrainingReport>> {
  const request: TrlRequest = { ...settings, model, adapter, data: encoded, recipe: RECIPE, threads };
  return measurePython(SCRIPT, request);
}

/** For people: `float32, batch 1 × 16, references each epoch, checkpointing`. */
export function describeSettings(settings: TrlSettings): string {
  const { precision, batchSize, precomputeReference, gradientCheckpointing } = settings;
  return [
    precision,
    `batch ${batchSize} × ${RECIPE.effectiveBatch / batchSize}`,
    precomputeReference ? 'references once' : 'references in each step',
    gradientCheckpointing ? 'gradient checkpointing' : 'no gradient checkpointing',
  ].join(', ');
}

export interface Trial {
  readonly settings: TrlSettings;
  readonly tokensPerSecond: number;
  readonly peakResidentBytes: number;
}

/** Each candidate once over a small workload, quickest first. */
export async function tryCandidates(
  candidates: readonly TrlSettings[],
  label: string,
  workload: Workload,
  threads: number,
  journal: Journal,
): Promise<readonly Trial[]> {
  const trials: Trial[] = [];
  for (const settings of candidates) {
    const name = `${label}, trial of ${describeSettings(settings)}`;
    const result = await journal.result(name, () => measureTrl(workload, settings, threads));
    const tokensPerSecond = workload.tokens / result.seconds;
    process.stderr.write(`${name}: ${tokensPerSecond.toFixed(1)} tokens/s\n`);
    trials.push({ settings, tokensPerSecond, peakResidentBytes: result.peakResidentBytes });
  }
  return trials.toSorted((a, b) => b.tokensPerSecond - a.tokensPerSecond);
}
