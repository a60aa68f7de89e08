/** A new task's rows and everything that can be wrong with them, known before anything is trained. */
import { access, constants } from 'node:fs/promises';
import { isBuiltinSource, readBuiltinTask, resolveSource } from '../data/builtin/source.ts';
import { isDatasetInfo } from '../data/formats/llama-factory.ts';
import { countOverlap } from '../data/overlap.ts';
import { readPreferenceRows } from '../data/read-rows.ts';
import type { TaskRecord } from '../memory/store/records.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import { UserError } from '../support/errors.ts';
import { fileError } from '../support/file-error.ts';
import { taskNameSchema } from '../train/config/schema.ts';
import type { TextSide } from '../train/environment.ts';
import { encodeTaskRows, type TaskRows, untoldOf, withoutTelling } from '../train/task-rows.ts';
import type { LearnSettings } from './config.ts';
import type { EarlierTaskRows } from './earlier.ts';
import { resolutionWarning } from './gate/resolution.ts';
import { type SplitRows, splitRows } from './split.ts';

export interface NewTaskFiles {
  readonly task: string;
  /** Paths, or built-in rows by name. */
  readonly data: string;
  /** Rows to report on, where they are in a file of their own. */
  readonly test: string | null;
  /** Its rows' texts are shown nowhere. */
  readonly private: boolean;
}

export interface NewTask {
  readonly task: string;
  readonly private: boolean;
  readonly data: TaskRecord['data'];
  readonly rows: SplitRows;
}

/**
 * What can be refused before the base is open, which may take a while.
 * @throws {UserError} for a name that is no name or is taken, files that are not there.
 */
export async function checkNewTask(
  store: MemoryStore,
  { task, data, test }: Pick<NewTaskFiles, 'task' | 'data' | 'test'>,
): Promise<void> {
  checkTaskName(task);
  await checkNameIsFree(store, (await store.head()).commit, task);
  for (const source of test === null ? [data] : [data, test]) {
    if (isBuiltinSource(source)) readBuiltinTask(source);
    else await checkReadable(isDatasetInfo(source) ? source.split('#', 1)[0]! : source);
  }
}

async function checkReadable(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw fileError(error, file, 'read');
  }
}

/** Before anything is looked for under the name. @throws {UserError} for one that is none. */
export function checkTaskName(task: string): void {
  const name = taskNameSchema.safeParse(task);
  if (!name.success) throw new UserError(`--task ${task}: ${name.error.issues[0]?.message}`);
}

/**
 * @param maxLength tokens of a row
 * @throws {UserError} for a name that is no name, rows that cannot be used or are too few for the gate.
 */
export async function loadNewTask(
  { task, data, test, private: isPrivate }: NewTaskFiles,
  { run, split, gate }: Pick<LearnSettings, 'run' | 'split' | 'gate'>,
  { text, maxLength, log }: { text: TextSide; maxLength: number; log: (line: string) => void },
): Promise<NewTask> {
  checkTaskName(task);
  const read = async (source: string): Promise<TaskRows> => {
    const invalidRows = run.invalid_rows;
    const file = await readPreferenceRows(resolveSource('.', source), { invalidRows });
    const options = { text, maxLength, invalidRows, limit: null, use: 'encoded', log } as const;
    return encodeTaskRows(file, { ...options, ...untoldOf(isPrivate) });
  };
  return withoutTelling(isPrivate, async () => {
    const rows = await read(data);
    const own = test === null ? null : await read(test);
    const parts = splitRows(rows, own, split, run.seed);
    const overlap = own === null ? 0 : countOverlap([...parts.train.rows, ...parts.gate.rows], own.rows);
    if (overlap > 0) {
      const share = `${overlap} of ${own!.rows.length} rows of ${own!.file}`;
      log(`warning: task ${task}: ${share} have a prompt that is trained on or that the gate looks at`);
    }
    const doubt = resolutionWarning(task, parts.gate.rows.length, gate);
    if (doubt !== null) log(`warning: ${doubt}`);
    return { task, private: isPrivate, data: { file: rows.file, sha256: rows.sha256 }, rows: parts };
  });
}

/** Rows that an earlier task is judged and reported by, and the new one is trained on: those scores then flatter. */
export function warnOfSeen(
  { task, rows }: NewTask,
  earlier: readonly EarlierTaskRows[],
  log: (line: string) => void,
): void {
  for (const { name, gate, report } of earlier) {
    const held = [...(gate?.rows ?? []), ...(report?.rows ?? [])];
    const seen = countOverlap(rows.train.rows, held);
    if (seen === 0) continue;
    log(
      `warning: task ${task}: its training rows have the prompts of ${seen} of the ${held.length} rows by which ` +
        `${name} is judged and reported, whose scores will flatter`,
    );
  }
}

/** @throws {UserError} if a task of this name, letter case aside, is part of the memory. */
async function checkNameIsFree(store: MemoryStore, head: Commit, task: string): Promise<void> {
  const names = (await store.tasks(head)).map((record) => record.task);
  const taken = names.find((name) => name.toLowerCase() === task.toLowerCase());
  if (taken === undefined) return;
  const isFree = (name: string) => names.every((other) => other.toLowerCase() !== name.toLowerCase());
  let number = 2;
  while (!isFree(`${task}-${number}`)) number++;
  const advice = `learn more of it as --task ${task}-${number}, or drop it first`;
  throw new UserError(`--task ${task}: the memory has learned a task "${taken}" already; ${advice}`);
}
