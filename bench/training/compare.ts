/** One set of rows: our training, TRL's as it comes and TRL's at its best, interleaved, and whether they agree. */
import { join } from 'node:path';
import type { ModelFolder } from '../../src/index.ts';
import { type Measured, measureNode } from '../shared/child.ts';
import type { Comparison } from '../shared/comparison.ts';
import type { Journal } from '../shared/journal.ts';
import { measureRounds, type Side } from '../shared/rounds.ts';
import { withScratchFolder } from '../shared/scratch.ts';
import { type SideSummary, speedUps, summariseSide } from '../shared/summary.ts';
import { comparisonsOf } from './comparisons.ts';
import {
  type OurRequest,
  RECIPE,
  type TrainingReport,
  type TrainingStep,
  type TrlSettings,
} from './request.ts';
import { DEFAULT, describeSettings, measureTrl, type Trial, tryCandidates } from './trl.ts';
import { prepareWorkload, type Workload } from './workload.ts';

const OURS = new URL('ours.ts', import.meta.url);

export interface ComparisonOptions {
  readonly model: ModelFolder;
  readonly set: string;
  readonly data: string;
  readonly rows: number;
  readonly epochs: number;
  readonly repeats: number;
  readonly threads: number;
  /** TRL's settings among which its best is looked for. */
  readonly candidates: readonly TrlSettings[];
  readonly journal: Journal;
}

export interface TrainingComparison {
  readonly set: string;
  readonly tokens: number;
  readonly promptLength: number;
  readonly responseLength: number;
  /** Ours, exact and with an 8-bit backward pass; TRL as it comes, TRL at its best. */
  readonly sides: readonly SideSummary[];
  /** How many times as fast we are as each. */
  readonly speedUps: readonly number[];
  readonly firstSteps: readonly TrainingStep[];
  /** Of a step's loss to ours, the largest over all steps. */
  readonly lossDifferences: readonly number[];
  readonly trials: readonly Trial[];
  /** Speed and memory, as results hold them. */
  readonly comparisons: readonly Comparison[];
  readonly versions: Readonly<Record<string, string>>;
}

export function compareTraining(options: ComparisonOptions): Promise<TrainingComparison> {
  return withScratchFolder(async (folder) => {
    const { set, threads, journal } = options;
    const small = { ...options, rows: RECIPE.effectiveBatch, epochs: 1, folder: join(folder, 'trial') };
    const { best, trials } = await tryCandidates({
      ...{ candidates: options.candidates, label: set, threads, journal },
      workload: () => prepareWorkload(small),
    });
    const workload = await prepareWorkload({ ...options, folder: join(folder, 'whole') });
    const sides: readonly Side<TrainingReport>[] = [
      { name: 'lifealign', measure: () => measureOurs(workload.config, threads) },
      { name: 'lifealign, backward in int8', measure: () => measureOurs(workload.int8Config, threads) },
      {
        name: `TRL, ${describeSettings(DEFAULT)}`,
        measure: () => measureTrl(workload, DEFAULT, threads),
      },
      {
        name: `TRL at its best: ${describeSettings(best)}`,
        measure: () => measureTrl(workload, best, threads),
      },
    ];
    return { ...(await compareSides(sides, workload, options)), trials };
  });
}

async function compareSides(
  sides: readonly Side<TrainingReport>[],
  { tokens, promptLength, responseLength }: Workload,
  { set, repeats, journal }: ComparisonOptions,
): Promise<Omit<TrainingComparison, 'trials'>> {
  const results = await measureRounds(set, sides, { repeats, units: tokens, journal });
  const summaries = sides.map(({ name }, at) => summariseSide(name, tokens, results[at]!));
  const firsts = results.map(([first]) => first!);
  return {
    ...{ set, tokens, promptLength, responseLength },
    sides: summaries,
    speedUps: speedUps(summaries),
    firstSteps: firsts.map(({ steps }) => steps[0]!),
    lossDifferences: firsts.map(({ steps }) => largestDifference(steps, firsts[0]!.steps)),
    comparisons: comparisonsOf({ set, tokens, names: sides.map(({ name }) => name), results }),
    versions: Object.assign({}, ...firsts.map(({ versions }) => versions)),
  };
}

/** With a cache of its own, so that reference log-probs are computed anew. */
function measureOurs(config: string, threads: number): Promise<Measured<TrainingReport>> {
  return withScratchFolder((folder) => {
    const paths = { config, output: join(folder, 'output'), cache: join(folder, 'cache') };
    const request: OurRequest = { ...paths, threads };
    return measureNode(OURS, request);
  });
}

function largestDifference(theirs: readonly TrainingStep[], ours: readonly TrainingStep[]): number {
  if (theirs.length !== ours.length) throw new Error(`${theirs.length} steps, but we made ${ours.length}`);
  return Math.max(...theirs.map(({ loss }, at) => Math.abs(loss - ours[at]!.loss)));
}
