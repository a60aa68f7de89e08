/** What the shadow stage has found so far, in numbers, and what it still waits for. */
import { bootstrapMean, type Interval } from '../../eval/statistics.ts';
import { Random } from '../../support/random.ts';
import type { LearnerComparisonsTable } from '../store/tables.ts';
import { recentPrompts } from './comparisons.ts';
import type { LearnerSettings } from './settings.ts';
import type { Db, LearnerTask } from './tasks.ts';
import { type Wait, waitForHours } from './waits.ts';

export interface ShadowSummary {
  /** Recent prompts to be answered. */
  readonly prompts: number;
  /** Answered by both. */
  readonly compared: number;
  /** Which the candidate, or the served version, could not answer. */
  readonly failed: number;
  /** Mean lengths; null where nothing is compared. */
  readonly serving_tokens: number | null;
  readonly candidate_tokens: number | null;
  /** Of the means, the candidate's over the served version's. */
  readonly length_ratio: number | null;
  /** % of answers that are equal. */
  readonly exact: number | null;
  /** Mean chrF2 of the candidate's answers with the served version's as reference, percent. */
  readonly similarity: number | null;
  /** Mean of `Answering.reward` under the candidate, its answer over the served one's, with a 95 % interval. */
  readonly reward: Interval | null;
}

type ComparedRow = Pick<
  LearnerComparisonsTable,
  'serving_text' | 'serving_tokens' | 'candidate_text' | 'candidate_tokens' | 'similarity' | 'reward'
>;

export function summarise(rows: readonly ComparedRow[], prompts: number): ShadowSummary {
  const both = rows.filter((row) => row.serving_text !== null && row.candidate_text !== null);
  const mean = (values: readonly number[]) =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  const serving = mean(both.map((row) => row.serving_tokens));
  const candidate = mean(both.map((row) => row.candidate_tokens));
  const rewards = both.flatMap(({ reward }) => (reward === null ? [] : [reward]));
  return {
    prompts: Math.max(prompts, rows.length),
    compared: both.length,
    failed: rows.length - both.length,
    serving_tokens: serving,
    candidate_tokens: candidate,
    length_ratio: serving === null || candidate === null || serving === 0 ? null : candidate / serving,
    exact: mean(both.map((row) => (row.serving_text === row.candidate_text ? 100 : 0))),
    similarity: mean(both.map((row) => row.similarity)),
    reward: rewards.length === 0 ? null : bootstrapMean(rewards, Random.fromSeed(0).fork('shadow'), REDRAWN),
  };
}

/** It is asked for often, and decides nothing. */
const REDRAWN = { resamples: 1000 };

/** Of a task that has, or had, the stage. */
export async function shadowSummary(
  db: Db,
  task: LearnerTask,
  { shadow }: Pick<LearnerSettings, 'shadow'>,
): Promise<ShadowSummary> {
  const rows = await db
    .selectFrom('learner_comparisons')
    .select([
      ...(['serving_text', 'serving_tokens', 'candidate_text', 'candidate_tokens'] as const),
      ...(['similarity', 'reward'] as const),
    ])
    .where('task_id', '=', task.id)
    .orderBy('position')
    .execute();
  const wanted =
    task.state === 'shadow' && shadow !== null
      ? (await recentPrompts(db, task, shadow.prompts)).length
      : rows.length;
  return summarise(rows, wanted);
}

/** Empty where the task may go on by itself. */
export function shadowWaits(
  task: Pick<LearnerTask, 'state_at'>,
  summary: ShadowSummary,
  { shadow }: Pick<LearnerSettings, 'shadow'>,
  now: number,
): readonly Wait[] {
  if (shadow === null) return [];
  const { prompts, compared, failed, length_ratio: ratio } = summary;
  const done = compared + failed;
  const most = shadow.length_ratio;
  const reasons = [
    ...(failed > 0 ? [`${failed} prompts could not be answered by both versions`] : []),
    ...(ratio !== null && (ratio > most || ratio < 1 / most)
      ? [`mean lengths are a factor of ${ratio.toFixed(2)} apart`]
      : []),
  ];
  return [
    ...(done < prompts ? [{ kind: 'comparisons', have: done, need: prompts } as const] : []),
    ...waitForHours(task.state_at, shadow.hours, now),
    ...(done < prompts ? [] : reasons.map((reason) => ({ kind: 'admin', reason }) as const)),
  ];
}
