/** Runs over one stream beside each other: each one's numbers with intervals, and the first against the others. */
import { UserError } from '../../support/errors.ts';
import { type AloneTask, learnedAlone } from './alone.ts';
import { compareRows, type ResampleOptions, type ScoreComparison } from './compare-rows.ts';
import { compareSeeds } from './compare-seeds.ts';
import { compareGeneral, type GeneralComparison } from './general.ts';
import { type RowMatrix, rowMatrix, type ScoreName, scoreNames, wasMeasured } from './row-matrix.ts';
import { type RunResults, sameRows } from './run-results.ts';

export { type AloneTask, learnedAlone } from './alone.ts';
export type { Estimate, TestedEstimate } from './compare-rows.ts';
export { type GeneralMeasure, generalEstimates, generalMeasures, generalTitles } from './general.ts';
export { listed, type Quantities, quantitiesOfRows, statisticNames } from './quantities.ts';
export {
  type RowMatrix,
  rowMatrix,
  type ScoreName,
  scoreNames,
  scoreTitles,
  wasMeasured,
} from './row-matrix.ts';
export { type RunResults, readRunResults } from './run-results.ts';

/** One run, or several that differ in their seed. */
export interface NamedRuns {
  readonly name: string;
  readonly runs: readonly RunResults[];
}

export interface Comparison {
  /** What was redrawn: intervals over test rows say nothing of other seeds, those over seeds are Student's t. */
  readonly over: 'test rows' | 'seeds';
  readonly level: number;
  readonly tasks: readonly string[];
  readonly names: readonly {
    readonly name: string;
    readonly folders: readonly string[];
    /** Of all its runs; `null` where one is not finished. */
    readonly seconds: number | null;
  }[];
  /** Of the runs named `stl`, which are no part of `scores`. */
  readonly alone: readonly AloneTask[] | null;
  /** The names that `scores` are of, in that order. */
  readonly compared: readonly string[];
  /** The scores that any of the runs has. */
  readonly scores: readonly (ScoreComparison & { readonly score: ScoreName })[];
  /** Drift and loss on neutral conversations after the last task; `null` where no run measured them. */
  readonly general: GeneralComparison | null;
}

/** Runs of this name say what is there to be learned, task by task. */
const SINGLE_TASK = 'stl';

/**
 * @throws {UserError} for runs that cannot be compared: other tasks, other test rows, or, with several runs a
 *   name, other seeds.
 */
export function compareRuns(
  named: readonly NamedRuns[],
  { level = 0.95, ...options }: ResampleOptions = {},
): Comparison {
  const overSeeds = named.some(({ runs }) => runs.length > 1);
  const ordered = overSeeds ? named.map(bySeed) : named;
  for (const other of ordered.slice(1)) checkPaired(ordered[0]!, other);
  const alone = ordered.find(({ name }) => name === SINGLE_TASK);
  const compared = ordered.filter((entry) => entry !== alone);
  const scores = scoreNames.flatMap((score) => {
    const matrices = compared.map(({ runs }) => runs.map((run) => rowMatrix(run, score)));
    if (!matrices.flat().some(wasMeasured)) return [];
    return { score, ...compareMatrices(matrices, { level, ...options }) };
  });
  return {
    over: overSeeds ? 'seeds' : 'test rows',
    level,
    tasks: ordered[0]?.runs[0]?.tasks ?? [],
    names: ordered.map(({ name, runs }) => ({
      name,
      folders: runs.map(({ folder }) => folder),
      seconds: runs.reduce<number | null>(
        (sum, { seconds }) => (sum === null || seconds === null ? null : sum + seconds),
        0,
      ),
    })),
    alone: alone ? learnedAlone(alone.runs[0]!.tasks, matricesOf(alone), level) : null,
    compared: compared.map(({ name }) => name),
    scores,
    general: compareGeneral(
      compared.map(({ runs }) => runs),
      { level, ...options },
    ),
  };
}

/**
 * One score of names with one run each, over test rows, or with several that differ in their seed, over seeds.
 * `names[n][s]` is the run of name n with the s-th seed; all names have as many.
 */
export function compareMatrices(
  names: readonly (readonly RowMatrix[])[],
  { level = 0.95, ...options }: ResampleOptions = {},
): ScoreComparison {
  if (names.some((runs) => runs.length > 1)) return compareSeeds(names, level);
  return compareRows(
    names.map(([only]) => only!),
    { level, ...options },
  );
}

function bySeed({ name, runs }: NamedRuns): NamedRuns {
  const sorted = [...runs].sort((one, other) => one.seed - other.seed);
  sorted.forEach((run, at) => {
    const before = sorted[at - 1];
    if (!before) return;
    if (before.seed === run.seed) {
      throw new UserError(`${name}: ${before.folder} and ${run.folder} have the same seed, ${run.seed}`);
    }
    if (before.tasks.join() !== run.tasks.join()) throw new UserError(differentTasks(before, run));
  });
  return { name, runs: sorted };
}

function matricesOf({ runs }: NamedRuns) {
  return {
    preference: runs.map((run) => rowMatrix(run, 'preference_accuracy')),
    reward: runs.map((run) => rowMatrix(run, 'reward_accuracy')),
  };
}

/** Differences are taken run by run and row by row, so each must have its counterpart. */
function checkPaired(one: NamedRuns, other: NamedRuns): void {
  const seeds = ({ runs }: NamedRuns) => runs.map(({ seed }) => seed).join(', ');
  if (one.runs.length !== other.runs.length || (one.runs.length > 1 && seeds(one) !== seeds(other))) {
    throw new UserError(
      `${one.name} has runs with seeds ${seeds(one)}, ${other.name} with ${seeds(other)}; ` +
        'over seeds, every name needs a run with each of the same seeds',
    );
  }
  one.runs.forEach((run, at) => {
    checkSameRows(run, other.runs[at]!);
  });
}

function checkSameRows(one: RunResults, other: RunResults): void {
  if (one.tasks.join() !== other.tasks.join()) throw new UserError(differentTasks(one, other));
  one.tasks.forEach((task, at) => {
    const [rows, otherRows] = [one.testRows[at], other.testRows[at]];
    const sameFile = one.testHashes[at] === other.testHashes[at];
    if (sameFile && (!rows || !otherRows || sameRows(rows, otherRows))) return;
    const what = sameFile ? 'other rows of the same test file' : 'another test file';
    throw new UserError(
      `${other.folder} was measured on ${what} of task ${task} than ${one.folder}; ` +
        'only runs with the same test rows can be compared',
    );
  });
}

function differentTasks(one: RunResults, other: RunResults): string {
  return `${one.folder} has the tasks ${one.tasks.join(', ')}, ${other.folder} has ${other.tasks.join(', ')}`;
}
