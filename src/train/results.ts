/**
 * What a run leaves in its output folder. Every file is written anew as a whole. Texts of rows never are;
 * generated answers are, where a task has a judge.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { type MatrixSummary, summariseMatrix } from '../eval/matrix.ts';
import type { RowScore } from '../eval/preference.ts';
import { writePeftAdapter } from '../model/peft.ts';
import { makeFolder, writeFileAtomic, writeFolderAtomic } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import { parseJsonFile } from '../support/json.ts';
import type { JudgedAnswer } from './measure.ts';
import type { Run } from './run.ts';
import type { TaskScores } from './state.ts';

/** One score over the stream: percent, or nats for the margin. */
export interface ScoreMatrix extends MatrixSummary {
  /** Before training, per task; left out where it means nothing. */
  readonly base?: readonly (number | null)[];
}

export interface StreamScores {
  readonly preference_accuracy: ScoreMatrix;
  readonly reward_accuracy: ScoreMatrix;
  readonly margin: ScoreMatrix;
  /** Of greedy answers; left out where no task has a judge. */
  readonly judge?: ScoreMatrix;
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

/** The result matrices as far as they are measured; `base` holds the base's scores on each task. */
export function streamScores(run: Run, base: readonly TaskScores[]): StreamScores {
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
  await writeJson(join(run.environment.outputFolder, 'matrix.json'), { tasks: taskNames(run), ...scores });
}

/** summary.json, at the end. */
export async function writeSummary(run: Run, summary: RunSummary): Promise<void> {
  await writeJson(join(run.environment.outputFolder, 'summary.json'), summary);
}

/** tasks/<k>-<name>/adapter/: the adapter as the finished task leaves it, after consolidation. */
export async function writeTaskAdapter(run: Run): Promise<void> {
  const { state, config, environment } = run;
  const folder = join(environment.outputFolder, 'tasks', numberedName(run, state.task), 'adapter');
  await makeFolder(dirname(folder));
  const fill = (temporary: string) => writePeftAdapter(temporary, state.adapter, { baseModel: config.base });
  await writeFolderAtomic(folder, fill, { replace: true });
}

/** tasks/<k>-<name>/scores/<j>-<name>.json: task j's test rows after task k, for intervals and paired tests. */
export async function writeScores(run: Run, tested: number, scores: readonly RowScore[]): Promise<void> {
  const { state, environment } = run;
  const folder = join(environment.outputFolder, 'tasks', numberedName(run, state.task), 'scores');
  await makeFolder(folder);
  const rows = scores.map((row) => ({
    index: row.index,
    chosen_logp: row.chosenLogp,
    rejected_logp: row.rejectedLogp,
    base_chosen_logp: row.referenceChosenLogp,
    base_rejected_logp: row.referenceRejectedLogp,
    chosen_tokens: row.chosenTokens,
    rejected_tokens: row.rejectedTokens,
  }));
  await writeJson(join(folder, `${numberedName(run, tested)}.json`), rows);
}

/**
 * What was answered to a task's test prompts: `tasks/<k>-<name>/answers/<j>-<name>.json` after task k,
 * `base/answers/<j>-<name>.json` before training.
 */
export async function writeAnswers(
  run: Run,
  trained: number | 'base',
  tested: number,
  answers: readonly JudgedAnswer[],
): Promise<void> {
  const of = trained === 'base' ? 'base' : join('tasks', numberedName(run, trained));
  const folder = join(run.environment.outputFolder, of, 'answers');
  await makeFolder(folder);
  await writeJson(join(folder, `${numberedName(run, tested)}.json`), answers);
}

/** What the base answered when the run began; undefined where that was not written yet. */
export async function readBaseAnswers(run: Run, tested: number): Promise<readonly string[] | undefined> {
  const folder = join(run.environment.outputFolder, 'base', 'answers');
  const file = join(folder, `${numberedName(run, tested)}.json`);
  if (!existsSync(file)) return undefined;
  const answers = z.array(z.object({ answer: z.string() })).safeParse(await parseJsonFile(file));
  const count = run.data.tasks[tested]!.test.rows.length;
  if (answers.success && answers.data.length === count) return answers.data.map(({ answer }) => answer);
  throw new UserError(`${file}: not what this program wrote; remove the file to have it made again`);
}

function taskNames(run: Run): string[] {
  return run.data.tasks.map((task) => task.name);
}

/** Folders count tasks from 1. */
function numberedName(run: Run, task: number): string {
  return `${task + 1}-${run.data.tasks[task]!.name}`;
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
