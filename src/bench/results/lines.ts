/** What stands behind a line of a table: all finished runs of one place, and how LifeAlign compares with them. */
import {
  compareMatrices,
  type Estimate,
  type RowMatrix,
  type TestedEstimate,
} from '../../eval/comparison/index.ts';
import { DataError } from '../../support/errors.ts';
import type { Place } from '../plan.ts';
import type { JobRecord } from '../record.ts';
import { onDiagonal } from './diagonal.ts';
import { type BenchRun, type TableScore, tableScores } from './run.ts';

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
  readonly finished: readonly BenchRun[];
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
  const finished = records.flatMap(({ run }) => run ?? []);
  const rivals = against ? seeds.flatMap((seed) => source.record(against, seed)?.run ?? []) : [];
  const pairs = rivals.flatMap((rival) => {
    const own = finished.find(({ seed }) => seed === rival.seed);
    if (own) checkSameRows(own, rival, label);
    return own ? [{ own, rival }] : [];
  });
  const compare = (...names: (readonly RowMatrix[])[]) => compareMatrices(names, { resamples });
  const compared = (matrix: RowMatrix) => (alone ? onDiagonal(matrix) : matrix);
  const scores = tableScores.flatMap((score): [TableScore, ScoredLine][] => {
    const matrices = finished.flatMap((run) => run.scores[score] ?? []);
    if (matrices.length === 0) return [];
    const [own] = compare(matrices.map(compared)).runs;
    const [learned] = compare(matrices.map(onDiagonal)).runs;
    const paired = pairs.flatMap(({ own: one, rival }) => {
      const [mine, theirs] = [one.scores[score], rival.scores[score]];
      return mine && theirs ? [{ mine: compared(mine), theirs }] : [];
    });
    const [ahead] =
      paired.length === 0
        ? []
        : compare(
            paired.map(({ theirs }) => theirs),
            paired.map(({ mine }) => mine),
          ).differences;
    return [
      [
        score,
        { own: own!.statistics, learned: learned!.statistics.last, ahead: ahead ? ahead.statistics : null },
      ],
    ];
  });
  return {
    place,
    label,
    runs: finished.length,
    planned: seeds.length,
    diverged: records.length - finished.length,
    finished,
    scores: new Map(scores),
  };
}

/** Rows of a seed may differ from another seed's, but not from those of the run that they are compared with. */
function checkSameRows(one: BenchRun, other: BenchRun, label: string): void {
  const task = one.tasks.findIndex(
    (name, at) =>
      name !== other.tasks[at] || (one.rows[at] && other.rows[at] && one.rows[at] !== other.rows[at]),
  );
  if (task === -1 && one.tasks.length === other.tasks.length) return;
  const problem = `the run of seed ${one.seed} was measured on other rows of ${one.tasks[task]} than LifeAlign`;
  throw new DataError({ file: label }, `${problem}; only runs on the same rows can be compared`);
}
