/** The result matrices that a report shows, made of the test rows' scores. */
import { rowMatrix, type ScoreName, scoreNames } from '../comparison/index.ts';
import type { BaseRow, ResultMatrix } from '../matrix.ts';
import type { RunRecord } from './record/run.ts';

export interface Scores {
  /** After each task, in the score's unit; `null` where not measured. */
  readonly cells: ResultMatrix;
  /** Before training. */
  readonly base: BaseRow;
}

/** Of the base, matrix.json also has what the rows do not say yet: its scores on tasks still to come. */
export function scoresOf(run: RunRecord, score: ScoreName): Scores {
  const { cells, base } = rowMatrix(run.results, score);
  const recorded = score === 'preference_accuracy' || score === 'judge' ? run.base[score] : [];
  return {
    cells: cells.map((row) => row.map(mean)),
    base: base.map((rows, task) => mean(rows) ?? recorded[task] ?? null),
  };
}

/** Those that any run has, of the base or after a task. */
export function measuredScores(runs: readonly RunRecord[]): ScoreName[] {
  return scoreNames.filter((score) =>
    runs.some((run) => {
      const { cells, base } = scoresOf(run, score);
      return [...cells.flat(), ...base].some((value) => value !== null);
    }),
  );
}

/** Digits behind the point that a score's noise leaves meaningful. */
export function digitsOf(score: ScoreName): number {
  return score === 'margin' ? 2 : 1;
}

/** Tasks with a row of scores, from the first on. */
export function tasksReached(run: RunRecord): number {
  return run.results.scores.findLastIndex((row) => row.some((cell) => cell !== null)) + 1;
}

function mean(rows: readonly number[] | null): number | null {
  return rows && rows.reduce((sum, value) => sum + value, 0) / rows.length;
}
