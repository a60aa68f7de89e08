/** A run's result matrix with every test row kept apart, one score at a time: what resampling starts from. */
import { prefersChosen, type RowScore, rewardMargin } from '../preference.ts';
import type { RunResults } from './run-results.ts';

/** The score's value on each test row of a task; `null` where it was not measured. */
export type Rows = readonly number[] | null;

/** A cell's value is its rows' mean. */
export interface RowMatrix {
  /** `cells[i][j]`: task j's rows after training on task i. */
  readonly cells: readonly (readonly Rows[])[];
  /** Per task, before training; `null` where the score means nothing there. */
  readonly base: readonly Rows[];
}

export const scoreNames = ['preference_accuracy', 'reward_accuracy', 'margin', 'judge'] as const;
export type ScoreName = (typeof scoreNames)[number];

export const scoreTitles: Readonly<Record<ScoreName, string>> = {
  preference_accuracy: 'Preference accuracy, %',
  reward_accuracy: 'Reward accuracy, %',
  margin: 'Margin, nats',
  judge: 'Judge of greedy answers, 0 to 100',
};

/** The base's margins are 0 by definition; that none of them is above 0 says nothing of its rewards. */
export function rowMatrix(run: RunResults, score: ScoreName): RowMatrix {
  switch (score) {
    case 'preference_accuracy':
      return ofScores(
        run,
        (row) => 100 * prefersChosen(row),
        (row) => 100 * prefersChosen(baseScore(row)),
      );
    case 'reward_accuracy':
      return ofScores(run, (row) => (rewardMargin(row) > 0 ? 100 : 0), null);
    case 'margin':
      return ofScores(run, rewardMargin, () => 0);
    case 'judge':
      return { cells: run.judged, base: run.baseJudged };
  }
}

export function wasMeasured({ cells }: RowMatrix): boolean {
  return cells.some((row) => row.some((rows) => rows !== null));
}

type ValueOf = (row: RowScore) => number;

function ofScores({ scores, tasks }: RunResults, value: ValueOf, base: ValueOf | null): RowMatrix {
  // Every measurement of a task stores the base's log-probs again, the same ones.
  const anyOf = (task: number) => scores.map((row) => row[task]).find((rows) => rows) ?? null;
  return {
    cells: scores.map((row) => row.map((rows) => rows?.map(value) ?? null)),
    base: tasks.map((_, task) => (base && anyOf(task)?.map(base)) ?? null),
  };
}

function baseScore(row: RowScore): RowScore {
  return { ...row, chosenLogp: row.referenceChosenLogp, rejectedLogp: row.referenceRejectedLogp };
}
