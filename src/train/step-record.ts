/** What steps.jsonl says of a step, made of what the step computed. */
import type { StageName } from './config/schema.ts';
import type { StageRow } from './gradient-pass.ts';
import { currentTask, type Run } from './run.ts';
import { readsReference } from './stage-rows.ts';
import type { StepResult } from './step.ts';
import type { StepRecord } from './step-log.ts';

export function stepRecord(
  run: Run,
  stage: StageName,
  batch: readonly StageRow[],
  { loss, penalty, gradNorm, logps, tokens }: StepResult,
  { learningRate, seconds }: { readonly learningRate: number; readonly seconds: number },
): StepRecord {
  const beta = run.config.stages.preference.objective['beta'];
  const rewards =
    readsReference(run, stage) && typeof beta === 'number'
      ? {
          chosen: batch.map((row, at) => beta * (logps.chosen[at]! - row.reference!.chosen)),
          rejected: batch.map((row, at) => beta * (logps.rejected[at]! - row.reference!.rejected)),
        }
      : null;
  const margins = rewards?.chosen.map((reward, at) => reward - rewards.rejected[at]!);
  const objective = run.objectives[stage];
  const focal = objective.focalFactor && margins?.map((margin) => objective.focalFactor!(margin));
  return {
    task: currentTask(run).name,
    stage,
    step: run.state.step + 1,
    loss,
    ...(penalty === null ? {} : { penalty }),
    grad_norm: gradNorm,
    'logps/chosen': mean(logps.chosen),
    'logps/rejected': objective.responses === 'pair' ? mean(logps.rejected) : null,
    'rewards/chosen': rewards && mean(rewards.chosen),
    'rewards/rejected': rewards && mean(rewards.rejected),
    'rewards/margins': margins ? mean(margins) : null,
    'rewards/accuracies': margins ? 100 * mean(margins.map((margin) => (margin > 0 ? 1 : 0))) : null,
    'focal/mean': focal ? mean(focal) : null,
    'focal/min': focal ? Math.min(...focal) : null,
    'focal/max': focal ? Math.max(...focal) : null,
    learning_rate: learningRate,
    tokens_per_second: tokens / seconds,
  };
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}
