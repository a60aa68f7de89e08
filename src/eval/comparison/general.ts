/** General ability of several runs after their last task: estimates with intervals, and the first against the others. */
import { Random } from '../../support/random.ts';
import { driftRows, lossChangeRows, lossRows } from '../general-ability.ts';
import { bootstrapRatio, bootstrapRatioDifference, type RatioRow } from '../ratios.ts';
import type { Estimate, ResampleOptions, TestedEstimate } from './compare-rows.ts';
import { overSeeds } from './compare-seeds.ts';
import type { GeneralRecord } from './general-file.ts';
import { type RunResults, sameRows } from './run-results.ts';

export const generalMeasures = ['kl', 'loss', 'lossChange'] as const;
export type GeneralMeasure = (typeof generalMeasures)[number];

export const generalTitles: Readonly<Record<GeneralMeasure, string>> = {
  kl: 'KL to base',
  loss: 'neutral loss',
  lossChange: 'change of loss',
};

/** Nats per token on neutral conversations. */
export type GeneralAbility<T> = Readonly<Record<GeneralMeasure, T>>;

/** As `ScoreComparison`: in the order of the runs; `differences[k]` is the first minus the one k + 1. */
export interface GeneralComparison {
  readonly runs: readonly GeneralAbility<Estimate>[];
  /** Empty, too, where the runs were measured on different conversations or over different bases. */
  readonly differences: readonly GeneralAbility<TestedEstimate>[];
  /** Whether what was measured is the same for all. */
  readonly alike: boolean;
}

/** With intervals over the conversations; without their ends where the rows were not recorded. */
export function generalEstimates(
  record: GeneralRecord,
  { level = 0.95, resamples = 10_000, seed = 0 }: ResampleOptions = {},
): GeneralAbility<Estimate> {
  return ofMeasures((measure) => {
    const rows = rowsOf(record, measure);
    if (rows.length === 0) return { estimate: recorded(record, measure), low: null, high: null };
    return bootstrapRatio(rows, Random.fromSeed(seed).fork(measure), { level, resamples });
  });
}

/**
 * After the last task of the stream; `null` where no run was measured there.
 *
 * @param names of each name one run, with intervals over the conversations, or several that differ in their seed,
 *   with intervals over seeds; the same seeds for every name
 */
export function compareGeneral(
  names: readonly (readonly RunResults[])[],
  options: ResampleOptions = {},
): GeneralComparison | null {
  const records = names.map((runs) => runs.map(({ general }) => general.at(-1) ?? null));
  if (records.flat().every((record) => record === null)) return null;
  const measured = names.flat().filter(({ general }) => general.at(-1));
  const alike = new Set(measured.map(({ generalKey }) => generalKey)).size <= 1;
  const [first, ...others] = records;
  return {
    runs: records.map((runs) => estimatesOf(runs, options)),
    differences: alike ? others.map((other) => differencesOf(first!, other, options)) : [],
    alike,
  };
}

type Records = readonly (GeneralRecord | null)[];

const nothing: TestedEstimate = { estimate: null, low: null, high: null, pValue: null };

function estimatesOf(runs: Records, options: ResampleOptions): GeneralAbility<Estimate> {
  const present = runs.filter((record) => record !== null);
  const { pValue: _, ...none } = nothing;
  if (present.length < runs.length) return ofMeasures(() => none);
  if (present.length === 1) return generalEstimates(present[0]!, options);
  return ofMeasures((measure) => {
    const [{ pValue: _, ...estimate }] = overSeeds(
      present.map((record) => [recorded(record, measure)]),
      options.level,
    ) as [TestedEstimate];
    return estimate;
  });
}

function differencesOf(
  one: Records,
  other: Records,
  { level = 0.95, resamples = 10_000, seed = 0 }: ResampleOptions,
): GeneralAbility<TestedEstimate> {
  return ofMeasures((measure) => {
    const pairs = one.flatMap((record, at) => (record && other[at] ? [[record, other[at]] as const] : []));
    if (pairs.length < one.length) return nothing;
    const difference = ([a, b]: (typeof pairs)[number]) => recorded(a, measure) - recorded(b, measure);
    if (pairs.length > 1)
      return overSeeds(
        pairs.map((pair) => [difference(pair)]),
        level,
      )[0]!;
    const [a, b] = pairs[0]!;
    const indices = (record: GeneralRecord) =>
      (measure === 'kl' ? record.drawn : record.given).map(({ index }) => index);
    if (indices(a).length === 0 || !sameRows(indices(a), indices(b))) {
      return { ...nothing, estimate: difference(pairs[0]!) };
    }
    const random = Random.fromSeed(seed).fork(`difference of ${measure}`);
    return bootstrapRatioDifference(rowsOf(a, measure), rowsOf(b, measure), random, { level, resamples });
  });
}

function rowsOf({ given, drawn }: GeneralRecord, measure: GeneralMeasure): RatioRow[] {
  if (measure === 'kl') return driftRows(drawn);
  return measure === 'loss' ? lossRows(given, 'policy') : lossChangeRows(given);
}

function recorded({ kl, loss, baseLoss }: GeneralRecord, measure: GeneralMeasure): number {
  return { kl, loss, lossChange: loss - baseLoss }[measure];
}

function ofMeasures<T>(make: (measure: GeneralMeasure) => T): GeneralAbility<T> {
  return { kl: make('kl'), loss: make('loss'), lossChange: make('lossChange') };
}
