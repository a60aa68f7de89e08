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

/**
 * Memory is no object: no activation is computed again, and references once, which takes as long as in each step
 * where there is one epoch and is quicker where there are more. The likeliest first.
 */
export const CANDIDATES: readonly TrlSettings[] = (
  [
    ['bfloat16 weights', 1],
    ['bfloat16', 1],
    ['bfloat16 weights', 4],
    ['bfloat16', 4],
    ['float32', 1],
    ['float32', 4],
  ] as const
).map(([precision, batchSize]) => ({
  precision,
  batchSize,
  precomputeReference: true,
  gradientCheckpointing: false,
}));

export function measureTrl(
  { model, adapter, encoded }: Workload,
  settings: TrlSettings,
  threads: number,
  device: TrlRequest['device'] = 'cpu',
): Promise<Measured<TrainingReport>> {
  const data = { model, adapter, data: encoded, recipe: RECIPE };
  const request: TrlRequest = { ...settings, ...data, threads, device };
  return measurePython(SCRIPT, request);
}

/** For people: `float32, batch 1 × 16, references each epoch, checkpointing`. */
export function describeSettings(settings: TrlSettings): string {
  const { precision, batchSize, precomputeReference, gradientCheckpointing, liger = false } = settings;
  return [
    precision,
    `batch ${batchSize} × ${RECIPE.effectiveBatch / batchSize}`,
    precomputeReference ? 'references once' : 'references in each step',
    gradientCheckpointing ? 'gradient checkpointing' : 'no gradient checkpointing',
    ...(liger ? ['Liger kernels'] : []),
  ].join(', ');
}

export interface Trial {
  readonly settings: TrlSettings;
  readonly tokensPerSecond: number;
  readonly peakResidentBytes: number;
}

export interface TrialOptions {
  readonly candidates: readonly TrlSettings[];
  readonly label: string;
  /** A small one. */
  readonly workload: () => Promise<Workload>;
  readonly threads: number;
  readonly journal: Journal;
}

/** Candidates once each, and the quickest; a single one needs no trial. */
export async function tryCandidates({
  candidates,
  label,
  workload: prepare,
  threads,
  journal,
}: TrialOptions): Promise<{ readonly best: TrlSettings; readonly trials: readonly Trial[] }> {
  if (candidates.length === 1) return { best: candidates[0]!, trials: [] };
  const workload = await prepare();
  const trials: Trial[] = [];
  for (const settings of candidates) {
    const name = `${label}, trial of ${describeSettings(settings)}`;
    const result = await journal.result(name, () => measureTrl(workload, settings, threads));
    const tokensPerSecond = workload.tokens / result.seconds;
    process.stderr.write(`${name}: ${tokensPerSecond.toFixed(1)} tokens/s\n`);
    trials.push({ settings, tokensPerSecond, peakResidentBytes: result.peakResidentBytes });
  }
  trials.sort((a, b) => b.tokensPerSecond - a.tokensPerSecond);
  return { best: trials[0]!.settings, trials };
}
