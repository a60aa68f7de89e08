/** Memories of a few numbers: stages are made up, consolidated in earnest, and appended as `learn` does. */
import { consolidateAdapter } from '../../../src/memory/consolidate-adapter.ts';
import { createMemory } from '../../../src/memory/store/create.ts';
import type { CommitMetrics } from '../../../src/memory/store/records.ts';
import { nameRow, type RowText, type StoredRow } from '../../../src/memory/store/rows.ts';
import type { Commit, MemoryStore } from '../../../src/memory/store/store.ts';
import type { LearnedStage, LearnedTask, MemoryWriter } from '../../../src/memory/store/writer.ts';
import { type LoraAdapter, mapAdapter } from '../../../src/model/adapter.ts';
import { initialiseAdapter } from '../../../src/model/lora-modules.ts';
import { Random } from '../../../src/support/random.ts';

const modules = [0, 1].map((layer) => ({
  path: `model.layers.${layer}.self_attn.q_proj`,
  inFeatures: 7,
  outFeatures: 5,
}));
const lora = { rank: 3, alpha: 6, targets: ['q_proj'] };
export const settings = { threshold: 0.9, lambda: 0.5 };
export const hashes = { base: 'base hash', tokenizer: 'tokenizer hash', template: 'template hash' };
export const config = { base: 'tiny', lora, seed: 0, learn: { gate: { budget: 2 } } };
export const fresh: LoraAdapter = initialiseAdapter(lora, modules, Random.fromSeed(0));

/** A clock that goes on by a minute whenever it is looked at. */
export function clock(): () => Date {
  let minute = 0;
  return () => new Date(Date.UTC(2026, 0, 1, 0, minute++));
}

export function createSmallMemory(folder: string): Promise<MemoryStore> {
  return createMemory(folder, {
    ...{ config, hashes, adapter: fresh, precisions: [], note: 'begun', now: clock() },
  });
}

export function rowText(task: string, at: number): RowText {
  const prompt = [{ role: 'user', content: `${task}: what about ${at}?` }];
  return { prompt, chosen: `yes to ${at}`, rejected: `no to ${at}` };
}

export interface SmallTask {
  readonly stages?: readonly string[];
  readonly private?: boolean;
  /** Of the base. */
  readonly precision?: string;
  /** Tells the numbers of one task from another's. */
  readonly seed?: number;
}

/** What `learn` would append to the head. */
export async function smallTask(
  store: MemoryStore,
  task: string,
  {
    stages = ['sft', 'preference'],
    private: isPrivate = false,
    precision = 'float32',
    seed = 1,
  }: SmallTask = {},
): Promise<LearnedTask> {
  const { commit: onto } = await store.head();
  const named = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => nameRow(rowText(task, from + at)));
  const rows = { train: named(0, 6), gate: named(6, 8), report: named(8, 10) };
  const history = await store.history(onto);
  const random = Random.fromSeed(seed).fork(task);
  const learned: LearnedStage[] = [];
  let before = await store.adapter(onto);
  for (const stage of stages) {
    const own = random.fork(stage);
    const after = mapAdapter(before, ({ data }) => data.map((value) => value + 0.1 * (own.uniform() - 0.5)));
    const { adapter, refined, reports } = consolidateAdapter(before, after, history, settings);
    learned.push({
      stage,
      shortTerm: minus(after, before),
      refined,
      settings,
      reports,
      metrics: metrics(task),
    });
    history.append(refined);
    before = adapter;
  }
  const { data: _, ...ofBase } = onto.hashes;
  const data = { file: `${task}.json`, sha256: `hash of ${task}` };
  const buffer = [...(await store.buffer(onto)), ...rows.train.slice(0, 2).map((row) => entryOf(task, row))];
  return {
    task,
    private: isPrivate,
    onto,
    hashes: ofBase,
    precision,
    data,
    rows,
    stages: learned,
    buffer,
    note: `about ${task}`,
  };
}

export async function learnSmall(
  writer: MemoryWriter,
  task: string,
  options?: SmallTask,
): Promise<readonly Commit[]> {
  return writer.learn(await smallTask(writer.store, task, options));
}

function entryOf(task: string, { id }: StoredRow) {
  return { task, row: id, reference: { chosen: -1.5, rejected: -2.5 } };
}

function metrics(task: string): CommitMetrics {
  const scores = (accuracy: number) => ({ rows: 2, preference_accuracy: accuracy, margin: 0.25 });
  return { before: { [task]: scores(50) }, after: { [task]: scores(75) } };
}

function minus(one: LoraAdapter, other: LoraAdapter): LoraAdapter {
  return mapAdapter(one, ({ data }, name) =>
    data.map((value, at) => value - (other.tensors.get(name)?.data[at] ?? 0)),
  );
}
