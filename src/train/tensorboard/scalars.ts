/**
 * What a run measures, as numbers by TensorBoard's tags, whose part before the first slash groups the curves.
 * The names after it are those of steps.jsonl and matrix.json.
 */
import { summariseMatrix } from '../../eval/matrix.ts';
import type { RunState, TaskScores } from '../state.ts';
import type { StepRecord } from '../step-log.ts';

/**
 * One optimizer step: `train/loss`, `train/logps/chosen`, ...; `null`s are left out.
 * @param task the task's position in the stream, from 0; `train/task` counts from 1, as folders do
 */
export function stepScalars(record: StepRecord, task: number): Record<string, number> {
  const { task: _name, stage: _stage, step: _withinStage, ...numbers } = record;
  return measured({ 'train/task': task + 1, ...prefixed('train', numbers) });
}

/**
 * The row of the result matrix that belongs to the task just finished: `eval/<task>/preference_accuracy`, ... in
 * percent, the margin in nats; scores that were not measured are left out. `eval/last` and `eval/ap` summarise
 * preference accuracy over the tasks seen so far, as if the stream ended here.
 * @param tasks names in the stream's order
 * @param state `scores[i][j]`: on task j's test rows after task i; `general[i]`: on neutral conversations
 * @param task the finished task's position in the stream, from 0
 */
export function evaluationScalars(
  tasks: readonly string[],
  { scores, general }: Pick<RunState, 'scores' | 'general'>,
  task: number,
): Record<string, number> {
  const seen = scores.slice(0, task + 1);
  const { last, ap } = summariseMatrix(
    seen.map((row) => row.map((cell) => cell?.preferenceAccuracy ?? null)),
  );
  const cells = tasks.map((name, at) => prefixed(`eval/${name}`, namedScores(scores[task]?.[at] ?? null)));
  const { kl = null, loss = null } = general[task] ?? {};
  const whole = { 'eval/last': last, 'eval/ap': ap, 'eval/general/kl': kl, 'eval/general/loss': loss };
  return measured(Object.assign(whole, ...cells));
}

function namedScores(scores: TaskScores | null): Record<string, number | null> {
  if (scores === null) return {};
  const { preferenceAccuracy, rewardAccuracy, margin, judge } = scores;
  return { preference_accuracy: preferenceAccuracy, reward_accuracy: rewardAccuracy, margin, judge };
}

function prefixed(prefix: string, values: Readonly<Record<string, number | null>>): typeof values {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]));
}

function measured(values: Readonly<Record<string, number | null>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([tag, value]) => (value === null ? [] : [[tag, value]])),
  );
}
