/**
 * One stage of a task: rows in, shuffled each epoch, step after step with a fresh optimizer and schedule.
 * Whatever happens between two steps, a run that goes on from there gives the same adapter.
 */
import type { RowLogProbs } from '../engine/engine.ts';
import { REFERENCE_CONSTANTS } from '../objective/log-ratio.ts';
import type { AdamW } from '../optim/adamw.ts';
import { scheduleFactor } from '../optim/schedule.ts';
import { silentProgress } from '../support/progress.ts';
import type { StageName } from './config/schema.ts';
import { FixedPolicy } from './reference.ts';
import { currentTask, type Run, taskLabel } from './run.ts';
import { enterPhase, type Phase, stageOptimizer } from './state.ts';
import { type StageRow, type StepResult, trainStep } from './step.ts';
import type { StepRecord } from './step-log.ts';
import { writeConsolidation } from './task-records.ts';
import { stepScalars } from './tensorboard/scalars.ts';

/** Trains what is left of the stage the run is in, ends it as the method says, and enters `next`. */
export async function trainStage(run: Run, stage: StageName, next: Phase): Promise<void> {
  const { state, environment } = run;
  const settings = run.config.stages[stage];
  const rowCount = currentTask(run).train.encoded.length + (state.replay?.entries.length ?? 0);
  const total = settings.epochs * Math.ceil(rowCount / settings.batch_size);
  if (total === 0) return enterPhase(state, next);

  if (total === 1 && settings.warmup_ratio > 0) {
    environment.log?.(`warning: ${taskLabel(run)}, ${stage}: the only step is warm-up, at learning rate 0`);
  }
  const batchAt = epochBatches(run, stage, await stageRows(run, stage));
  state.optimizer ??= stageOptimizer(run.config, stage);
  const progress = (environment.progress ?? silentProgress)({
    label: `${taskLabel(run)}, ${stage}`,
    total,
    unit: 'steps',
    initial: state.step,
  });
  try {
    while (state.step < total) {
      environment.signal?.throwIfAborted();
      const record = await oneStep(run, stage, state.optimizer, batchAt(state.step), total);
      progress.advance(1, `loss ${record.loss.toPrecision(4)}`);
      await run.checkpoint('due');
    }
  } finally {
    progress.stop();
  }
  await endStage(run, stage);
  enterPhase(state, next);
}

async function oneStep(
  run: Run,
  stage: StageName,
  optimizer: AdamW,
  batch: readonly StageRow[],
  total: number,
): Promise<StepRecord> {
  const { state, environment } = run;
  const settings = run.config.stages[stage];
  const schedule = { name: settings.schedule, warmupRatio: settings.warmup_ratio, totalSteps: total };
  const learningRate = settings.learning_rate * scheduleFactor(schedule, state.step);
  const start = performance.now();
  const result = await trainStep({
    engine: environment.engine,
    objective: run.objectives[stage],
    rows: batch,
    adapter: state.adapter,
    referenceAdapter: run.reference ? run.reference.adapter : state.taskStart,
    backward: run.config.backward,
    optimizer,
    learningRate,
    maxGradNorm: settings.max_grad_norm,
    maxLength: Math.min(run.config.max_length, environment.text.maxPositions),
    signal: environment.signal,
  });
  const seconds = (performance.now() - start) / 1000;
  const record = stepRecord(run, stage, batch, result, { learningRate, seconds });

  // From here to the end nothing is awaited: an interruption finds the step done or not begun.
  state.stepLogBytes += run.stepLog.append(record);
  state.adapter = result.adapter;
  state.step += 1;
  state.steps += 1;
  run.tensorBoard?.scalars(state.steps, stepScalars(record, state.task));
  state.tokens += result.tokens;
  return record;
}

/**
 * The rows of each of the stage's steps, counted from 0. An epoch's order is decided by seed, task, stage and
 * epoch alone, and kept until the next epoch: a shuffle costs as much as there are rows.
 */
function epochBatches(run: Run, stage: StageName, rows: readonly StageRow[]) {
  const { batch_size: size } = run.config.stages[stage];
  const stepsPerEpoch = Math.ceil(rows.length / size);
  const orderOf = (epoch: number) =>
    run.random.fork(`task ${run.state.task} ${stage} epoch ${epoch}`).shuffle(rows);
  let latest: { readonly epoch: number; readonly order: readonly StageRow[] } | undefined;
  return (step: number): readonly StageRow[] => {
    const epoch = Math.floor(step / stepsPerEpoch);
    if (latest?.epoch !== epoch) latest = { epoch, order: orderOf(epoch) };
    const at = step % stepsPerEpoch;
    return latest.order.slice(at * size, (at + 1) * size);
  };
}

/** The task's own rows and the replayed ones, with the reference log-probs the objective reads. */
async function stageRows(run: Run, stage: StageName): Promise<readonly StageRow[]> {
  const { state, data, environment } = run;
  const own = currentTask(run).train.encoded;
  const replayed = state.replay?.entries.map((entry) => entry.payload) ?? [];
  const replayedRows = replayed.map(({ task, position }) => data.tasks[task]!.train.encoded[position]!);
  if (!readsReference(run, stage))
    return [...own, ...replayedRows].map((encoded) => ({ encoded, reference: null }));

  const options = {
    label: `${taskLabel(run)}, reference log-probs`,
    progress: environment.progress,
    signal: environment.signal,
  };
  if (run.reference) {
    const known = await run.reference.policy.logProbs(own, options);
    return [
      ...withReference(own, known),
      ...replayedRows.map((encoded, at) => ({ encoded, reference: replayed[at]!.reference })),
    ];
  }
  const taskStart = await FixedPolicy.open(state.taskStart, environment);
  const rows = [...own, ...replayedRows];
  return withReference(rows, await taskStart.logProbs(rows, options));
}

function withReference(rows: readonly StageRow['encoded'][], logps: RowLogProbs): StageRow[] {
  return rows.map((encoded, at) => ({
    encoded,
    reference: { chosen: logps.chosen[at]!, rejected: logps.rejected[at]! },
  }));
}

/** Whether a stage's objective compares with the reference policy. */
export function readsReference(run: Run, stage: StageName): boolean {
  return REFERENCE_CONSTANTS.some((name) => run.objectives[stage].constants.includes(name));
}

async function endStage(run: Run, stage: StageName): Promise<void> {
  const { state, method, config } = run;
  const ended = { before: state.stageStart, after: state.adapter, history: state.history };
  const result = method.hooks.endStage?.({ ...ended, consolidation: config.consolidation });
  if (!result) return;
  if (result.reports) await writeConsolidation(run, stage, result.reports);
  state.adapter = result.adapter;
  if (result.memory) state.history.append(result.memory);
}

function stepRecord(
  run: Run,
  stage: StageName,
  batch: readonly StageRow[],
  { loss, gradNorm, logps, tokens }: StepResult,
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
