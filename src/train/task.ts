/** What happens to a task around its stages: its rows enter the replay buffer, its results are measured. */
import type { ReplayEntry } from '../data/replay-buffer.ts';
import { isSampled, measureTask, sampleAnswers } from './measure.ts';
import { measureGeneral } from './neutral.ts';
import { currentTask, type Run, taskLabel, taskNames } from './run.ts';
import { trainStage } from './stage.ts';
import { needsReference } from './stage-rows.ts';
import { beginTask, enterPhase, type ReplayedRow } from './state.ts';
import {
  hasSamples,
  type Moment,
  writeAnswers,
  writeGeneral,
  writeReplay,
  writeSamples,
  writeScores,
  writeTaskAdapter,
} from './task-records.ts';
import { evaluationScalars } from './tensorboard/scalars.ts';

/** Does the phase the run is in and enters the one after it. */
export async function advance(run: Run): Promise<void> {
  switch (run.state.phase) {
    case 'sft':
      return trainStage(run, 'sft', 'preference');
    case 'preference':
      return trainStage(run, 'preference', 'store');
    case 'store':
      return storeTask(run);
    case 'evaluate':
      return evaluateTasks(run);
  }
}

async function storeTask(run: Run): Promise<void> {
  const { state } = run;
  await writeTaskAdapter(run);
  const entries = state.replay ? await replayEntries(run) : [];
  const random = run.random.fork(`task ${state.task} replay`);
  const replay = state.replay?.withTask(entries, random) ?? null;
  if (state.replay && replay) await writeReplay(run, state.replay.entries, replay.entries);
  state.replay = replay;
  enterPhase(state, 'evaluate');
}

/** The task's rows as the buffer takes them; their reference log-probs are known from the stage just done. */
async function replayEntries(run: Run): Promise<ReplayEntry<ReplayedRow>[]> {
  const { state, config, environment } = run;
  const { name, train } = currentTask(run);
  const isRead = needsReference(run, 'preference') && config.stages.preference.epochs > 0;
  const options = { label: `${taskLabel(run)}, reference log-probs`, signal: environment.signal };
  const reference =
    run.reference && isRead ? await run.reference.policy.logProbs(train.encoded, options) : null;
  return train.rows.map((row, position) => ({
    task: name,
    row,
    payload: {
      task: state.task,
      position,
      reference: reference && {
        chosen: reference.chosen[position]!,
        rejected: reference.rejected[position]!,
      },
    },
  }));
}

/** One row of the result matrix, cell by cell. */
async function evaluateTasks(run: Run): Promise<void> {
  const { state, data, config } = run;
  const row = state.scores[state.task]!;
  const count = config.evaluate === 'all' ? data.tasks.length : state.task + 1;
  for (const [at, task] of data.tasks.slice(0, count).entries()) {
    if (row[at]) continue;
    const { scores, rows, answers } = await measureTask(
      run,
      task,
      state.adapter,
      `${taskLabel(run)}, testing ${task.name}`,
    );
    await writeScores(run, at, rows);
    if (answers) await writeAnswers(run, state.task, at, answers);
    row[at] = scores;
    await run.checkpoint('due');
  }
  await evaluateGeneral(run);
  const isLast = state.task === data.tasks.length - 1;
  await answerSamples(run, state.task, isLast ? data.tasks.map((_, at) => at) : [state.task]);
  run.tensorBoard?.scalars(state.steps, evaluationScalars(taskNames(run), state, state.task));
  beginTask(state);
}

/** The policy on neutral conversations, where the run measures that. */
async function evaluateGeneral(run: Run): Promise<void> {
  const { state, data, config, environment } = run;
  const { general: settings } = config;
  if (!settings || !data.neutral || state.general[state.task]) return;
  const measured = await measureGeneral(data.neutral, state.adapter, run.base, {
    engine: environment.engine,
    endTokens: environment.text.endTokens,
    maxNewTokens: settings.max_new_tokens,
    seed: config.seed,
    label: `${taskLabel(run)}, neutral conversations`,
    progress: environment.progress,
    signal: environment.signal,
  });
  await writeGeneral(run, measured);
  state.general[state.task] = measured.scores;
}

/** Answers for people to a few prompts of the given tasks that have no judge. */
export async function answerSamples(run: Run, moment: Moment, tasks: readonly number[]): Promise<void> {
  const wanted = tasks.filter((at) => isSampled(run.data.tasks[at]!) && !hasSamples(run, moment, at));
  const rows = wanted.map((at) => run.data.tasks[at]!);
  const adapter = moment === 'base' ? null : run.state.adapter;
  const label = `${moment === 'base' ? 'base model' : taskLabel(run)}, samples`;
  const samples = await sampleAnswers(run, rows, adapter, label);
  for (const [place, at] of wanted.entries()) {
    if (samples[place]!.length > 0) await writeSamples(run, moment, at, samples[place]!);
  }
}
