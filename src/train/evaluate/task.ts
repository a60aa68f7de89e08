/** One task's scores: its log-probs and answers, measured in every way that the task asks for. */
import { type JudgeReport, meanScore } from '../../eval/llm-judge/judge.ts';
import { createRatingJudge } from '../../eval/llm-judge/rating-judge.ts';
import { preferenceScores, prefersChosen, rewardMargin, rowScores } from '../../eval/preference.ts';
import { scoreAnswers } from '../../eval/text-metrics/index.ts';
import { type FixedPolicy, scorePolicy } from '../reference.ts';
import { judgedPrompt, scoredRows } from '../task-rows.ts';
import { answerTask } from './answers.ts';
import type { EvaluationEnvironment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import type { LoadedTask } from './rows.ts';
import type { KeptAnswer, TaskFolder, TaskResult } from './task-folder.ts';

/** Measures the task and writes what its folder holds in the end. `label` names it for people. */
export async function evaluateTask(
  evaluation: Evaluation,
  environment: EvaluationEnvironment,
  base: FixedPolicy,
  task: LoadedTask,
  folder: TaskFolder,
  label: string,
): Promise<TaskResult> {
  const { adapter, keepPrivate } = evaluation;
  const { rows, encoded, file, sha256, cutPrompts, skippedRows } = task.test;
  const options = { label, progress: environment.progress, signal: environment.signal };
  const baseLogps = await base.logProbs(encoded, options);
  const logps = adapter ? await scorePolicy(environment.engine, encoded, adapter, options) : baseLogps;
  const rowLogps = rowScores(scoredRows(task.test), logps, baseLogps);
  const { preferenceAccuracy, rewardAccuracy, margin } = preferenceScores(rowLogps);

  const isKept = !task.private || keepPrivate;
  const answers = await answerTask(evaluation, environment, task, isKept ? folder : null, label);
  const texts = scoreAnswers(
    rows.map(({ chosen }, at) => ({ prediction: answers[at]!.text, reference: chosen })),
  );
  const judged = task.judge && rows.map((row, at) => task.judge!.score(answers[at]!.text, judgedPrompt(row)));
  const rated = await rate(evaluation, environment, task, answers);

  const result: TaskResult = {
    name: task.name,
    data: file,
    sha256,
    private: task.private,
    rows: rows.length,
    cut_prompts: cutPrompts,
    skipped_rows: skippedRows,
    scores: {
      preference_accuracy: preferenceAccuracy,
      // Of the base over itself they would say nothing.
      reward_accuracy: adapter && rewardAccuracy,
      margin: adapter && margin,
      ...named(texts.mean),
      judge: judged && judged.reduce((sum, score) => sum + score, 0) / judged.length,
      llm_judge: rated && meanScore(rated),
    },
    judge: task.judge?.name ?? null,
    llm_judge: rated && {
      rubric: task.llm_judge!,
      model: evaluation.judgeClient!.model,
      scored: rows.length - rated.refusals - rated.failures,
      refusals: rated.refusals,
      failures: rated.failures,
    },
    answers: {
      tokens: answers.reduce((sum, { tokens }) => sum + tokens, 0),
      cut_off: answers.filter(({ finish_reason }) => finish_reason === 'length').length,
      empty: answers.filter(({ text }) => text.trim() === '').length,
      with_unknown_tokens: answers.filter(({ unknown_tokens }) => unknown_tokens > 0).length,
    },
  };
  const unscored = new Map(rated?.unscored.map(({ index, kind, reason }) => [index, { kind, reason }]));
  const predictions = rows.map(({ index, prompt, chosen }, at) => ({
    index,
    prompt,
    prediction: answers[at]!.text,
    reference: chosen,
    tokens: answers[at]!.tokens,
    finish_reason: answers[at]!.finish_reason,
    prefers_chosen: prefersChosen(rowLogps[at]!),
    ...(adapter ? { margin: rewardMargin(rowLogps[at]!) } : {}),
    ...named(texts.rows[at]!),
    ...(judged ? { judge: judged[at]! } : {}),
    ...(rated ? { llm_judge: rated.scores[at]! } : {}),
    ...(unscored.has(at) ? { llm_judge_unscored: unscored.get(at) } : {}),
  }));
  await folder.finish(result, isKept ? predictions : null);
  return result;
}

/** As `metrics` names them. */
function named({ bleu4, rouge1, rouge2, rougeL }: ReturnType<typeof scoreAnswers>['mean']) {
  return { 'bleu-4': bleu4, 'rouge-1': rouge1, 'rouge-2': rouge2, 'rouge-l': rougeL };
}

async function rate(
  { judgeClient }: Evaluation,
  { signal, progress, log }: EvaluationEnvironment,
  { llm_judge: rubric, test }: LoadedTask,
  answers: readonly KeptAnswer[],
): Promise<JudgeReport | null> {
  if (rubric === null) return null;
  if (!judgeClient) throw new Error('a task with an LLM judge needs a client to ask it');
  const items = test.rows.map((row, at) => ({ ...judgedPrompt(row), answer: answers[at]!.text }));
  const report = await createRatingJudge(judgeClient, rubric).judge(items, { signal, progress });
  const { requests, cached, tokens, cost, refusals, failures } = report;
  const spent = cost === null ? '' : `, cost ${cost.toPrecision(3)}`;
  const none = refusals + failures > 0 ? `; ${refusals} refused, ${failures} failed, not in the mean` : '';
  const sent = `${requests} requests, ${cached} known, ${tokens.prompt + tokens.reply} tokens${spent}`;
  log?.(`judge ${rubric} (${judgeClient.model}): ${sent}${none}`);
  return report;
}
