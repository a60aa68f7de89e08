/**
 * A collected task on its way into the memory: rows → data file → a learning process → what the memory's log says.
 * Whatever ends this process, the next holder of the lease comes here again: what is in the log is taken as it is, and
 * what is not goes on from the training's checkpoint, until so many processes have come to no result that the task has
 * failed.
 */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { sha256 } from '../../support/hash.ts';
import { errorFields, type Logger } from '../http/log.ts';
import type { Store } from '../store/open.ts';
import { taskRows } from './collect.ts';
import type { LearnEnd, LearnProgress, StartLearn } from './learn-process.ts';
import type { Lease } from './lease.ts';
import { type LearnedOutcome, type LearnerMemory, outcomeOf, withLock } from './memory.ts';
import type { LearnerSettings } from './settings.ts';
import { type Db, fruitless, type LearnerTask, moveTask, recordDecision, taskById } from './tasks.ts';

export interface Learning {
  readonly store: Store;
  readonly memory: LearnerMemory;
  readonly lease: Lease;
  readonly settings: LearnerSettings;
  readonly startLearn: StartLearn;
  readonly logger: Logger;
  /** Aborted when the service ends. */
  readonly ending: AbortSignal;
  readonly onProgress: (progress: LearnProgress | null) => void;
}

/** Milliseconds that a process which was told to stop has for it. */
const GRACE = 20_000;
const HOUR = 3_600_000;

/** @returns whether there is something new: false where it has to be tried again later */
export async function learnTask(learning: Learning, task: LearnerTask): Promise<boolean> {
  const { memory, settings } = learning;
  const before = await outcomeOf(memory.store, task.name);
  if (before) {
    // Of an instance that was killed.
    await rm(dataFile(memory, task), { force: true });
    return settle(learning, task, before);
  }
  // Nobody saw how the last process ended: it took the service with it, or the service its lease.
  if (fruitless(task) >= settings.attempts) return setAside(learning, task);
  const started = await begin(learning, task);
  if (!started) return true;
  try {
    return await attempt(learning, task, started);
  } finally {
    learning.onProgress(null);
    // Feedback's texts lie nowhere longer than they have to.
    await rm(dataFile(memory, task), { force: true });
  }
}

/** Counts the process before anything is done for it, so that it counts though everything be killed by it. */
async function begin(
  { lease, memory, store }: Learning,
  task: LearnerTask,
): Promise<LearnerTask | undefined> {
  const attempts = task.attempts + 1;
  const { commit: head } = await memory.store.head();
  const moved = await lease.fenced((transaction) =>
    moveTask(transaction, task, {
      ...{ to: 'learning', actor: 'learner', action: 'learn' },
      set: { attempts, retry_at: null, from_version: head.number },
      detail: { attempt: attempts, onto: head.number, lease: lease.token },
    }),
  );
  return moved ? taskById(store.db, task.id) : undefined;
}

async function attempt(learning: Learning, before: LearnerTask, task: LearnerTask): Promise<boolean> {
  const { memory, lease, ending, logger } = learning;
  let end: LearnEnd;
  try {
    const { file, hash } = await handOver(learning, task);
    const restart = before.failures > 0 || (before.data_hash !== null && before.data_hash !== hash);
    end = await runLearn(learning, task, { file, restart });
  } catch (error) {
    lease.signal.throwIfAborted();
    logger.error({ task: task.name, ...errorFields(error) }, 'a task could not be handed over');
    end = { code: null, problem: error instanceof UserError ? error.message : 'it could not be handed over' };
  }
  lease.signal.throwIfAborted();
  const outcome = await outcomeOf(memory.store, task.name);
  if (outcome) return settle(learning, task, outcome);
  if (!ending.aborted) return unsettled(learning, task, end);
  await lease.fenced((transaction) => change(transaction, task, { stops: task.stops + 1 }));
  return false;
}

/** Writes the task's rows as they are now. */
async function handOver(
  { store, memory, lease }: Learning,
  task: LearnerTask,
): Promise<{ readonly file: string; readonly hash: string }> {
  const rows = await taskRows(store.db, task);
  const data = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const hash = sha256([data]);
  await lease.fenced((transaction) => change(transaction, task, { data_hash: hash, rows: rows.length }));
  const file = dataFile(memory, task);
  await makeFolder(dirname(file));
  await writeFileAtomic(file, data);
  return { file, hash };
}

/** Of a task that stays in its state. */
async function change(
  transaction: Db,
  { id }: LearnerTask,
  set: Partial<Pick<LearnerTask, 'stops' | 'failures' | 'error' | 'retry_at' | 'data_hash' | 'rows'>>,
): Promise<void> {
  await transaction.updateTable('learner_tasks').set(set).where('id', '=', id).execute();
}

/** In the memory's cache folder, which is emptied when rows are withdrawn. */
function dataFile({ store }: LearnerMemory, { name }: LearnerTask): string {
  return join(store.cacheFolder, 'learner', `${name}.jsonl`);
}

