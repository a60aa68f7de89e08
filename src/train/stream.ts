/**
 * A run from its config to its result matrix: the loop stream -> task -> stage -> step. Read on in task.ts,
 * stage.ts and step.ts.
 */
import { Interrupted } from '../support/errors.ts';
import type { RunConfig } from './config/schema.ts';
import type { RunEnvironment } from './environment.ts';
import { measureTask } from './measure.ts';
import { baseLoss } from './neutral.ts';
import { openRun } from './open.ts';
import {
  type BaseScores,
  type RunSummary,
  runSummary,
  streamScores,
  writeMatrix,
  writeSummary,
} from './results.ts';
import { position, type Run } from './run.ts';
import type { TaskScores } from './state.ts';
import { advance, answerSamples } from './task.ts';
import { readBaseAnswers, writeAnswers } from './task-records.ts';

/**
 * Trains a method over a stream of tasks and measures it after each. Everything is checked before anything
 * is written.
 *
 * @throws {UserError} for data, adapters or an output folder that cannot be used, one that another process
 *   is at work in, and for training that diverged.
 * @throws {Interrupted} after an abort; what was done is saved and can be resumed.
 */
export async function runStream(config: RunConfig, environment: RunEnvironment): Promise<RunSummary> {
  const run = await openRun(config, environment);
  const { state, data } = run;
  try {
    const base = await scoreBase(run);
    while (state.task < data.tasks.length) {
      const { task } = state;
      await advance(run);
      await run.checkpoint('now');
      if (state.task > task) await writeMatrix(run, streamScores(run, base));
    }
    const scores = streamScores(run, base);
    const summary = runSummary(run, scores);
    await writeMatrix(run, scores);
    await writeSummary(run, summary);
    return summary;
  } catch (error) {
    const signal = environment.signal;
    if (!signal?.aborted || error !== signal.reason) throw error;
    await run.checkpoint('now');
    const where = position(state, data.tasks);
    throw new Interrupted(`interrupted at ${where}; everything up to there is saved: continue with --resume`);
  } finally {
    run.close();
  }
}

/** The base on every task's test rows: the row above the matrix, and the reference of every reward. */
async function scoreBase(run: Run): Promise<BaseScores> {
  const results: TaskScores[] = [];
  for (const [at, task] of run.data.tasks.entries()) {
    const known = task.judge ? await readBaseAnswers(run, at) : undefined;
    const label = `base model, testing ${task.name}`;
    const { scores, answers } = await measureTask(run, task, null, label, known);
    if (answers && !known) await writeAnswers(run, 'base', at, answers);
    results.push(scores);
  }
  await answerSamples(
    run,
    'base',
    run.data.tasks.map((_, at) => at),
  );
  const { base, data, environment } = run;
  const { progress, signal } = environment;
  const options = { label: 'base model, neutral conversations', progress, signal };
  return { tasks: results, loss: data.neutral && (await baseLoss(data.neutral, base, options)) };
}
