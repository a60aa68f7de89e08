/** Settings are chosen among a method's trials by what they gave on validation rows, and stay for every reported run. */

import { quantitiesOfRows } from '../eval/comparison/index.ts';
import type { Bench, BenchMethod, Changes } from './config/read.ts';
import { type ChosenTrial, type Place, trialSetting } from './plan.ts';
import type { JobRecord } from './record.ts';
import { onDiagonal } from './results/diagonal.ts';

export interface Trial {
  readonly set: Changes;
  /** Per seed of the tuning; `null` for a run that diverged. Empty where there was nothing to choose from. */
  readonly scores: readonly (number | null)[];
  /** `null` where a run diverged, a trial that is never chosen among several, and where none was run. */
  readonly mean: number | null;
}

/** Of one method over one base. */
export interface Tuned {
  readonly base: string;
  readonly method: string;
  readonly trials: readonly Trial[];
  /** Its place among the trials. */
  readonly chosen: number;
}

/**
 * The trial with the highest mean, over seeds, of Last; that itself is the mean over preference accuracy and, where
 * tasks have judges, the judge's score. Of STL it is the mean over tasks alone. The first of equals; the first, too,
 * where all diverged. Methods whose trials are not all finished are left out. A single trial is taken without a run.
 */
export function tune(bench: Bench, recordOf: (place: Place, seed: number) => JobRecord | undefined): Tuned[] {
  const { bases, orders, methods, tuningSeeds } = bench;
  if (tuningSeeds.length === 0) return [];
  return bases.flatMap(({ label: base }) =>
    methods.filter(isTuned).flatMap((method): Tuned[] => {
      const [only, ...more] = method.trials;
      if (only && more.length === 0) {
        return [{ base, method: method.label, trials: [{ set: only, scores: [], mean: null }], chosen: 0 }];
      }
      const runs = method.trials.map((_, at) => {
        const place = { base, order: orders[0]!.label, method: method.label, setting: trialSetting(at) };
        return tuningSeeds.flatMap((seed) => recordOf({ ...place, split: 'validation' }, seed) ?? []);
      });
      if (runs.some((ofTrial) => ofTrial.length < tuningSeeds.length)) return [];
      const trials = method.trials.map((set, at): Trial => {
        const scores = runs[at]!.map((record) => trialScore(record, method));
        return { set, scores, mean: meanOf(scores) };
      });
      const means = trials.map(({ mean }) => mean ?? Number.NEGATIVE_INFINITY);
      return [{ base, method: method.label, trials, chosen: means.indexOf(Math.max(...means)) }];
    }),
  );
}

export function chosenBy(bench: Bench, tuned: readonly Tuned[]): ChosenTrial {
  if (bench.tuningSeeds.length === 0) return () => ({});
  return (base, { tunedAs }) => {
    const found = tuned.find((entry) => entry.base === base && entry.method === tunedAs);
    return found ? found.trials[found.chosen]!.set : null;
  };
}

/** To check the config before there is any result: as if the first trial had been chosen. */
export const firstTrials: ChosenTrial = (_, { trials: [first = {}] }) => first;

function isTuned({ label, tunedAs }: BenchMethod): boolean {
  return label === tunedAs;
}

function trialScore({ run }: JobRecord, { method }: BenchMethod): number | null {
  if (!run) return null;
  const { preference_accuracy, judge } = run.scores;
  const matrices = [preference_accuracy, judge].filter((matrix) => matrix !== null);
  const stands = method.name === 'stl' ? matrices.map(onDiagonal) : matrices;
  return meanOf(stands.map((matrix) => quantitiesOfRows(matrix).statistics.last));
}

function meanOf(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  if (present.length < values.length || values.length === 0) return null;
  return present.reduce((sum, value) => sum + value, 0) / values.length;
}
