/**
 * One stage of a task: rows in, shuffled each epoch, step after step with a fresh optimizer and schedule.
 * Whatever happens between two steps, a run that goes on from there gives the same adapter.
 */
import type { Gradients } from '../method/method.ts';
import type { AdamW } from '../optim/adamw.ts';
import { scheduleFactor } from '../optim/schedule.ts';
import { silentProgress } from '../support/progress.ts';
import type { StageName } from './config/schema.ts';
import { batchGradients, type GradientPass, type StageRow } from './gradient-pass.ts';
import { type Run, taskLabel } from './run.ts';
import { epochBatches, ownRows, stageRows, weighsRows } from './stage-rows.ts';
import { enterPhase, type Phase, stageOptimizer } from './state.ts';
import { trainedGradients, trainStep } from './step.ts';
import type { StepRecord } from './step-log.ts';
import { stepRecord } from './step-record.ts';
import { writeConsolidation } from './task-records.ts';
import { stepScalars } from './tensorboard/scalars.ts';

/** Trains what is left of the stage the run is in, ends it as the method says, and enters `next`. */
export async function trainStage(run: Run, stage: StageName, next: Phase): Promise<void> {
  const { state, environment } = run;
  const settings = run.config.stages[stage];
  const rowCount = ownRows(run).length + (state.replay?.entries.length ?? 0);
  const total = settings.epochs * Math.ceil(rowCount / settings.batch_size);
  if (total === 0) return enterPhase(state, next);

  if (total === 1 && settings.warmup_ratio > 0) {
    environment.log?.(`warning: ${taskLabel(run)}, ${stage}: the only step is warm-up, at learning rate 0`);
  }
  const rows = await stageRows(run, stage);
  const batchAt = epochBatches(run, stage, rows);
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
  await endStage(run, stage, rows);
  enterPhase(state, next);
}

async function oneStep(
  run: Run,
  stage: StageName,
  optimizer: AdamW,
  batch: readonly StageRow[],
  total: number,
): Promise<StepRecord> {
  const { state } = run;
  const settings = run.config.stages[stage];
  const schedule = { name: settings.schedule, warmupRatio: settings.warmup_ratio, totalSteps: total };
  const learningRate = settings.learning_rate * scheduleFactor(schedule, state.step);
  const start = performance.now();
  const result = await trainStep({
    ...gradientPass(run, stage, batch),
    method: state.method,
    optimizer,
    learningRate,
    maxGradNorm: settings.max_grad_norm,
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

/** A pass over some of the stage's rows with the policy as it stands. */
function gradientPass(run: Run, stage: StageName, rows: readonly StageRow[]): GradientPass {
  const { state, environment, config, data } = run;
  return {
    engine: environment.engine,
    objective: run.objectives[stage],
    rows,
    adapter: state.adapter,
    referenceAdapter: run.reference ? run.reference.adapter : state.taskStart,
    weighting: weighsRows(run, stage) ? state.method.weighting! : null,
    backward: config.backward,
    maxLength: data.maxLength,
    signal: environment.signal,
  };
}

async function endStage(run: Run, stage: StageName, rows: readonly StageRow[]): Promise<void> {
  const { state } = run;
  const change = { before: state.stageStart, after: state.adapter };
  await run.environment.onStageTrained?.({ name: stage, ...change });
  const result = await state.method.endStage?.({
    ...change,
    rows: rows.length,
    rowGradients: () => rowGradients(run, stage, rows),
  });
  if (!result) return;
  if (result.reports) await writeConsolidation(run, stage, result.reports);
  state.adapter = result.adapter;
}

/** Each row as an effective batch of its own. */
async function* rowGradients(
  run: Run,
  stage: StageName,
  rows: readonly StageRow[],
): AsyncGenerator<Gradients> {
  const { state, environment } = run;
  const label = `${taskLabel(run)}, ${stage}, gradients by row`;
  const progress = (environment.progress ?? silentProgress)({ label, total: rows.length, unit: 'rows' });
  try {
    for (const row of rows) {
      environment.signal?.throwIfAborted();
      const { gradients } = await batchGradients(gradientPass(run, stage, [row]));
      yield trainedGradients(state.method, state.adapter, gradients);
      progress.advance(1);
    }
  } finally {
    progress.stop();
  }
}
