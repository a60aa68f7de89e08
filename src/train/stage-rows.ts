/** The rows a stage trains on, with the log-probs that its objective and its method read, and their order. */
import type { RowLogProbs } from '../engine/engine.ts';
import { REFERENCE_CONSTANTS } from '../objective/log-ratio.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { StageName } from './config/schema.ts';
import type { PairLogProbs, StageRow } from './gradient-pass.ts';
import { FixedPolicy } from './reference.ts';
import { currentTask, type Run, taskLabel } from './run.ts';

/** Rows of the task itself: of all tasks, for a method that takes them at once. */
export function ownRows(run: Run): readonly EncodedRow[] {
  const tasks = run.method.tasks === 'at once' ? run.data.tasks : [currentTask(run)];
  return tasks.flatMap(({ train }) => train.encoded);
}

/** The task's own rows and the replayed ones. */
export async function stageRows(run: Run, stage: StageName): Promise<readonly StageRow[]> {
  const { state, data, environment } = run;
  const own = ownRows(run);
  const replayed = state.replay?.entries.map((entry) => entry.payload) ?? [];
  const replayedRows = replayed.map(({ task, position }) => data.tasks[task]!.train.encoded[position]!);
  const rows = [...own, ...replayedRows];
  const options = {
    label: `${taskLabel(run)}, reference log-probs`,
    progress: environment.progress,
    signal: environment.signal,
  };
  const atTaskStart = async () => {
    const policy = await FixedPolicy.open(state.taskStart, environment);
    return pairsOf(await policy.logProbs(rows, options));
  };
  const underReference = async (): Promise<readonly (PairLogProbs | null)[]> => {
    if (!run.reference) return atTaskStart();
    const known = pairsOf(await run.reference.policy.logProbs(own, options));
    return [...known, ...replayed.map(({ reference }) => reference)];
  };
  const reference = needsReference(run, stage) ? await underReference() : null;
  const taskStart = weighsRows(run, stage) ? await atTaskStart() : null;
  return rows.map((encoded, at) => ({
    encoded,
    reference: reference?.[at] ?? null,
    taskStart: taskStart?.[at] ?? null,
  }));
}

function pairsOf({ chosen, rejected }: RowLogProbs): PairLogProbs[] {
  return Array.from(chosen, (logp, at) => ({ chosen: logp, rejected: rejected[at]! }));
}

/**
 * The rows of each of the stage's steps, counted from 0. An epoch's order is decided by seed, task, stage and
 * epoch alone, and kept until the next epoch: a shuffle costs as much as there are rows.
 */
export function epochBatches(run: Run, stage: StageName, rows: readonly StageRow[]) {
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

/** Whether a stage's objective compares with the reference policy. */
export function readsReference(run: Run, stage: StageName): boolean {
  return REFERENCE_CONSTANTS.some((name) => run.objectives[stage].constants.includes(name));
}

/** Whether a stage's rows carry their log-probs under the reference policy, for objective or method. */
export function needsReference(run: Run, stage: StageName): boolean {
  return readsReference(run, stage) || (stage === 'preference' && run.method.readsReference);
}

/** Whether the method weighs a stage's rows: SFT compares no responses, which weights are made of. */
export function weighsRows({ state }: Run, stage: StageName): boolean {
  return stage === 'preference' && state.method.weighting !== undefined;
}
