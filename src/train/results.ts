/** A run's numbers as a whole: matrix.json after every task, summary.json at the end. */
import { join } from 'node:path';
import { type MatrixSummary, summariseMatrix } from '../eval/matrix.ts';
import { writeJsonFile } from '../support/atomic-file.ts';
import { type Run, taskNames } from './run.ts';
import type { TaskScores } from './state.ts';

/** One score over the stream: percent, or nats for the margin. */
export interface ScoreMatrix extends MatrixSummary {
  /** Before training, per task; left out where it means nothing. */
  readonly base?: readonly (number | null)[];
}

/** After each task, in nats per token; `null` where not measured. */
export interface GeneralAbility {
  /** Loss on neutral conversations. */
  readonly base_loss: number;
  readonly loss: readonly (number | null)[];
  /** KL of the policy to the base on neutral prompts. */
  readonly kl: readonly (number | null)[];
}

export interface StreamScores {
  readonly preference_accuracy: ScoreMatrix;
  readonly reward_accuracy: ScoreMatrix;
  readonly margin: ScoreMatrix;
  /** Of greedy answers; left out where no task has a judge. */
  readonly judge?: ScoreMatrix;
  /** Left out where it is not measured. */
  readonly general?: GeneralAbility;
}

export interface RunSummary extends StreamScores {
  readonly base: string;
  readonly method: string;
  /** Of work, over all resumes. */
  readonly seconds: number;
  readonly tasks: readonly string[];
  /** Optimizer steps, and the tokens their gradients covered; a prompt counts once per response run. */
  readonly steps: number;
  readonly tokens: number;
  /** Over all files; `rows` has them by task. */
  readonly cut_prompts: number;
  readonly skipped_rows: number;
  readonly rows: readonly TaskRowCounts[];
}

/** What was trained and tested on: rows used, prompts among them cut to fit, invalid rows left out. */
interface TaskRowCounts {
  readonly task: string;
  readonly train: number;
  readonly train_cut_prompts: number;
  readonly train_skipped_rows: number;
  readonly test: number;
  readonly test_cut_prompts: number;
  readonly test_skipped_rows: number;
}

/** What was measured of the base: on each task's test rows, and its loss on neutral conversations. */
export interface BaseScores {
  readonly tasks: readonly TaskScores[];
  /** Nats per token; `null` where general ability is not measured. */
  readonly loss: number | null;
}

/** The result matrices as far as they are measured. */
export function streamScores(run: Run, { tasks: base, loss }: BaseScores): StreamScores {
  const matrixOf = (score: keyof TaskScores) =>
    summariseMatrix(run.state.scores.map((row) => row.map((cell) => cell?.[score] ?? null)));
  return {
    preference_accuracy: {
      base: base.map((scores) => scores.preferenceAccuracy),
      ...matrixOf('preferenceAccuracy'),
    },
    reward_accuracy: matrixOf('rewardAccuracy'),
    margin: matrixOf('margin'),
    ...(run.data.tasks.some((task) => task.judge)
      ? { judge: { base: base.map((scores) => scores.judge), ...matrixOf('judge') } }
      : {}),
    ...(loss === null ? {} : { general: generalAbility(run, loss) }),
  };
}

function generalAbility({ state }: Run, baseLoss: number): GeneralAbility {
  return {
    base_loss: baseLoss,
    loss: state.general.map((scores) => scores?.loss ?? null),
    kl: state.general.map((scores) => scores?.kl ?? null),
  };
}

export function runSummary(run: Run, scores: StreamScores): RunSummary {
  const { config, data, state } = run;
  return {
    base: config.base,
    method: config.method,
    seconds: state.seconds,
    tasks: taskNames(run),
    ...scores,
    steps: state.steps,
    tokens: state.tokens,
    cut_prompts: data.cutPrompts,
    skipped_rows: data.skippedRows,
    rows: data.tasks.map(({ name, train, test }) => ({
      task: name,
      train: train.rows.length,
      train_cut_prompts: train.cutPrompts,
      train_skipped_rows: train.skippedRows,
      test: test.rows.length,
      test_cut_prompts: test.cutPrompts,
      test_skipped_rows: test.skippedRows,
    })),
  };
}

/** matrix.json, after every task. */
export async function writeMatrix(run: Run, scores: StreamScores): Promise<void> {
  await writeJsonFile(join(run.environment.outputFolder, 'matrix.json'), {
    tasks: taskNames(run),
    ...scores,
  });
}

/** summary.json, at the end. */
export async function writeSummary(run: Run, summary: RunSummary): Promise<void> {
  await writeJsonFile(join(run.environment.outputFolder, 'summary.json'), summary);
}
