/** A learned task on its way into a memory: its rows, and a commit for each of its stages. */
import type { LoraAdapter } from '../../model/adapter.ts';
import type { ConsolidationSettings, MatrixReport } from '../consolidate.ts';
import { mergeRefined } from './merge.ts';
import {
  type BaseHashes,
  type BufferEntry,
  bufferSchema,
  type CommitMetrics,
  commitSchema,
  metricsSchema,
  type RowsManifest,
  type TaskRecord,
  taskRecordSchema,
} from './records.ts';
import { putRows, type StoredRow } from './rows.ts';
import type { Commit, Entry, MemoryStore } from './store.ts';
import { summarise } from './summary.ts';
import { putTensors } from './tensors.ts';

/** One stage of a task, trained and consolidated. */
export interface LearnedStage {
  /** `sft` or `preference`. */
  readonly stage: string;
  /** What training changed: W_after − LM. */
  readonly shortTerm: LoraAdapter;
  readonly refined: LoraAdapter;
  readonly settings: ConsolidationSettings;
  readonly reports: ReadonlyMap<string, MatrixReport>;
  /** On every task, before and after the stage; `null`: not measured. */
  readonly metrics: CommitMetrics | null;
}

export interface LearnedTask {
  readonly task: string;
  readonly private: boolean;
  /** The commit that was trained on: the head, or the memory has moved on and this is refused. */
  readonly onto: Commit;
  readonly hashes: BaseHashes;
  /** Of the base that was trained over. */
  readonly precision: string;
  readonly data: TaskRecord['data'];
  /** Every row that may be needed again; in no two of the lists. */
  readonly rows: {
    readonly train: readonly StoredRow[];
    readonly gate: readonly StoredRow[];
    readonly report: readonly StoredRow[];
  };
  /** In order; those of zero epochs are left out. */
  readonly stages: readonly LearnedStage[];
  /** The replay buffer after the task. */
  readonly buffer: readonly BufferEntry[];
  /** The whole config as it was resolved; left out: the memory's as it is now. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Kept with the split. */
  readonly details?: TaskRecord['details'];
  readonly note?: string;
}

/** The manifest with the task's rows in it. */
export async function addRows(
  store: MemoryStore,
  { task, rows }: LearnedTask,
  entry: Entry,
): Promise<RowsManifest> {
  const manifest = await store.manifest(entry);
  const all = [...rows.train, ...rows.gate, ...rows.report];
  if (new Set(all.map(({ id }) => id)).size !== all.length) {
    throw new Error(`task ${task}: a row is in the split twice`);
  }
  if (all.length === 0) return manifest;
  const file = await putRows(store.layout.rows, all);
  return { ...manifest, files: [...manifest.files, { task, file, rows: all.length }] };
}

/** Writes the commits, numbered from `number` on; returns their hashes. */
export async function putStages(
  store: MemoryStore,
  learned: LearnedTask,
  number: number,
  time: string,
): Promise<readonly string[]> {
  const { objects } = store.layout;
  const { onto: parent, stages } = learned;
  const shared = {
    kind: 'stage',
    task: learned.task,
    time,
    note: learned.note ?? '',
    config: await objects.putJson(learned.config ?? (await store.config())),
    hashes: { ...learned.hashes, data: learned.data.sha256 },
    lora: parent.lora,
    precisions: [learned.precision],
    rows: await objects.putRecord(taskRecordSchema, recordOf(learned)),
  } as const;
  const bufferAfter = await objects.putRecord(bufferSchema, { entries: learned.buffer });
  const commits: string[] = [];
  let longTerm = await store.adapter(parent);
  for (const [at, { stage, refined, shortTerm, settings, reports, metrics }] of stages.entries()) {
    const { space = 'factors', threshold, lambda } = settings;
    longTerm = mergeRefined(longTerm, refined, space);
    const commit = {
      ...shared,
      number: number + at,
      parent: commits.at(-1) ?? parent.hash,
      stage,
      adapter: await putTensors(objects, longTerm),
      short_term: await putTensors(objects, shortTerm),
      refined: await putTensors(objects, refined),
      consolidation: {
        space,
        threshold,
        lambda,
        summary: summarise(reports),
        reports: await objects.putJson(Object.fromEntries(reports)),
      },
      // Until the task's last stage it is what the task was trained with.
      buffer: at === stages.length - 1 ? bufferAfter : parent.buffer,
      metrics: metrics === null ? null : await objects.putRecord(metricsSchema, metrics),
    };
    commits.push(await objects.putRecord(commitSchema, commit));
  }
  return commits;
}

function recordOf({ task, private: isPrivate, data, rows, details }: LearnedTask): TaskRecord {
  const idsOf = (part: readonly StoredRow[]) => part.map(({ id }) => id);
  return {
    task,
    private: isPrivate,
    data,
    train: idsOf(rows.train),
    gate: idsOf(rows.gate),
    report: idsOf(rows.report),
    ...(details === undefined ? {} : { details }),
  };
}
