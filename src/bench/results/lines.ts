/** What stands behind a line of a table: all finished runs of one place, and how LifeAlign compares with them. */
import {
  compareRuns,
  type Estimate,
  type RunResults,
  type ScoreName,
  type TestedEstimate,
} from '../../eval/comparison/index.ts';
import type { Place } from '../plan.ts';
import type { JobRecord } from '../record.ts';
import { onDiagonal } from './diagonal.ts';

/** Scores that tables have; the margin has no scale to compare methods on. */
export const tableScores = ['preference_accuracy', 'reward_accuracy', 'judge'] as const satisfies ScoreName[];
export type TableScore = (typeof tableScores)[number];

export interface Statistics<T> {
  readonly bwt: T;
  readonly last: T;
  readonly ap: T;
}

export interface ScoredLine {
  readonly own: Statistics<Estimate>;
  /** Mean over tasks, each right after it was learned. */
  readonly learned: Estimate;
  /** LifeAlign's minus this one's, over the seeds that both have; `null` without any, and for LifeAlign itself. */
  readonly ahead: Statistics<TestedEstimate> | null;
}

export interface Line {
  readonly place: Place;
  /** What heads it. */
  readonly label: string;
  /** Finished ones, without those that diverged, and how many the config asks for. */
  readonly runs: number;
  readonly planned: number;
  readonly diverged: number;
  /** Of finished runs, by seed. */
  readonly results: readonly RunResults[];
  /** Those that were measured. */
  readonly scores: ReadonlyMap<TableScore, ScoredLine>;
}

export interface LineSource {
  readonly seeds: readonly number[];
  /** The record of a finished run; undefined for one that is not, or was never planned. */
  record(place: Place, seed: number): JobRecord | undefined;
  /** Of the bootstrap, where there is one seed. */
  readonly resamples: number;
}

export interface LineOptions {
  readonly label: string;
  /** LifeAlign's place, to compare with; left out for a line that nothing is compared with. */
  readonly against?: Place;
  /** Has no stream: Last is the mean over the diagonal. */
  readonly alone?: boolean;
}

/** @throws {UserError} for runs to be compared that were measured on different rows. */
export function lineOf(
  source: LineSource,
  place: Place,
  { label, against, alone = false }: LineOptions,
): Line {
  const { seeds, resamples } = source;
  const records = seeds.flatMap((seed) => source.record(place, seed) ?? []);
  const finished = records.flatMap(({ results }) => results ?? []);
  const results = alone ? finished.map(onDiagonal) : finished;
  const common = { place, label, planned: seeds.length, results: finished };
  const diverged = records.length - finished.length;
  if (results.length === 0) return { ...common, runs: 0, diverged, scores: new Map() };

  const own = compareRuns([{ name: label, runs: results }], { resamples });
  const learned = compareRuns([{ name: label, runs: finished.map(onDiagonal) }], { resamples });
  const pair = against && pairOf(source, against, results);
  const differences = pair && compareRuns(pair, { resamples });
  const scores = tableScores.flatMap((score): [TableScore, ScoredLine][] => {
    const [run] = own.scores.find((entry) => entry.score === score)?.runs ?? [];
    if (!run) return [];
    const nothing = { estimate: null, low: null, high: null };
    const [diagonal] = learned.scores.find((entry) => entry.score === score)?.runs ?? [];
    const [ahead] = differences?.scores.find((entry) => entry.score === score)?.differences ?? [];
    return [
      [
        score,
        {
          own: run.statistics,
          learned: diagonal?.statistics.last ?? nothing,
          ahead: ahead ? ahead.statistics : null,
        },
      ],
    ];
  });
  return { ...common, runs: results.length, diverged, scores: new Map(scores) };
}

/** Runs of the same seeds, LifeAlign's first; undefined where no seed has both. */
function pairOf(source: LineSource, against: Place, results: readonly RunResults[]) {
  const theirs = source.seeds.flatMap((seed) => source.record(against, seed)?.results ?? []);
  const both = (one: readonly RunResults[], other: readonly RunResults[]) =>
    one.filter(({ seed }) => other.some((run) => run.seed === seed));
  const [first, second] = [both(theirs, results), both(results, theirs)];
  if (first.length === 0) return undefined;
  return [
    { name: 'first', runs: first },
    { name: 'second', runs: second },
  ];
}
