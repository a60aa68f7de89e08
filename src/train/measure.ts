/** Measuring a policy on a task's test rows: log-prob scores, and the judge's where the task has one. */
import { preferenceScores, type RowScore, rowScores } from '../eval/preference.ts';
import type { Adapter } from '../model/adapter.ts';
import { silentProgress } from '../support/progress.ts';
import { scorePolicy } from './reference.ts';
import type { Run } from './run.ts';
import type { TaskScores } from './state.ts';
import type { StreamTask } from './stream-data.ts';
import { judgedPrompt, scoredRows } from './task-rows.ts';

export interface JudgedAnswer {
  /** The row's position in its data file, from 0. */
  readonly index: number;
  /** Left out where it was read back from a private task's records. */
  readonly answer?: string;
  /** The judge's, 0 to 100. */
  readonly score: number;
}

/** To a task without a judge, for people to look at. */
export interface SampleAnswer {
  readonly index: number;
  readonly answer: string;
}

export interface Measured {
  readonly scores: TaskScores;
  readonly rows: readonly RowScore[];
  /** `null` for a task without a judge. */
  readonly answers: readonly JudgedAnswer[] | null;
}

/**
 * `adapter: null` measures the base; `label` names the measurement for people; `known`, where given, is what
 * the judge gave what the policy answered before.
 */
export async function measureTask(
  run: Run,
  task: StreamTask,
  adapter: Adapter | null,
  label: string,
  known?: readonly JudgedAnswer[],
): Promise<Measured> {
  const { engine, progress, signal } = run.environment;
  const options = { label, progress, signal };
  const base = await run.base.logProbs(task.test.encoded, options);
  const policy = adapter ? await scorePolicy(engine, task.test.encoded, adapter, options) : base;
  const rows = rowScores(scoredRows(task.test), policy, base);
  const answers = task.judge && (known ?? judged(task, await answersOf(run, task, adapter, label)));
  const judge = answers && answers.reduce((sum, { score }) => sum + score, 0) / answers.length;
  return { scores: { ...preferenceScores(rows), judge }, rows, answers };
}

function judged({ judge, test }: StreamTask, answers: readonly string[]): JudgedAnswer[] {
  return test.rows.map((row, at) => {
    const answer = answers[at]!;
    return { index: row.index, answer, score: judge!.score(answer, judgedPrompt(row)) };
  });
}

/** Long enough to see how an answer goes. */
const SAMPLE_TOKENS = 64;

/** Whether a task's answers are looked at by people alone; private ones by nobody. */
export function isSampled({ judge, private: isPrivate }: StreamTask): boolean {
  return judge === null && !isPrivate;
}

/**
 * Short answers to the first few test prompts of each task, all made together; none where the environment does
 * not answer.
 */
export async function sampleAnswers(
  run: Run,
  tasks: readonly StreamTask[],
  adapter: Adapter | null,
  label: string,
): Promise<readonly (readonly SampleAnswer[])[]> {
  const { samples, max_new_tokens: longest } = run.config.generation;
  const prompts = tasks.map(({ test }) => test.encoded.slice(0, samples).map(({ prompt }) => prompt));
  if (!run.environment.answer || prompts.flat().length === 0) return tasks.map(() => []);
  const answers = await answer(run, prompts.flat(), adapter, Math.min(SAMPLE_TOKENS, longest), label);
  const given = answers.values();
  return tasks.map(({ test }, at) =>
    prompts[at]!.map((_, row) => ({ index: test.rows[row]!.index, answer: given.next().value! })),
  );
}

async function answersOf(
  run: Run,
  { test }: StreamTask,
  adapter: Adapter | null,
  label: string,
): Promise<readonly string[]> {
  const prompts = test.encoded.map(({ prompt }) => prompt);
  return answer(run, prompts, adapter, run.config.generation.max_new_tokens, label);
}

async function answer(
  { environment }: Run,
  prompts: readonly Int32Array[],
  adapter: Adapter | null,
  maxNewTokens: number,
  label: string,
): Promise<readonly string[]> {
  if (!environment.answer) throw new Error('a run whose tasks have judges needs an environment that answers');
  const progress = (environment.progress ?? silentProgress)({
    label: `${label}, answers of at most ${maxNewTokens} tokens`,
    total: prompts.length * maxNewTokens,
    unit: 'tokens',
  });
  try {
    return await environment.answer(prompts, adapter, {
      maxNewTokens,
      onProgress: (tokens) => progress.advance(tokens),
      signal: environment.signal,
    });
  } finally {
    progress.stop();
  }
}
