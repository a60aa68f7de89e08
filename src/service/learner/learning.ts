/**
 * A collected task on its way into the memory: rows → data file → a learning process → what the memory's log says.
 * Whatever ends this process, the next holder of the lease comes here again: what is in the log is taken as it is, and
 * what is not goes on from the training's checkpoint.
 */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../../support/atomic-file.ts';
import { sha256 } from '../../support/hash.ts';
import type { Store } from '../store/open.ts';
import { taskRows } from './collect.ts';
import type { LearnEnd, LearnProgress, StartLearn } from './learn-process.ts';
import type { Lease } from './lease.ts';
import { type LearnedOutcome, type LearnerMemory, outcomeOf, withLock } from './memory.ts';
import type { LearnerSettings } from './settings.ts';
import { type LearnerTask, moveTask, recordDecision, releaseFeedback, taskById } from './tasks.ts';

export interface Learning {
  readonly store: Store;
  readonly memory: LearnerMemory;
  readonly lease: Lease;
  readonly settings: LearnerSettings;
  readonly startLearn: StartLearn;
  /** Aborted when the service ends. */
  readonly ending: AbortSignal;
  readonly onProgress: (progress: LearnProgress | null) => void;
}

/** Milliseconds that a process which was told to stop has for it. */
const GRACE = 20_000;

/** @returns whether there is something new: false where it has to be tried again later */
export async function learnTask(learning: Learning, task: LearnerTask): Promise<boolean> {
  const { store, memory, lease, ending } = learning;
  const before = await outcomeOf(memory.store, task.name);
  if (before) {
    // Of an instance that was killed.
    await rm(dataFile(memory, task), { force: true });
    return settle(learning, task, before);
  }
  const rows = await taskRows(store.db, task);
  const data = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const hash = sha256([data]);
  const started = await start(learning, task, { hash, rows: rows.length });
  if (!started) return true;
  const file = await writeData(memory, task, data);
  try {
    const restart = task.failures > 0 || (task.data_hash !== null && task.data_hash !== hash);
    const end = await runLearn(learning, task, { file, restart });
    lease.signal.throwIfAborted();
    const outcome = await outcomeOf(memory.store, task.name);
    if (outcome) return await settle(learning, started, outcome);
    if (ending.aborted) return false;
    return await unsettled(learning, started, end);
  } finally {
    learning.onProgress(null);
    // Feedback's texts lie nowhere longer than they have to.
    await rm(file, { force: true });
  }
}

async function start(
  { lease, memory, store }: Learning,
  task: LearnerTask,
  { hash, rows }: { hash: string; rows: number },
): Promise<LearnerTask | undefined> {
  const attempts = task.attempts + 1;
  const { commit: head } = await memory.store.head();
  const moved = await lease.fenced((transaction) =>
    moveTask(transaction, task, {
      ...{ to: 'learning', actor: 'learner', action: 'learn' },
      set: { attempts, data_hash: hash, from_version: head.number, rows },
      detail: { attempt: attempts, rows, onto: head.number, lease: lease.token },
    }),
  );
  return moved ? taskById(store.db, task.id) : undefined;
}

/** In the memory's cache folder, which is emptied when rows are withdrawn. */
function dataFile({ store }: LearnerMemory, { name }: LearnerTask): string {
  return join(store.cacheFolder, 'learner', `${name}.jsonl`);
}

async function writeData(memory: LearnerMemory, task: LearnerTask, data: string): Promise<string> {
  const file = dataFile(memory, task);
  await makeFolder(dirname(file));
  await writeFileAtomic(file, data);
  return file;
}

async function runLearn(
  { memory, settings, startLearn, lease, ending, onProgress }: Learning,
  { name }: LearnerTask,
  { file, restart }: { file: string; restart: boolean },
): Promise<LearnEnd> {
  const process = startLearn(
    {
      ...{ memory: memory.store.folder, task: name, data: file, restart },
      ...{ private: settings.private, set: settings.set, threads: settings.threads, nice: settings.nice },
    },
    onProgress,
  );
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
    return await process.ended;
  } finally {
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
async function unsettled(learning: Learning, task: LearnerTask, end: LearnEnd): Promise<boolean> {
  const { memory, lease, settings } = learning;
  const failures = task.failures + 1;
  const error = end.problem ?? (end.code === null ? 'it was killed' : `exit code ${end.code}`);
  const { commit: head } = await memory.store.head();
  // Bad input is bad the next time, unless what was begun before is in the way, or the memory was moved meanwhile.
  const isBad = end.code === 2 && task.attempts === 1 && head.number === task.from_version;
  const final = failures >= settings.attempts || isBad;
  if (!final) {
    await lease.fenced(async (transaction) => {
      await transaction
        .updateTable('learner_tasks')
        .set({ failures, error })
        .where('id', '=', task.id)
        .execute();
      const detail = { attempt: task.attempts, code: end.code, again: true };
      await recordDecision(transaction, {
        ...{ memory: memory.name, task, actor: 'learner', action: 'fail', from: task.state, to: task.state },
        detail,
      });
    });
    return false;
  }
  // Under the memory's lock nobody else can commit it: only then its feedback may go into another task.
  const given = await withLock(memory.store, async () => {
    if (await outcomeOf(memory.store, task.name)) return false;
    return lease.fenced(async (transaction) => {
      const released = await releaseFeedback(transaction, task);
      return moveTask(transaction, task, {
        ...{ to: 'failed', actor: 'learner', action: 'fail', reason: error },
        set: { failures, error },
        detail: { attempt: task.attempts, code: end.code, released },
      });
    });
  });
  if (given === true) await rm(join(memory.store.cacheFolder, 'learn', task.name), WHOLE);
  return given === true;
}

const WHOLE = { recursive: true, force: true } as const;