async function runLearn(
  { memory, settings, startLearn, lease, ending, onProgress }: Learning,
  { name }: LearnerTask,
  { file, restart }: { file: string; restart: boolean },
): Promise<LearnEnd> {
  let silence: NodeJS.Timeout | undefined;
  let isStuck = false;
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      isStuck = true;
      process.kill();
    }, HOUR * settings.silence);
  };
  const process = startLearn(
    {
      ...{ memory: memory.store.folder, task: name, data: file, restart },
      ...{ private: settings.private, set: settings.set, threads: settings.threads, nice: settings.nice },
    },
    (progress) => {
      listen();
      onProgress(progress);
    },
  );
  listen();
  let timer: NodeJS.Timeout | undefined;
  // Another may be at it already: not a moment longer.
  const kill = () => process.kill();
  const stop = () => {
    process.stop();
    timer = setTimeout(kill, GRACE);
  };
  lease.signal.addEventListener('abort', kill, { once: true });
  ending.addEventListener('abort', stop, { once: true });
  if (lease.signal.aborted) kill();
  else if (ending.aborted) stop();
  try {
    const end = await process.ended;
    return isStuck ? { code: null, problem: `it made no progress for ${settings.silence} hours` } : end;
  } finally {
    clearTimeout(silence);
    clearTimeout(timer);
    lease.signal.removeEventListener('abort', kill);
    ending.removeEventListener('abort', stop);
  }
}

/** What the memory's log says: a new version, or one that the gate has refused. */
async function settle(
  { lease }: Learning,
  task: LearnerTask,
  { committed, commit, gate }: LearnedOutcome,
): Promise<boolean> {
  const detail = { version: commit.number, commit: commit.hash };
  const set = { version: commit.number, commit_hash: commit.hash, gate, error: null };
  await lease.fenced((transaction) =>
    committed
      ? moveTask(transaction, task, { to: 'shadow', actor: 'learner', action: 'shadow', detail, set })
      : moveTask(transaction, task, {
          ...{ to: 'refused', actor: 'learner', action: 'refuse', detail, set },
          reason: 'the gate refuses it',
        }),
  );
  return true;
}

/** The process has ended, and the memory knows nothing of the task. */
async function unsettled(
  learning: Learning,
  task: LearnerTask,
  { code, problem }: LearnEnd,
): Promise<boolean> {
  const { memory, lease, settings } = learning;
  const failures = task.failures + 1;
  const error = problem ?? (code === null ? 'it was killed' : `exit code ${code}`);
  const { commit: head } = await memory.store.head();
  const wasMoved = head.number !== task.from_version;
  // Bad input is bad the next time, unless what was begun before is in the way, or the memory was moved meanwhile.
  const isBad = code === 2 && task.attempts === 1 && !wasMoved;
  const isLast = isBad || fruitless(task) >= settings.attempts;
  // The next one begins anew: what was in the way is no reason to wait.
  const isAtOnce = isLast || wasMoved || code === 2;
  const retry_at = isAtOnce ? null : Date.now() + Math.round(HOUR * settings.retry);
  await lease.fenced(async (transaction) => {
    await change(transaction, task, { failures, error, retry_at });
    if (isLast) return;
    await recordDecision(transaction, {
      ...{ memory: memory.name, task, actor: 'learner', action: 'fail', from: task.state, to: task.state },
      detail: { attempt: task.attempts, code, again: true },
    });
  });
  return isLast && setAside(learning, { ...task, failures, error });
}

/** Fails the task, whose feedback stays with it: in the next task it would do the same again. */
async function setAside({ memory, lease, logger }: Learning, task: LearnerTask): Promise<boolean> {
  const reason = reasonOf(task);
  // Under the memory's lock nobody else can commit it: only then it may be given up.
  const given = await withLock(memory.store, async () => {
    if (await outcomeOf(memory.store, task.name)) return false;
    return lease.fenced((transaction) =>
      moveTask(transaction, task, {
        ...{ to: 'failed', actor: 'learner', action: 'fail', reason },
        set: { error: task.error ?? UNSEEN },
        detail: { attempt: task.attempts },
      }),
    );
  });
  if (given !== true) return false;
  logger.error(
    { task: task.name, reason },
    'a task has failed; its feedback stays with it until it is released',
  );
  await rm(join(memory.store.cacheFolder, 'learn', task.name), { recursive: true, force: true });
  return true;
}

const UNSEEN = 'the service was killed, or lost its lease, while it learned';

function reasonOf(task: LearnerTask): string {
  const { failures, error } = task;
  const count = fruitless(task);
  if (count === 1) return error ?? UNSEEN;
  const unseen = count - failures;
  const why = [
    ...(unseen > 0 ? [`in ${unseen} of them ${UNSEEN}`] : []),
    ...(error === null ? [] : [`the last error: ${error}`]),
  ];
  return `${count} processes came to no result: ${why.join('; ')}`;
}
