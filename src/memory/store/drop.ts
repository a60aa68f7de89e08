/** A task taken out of a memory: what it would be had the task's refined memories never been merged. */
import type { LoraAdapter } from '../../model/adapter.ts';
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { bufferSchema, type CommitMetrics, commitSchema, metricsSchema } from './records.ts';
import { replay } from './replay.ts';
import type { Commit, MemoryStore } from './store.ts';
import { putTensors } from './tensors.ts';
import { type FoundRow, rowsOfTask } from './withdraw.ts';

export interface PlannedDrop {
  readonly task: string;
  readonly onto: Commit;
  /** Stages whose refined memories are left out, and those that remain, oldest first. */
  readonly removed: readonly Commit[];
  readonly remaining: readonly Commit[];
  readonly adapter: LoraAdapter;
  /** That will be withdrawn. */
  readonly rows: readonly FoundRow[];
}

export interface DropOptions {
  /** On every task, the dropped one too, before and after. */
  readonly metrics?: CommitMetrics | null;
  readonly note?: string;
}

/** @throws {UserError} for a task that the head has not learned, naming those it has. */
export async function planDrop(store: MemoryStore, task: string): Promise<PlannedDrop> {
  const { commit } = await store.head();
  const learned = await store.learned(commit);
  const removed = learned.filter((stage) => stage.task === task);
  if (removed.length === 0) {
    const known = [...new Set(learned.map((stage) => stage.task!))];
    const list = known.length === 0 ? 'it has learned none' : `it has learned ${known.join(', ')}`;
    const hint =
      (await rowsOfTask(store, task)).length > 0
        ? ` There are rows of it, as of a task that was refused; "memory forget --task ${task}" withdraws them.`
        : didYouMean(task, known);
    throw new UserError(`${store.folder}: version ${commit.number} has no task "${task}"; ${list}.${hint}`);
  }
  const remaining = learned.filter((stage) => stage.task !== task);
  const adapter = await replay(store, commit, remaining);
  return { task, onto: commit, removed, remaining, adapter, rows: await rowsOfTask(store, task) };
}

/** Tasks learned after the dropped one had been, and therefore with its changes in place. */
export function laterTasks({ removed, remaining }: PlannedDrop): readonly string[] {
  const first = removed[0]!.number;
  return [...new Set(remaining.filter(({ number }) => number > first).map(({ task }) => task!))];
}

/** Writes the commit; returns its hash. */
export async function putDrop(
  store: MemoryStore,
  { task, onto: parent, adapter }: PlannedDrop,
  { metrics, note, time, number }: Required<DropOptions> & { readonly time: string; readonly number: number },
): Promise<string> {
  const { objects } = store.layout;
  const entries = (await store.buffer(parent)).filter((row) => row.task !== task);
  return objects.putRecord(commitSchema, {
    number,
    parent: parent.hash,
    kind: 'drop',
    task,
    stage: null,
    time,
    note,
    config: await objects.putJson(await store.config()),
    hashes: { ...parent.hashes, data: null },
    lora: parent.lora,
    precisions: [],
    adapter: await putTensors(objects, adapter),
    short_term: null,
    refined: null,
    consolidation: null,
    rows: null,
    buffer: await objects.putRecord(bufferSchema, { entries }),
    metrics: metrics === null ? null : await objects.putRecord(metricsSchema, metrics),
  });
}
