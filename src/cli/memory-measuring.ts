/** A memory with its base open, for commands that measure versions on their tasks' report rows. */
import { learnSettings } from '../learn/config.ts';
import { type EarlierTaskRows, earlierTasks } from '../learn/earlier.ts';
import { Measuring } from '../learn/measure.ts';
import { reportMetrics } from '../learn/report-rows.ts';
import type { PlannedDrop } from '../memory/store/drop.ts';
import type { CommitMetrics } from '../memory/store/records.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import type { LoraAdapter } from '../model/adapter.ts';
import { type ProgressFactory, streamProgress } from '../support/progress.ts';
import type { BaseModel } from '../train/base-model.ts';
import { modelSides } from '../train/model-environment.ts';
import { textRoom } from '../train/task-rows.ts';
import { openMemoryBase } from './memory-base.ts';
import { say } from './memory-command.ts';

export interface MeasuredMemory {
  readonly model: BaseModel;
  /** The tasks that a version has learned, with those of their rows that are left. */
  tasks(version: Commit): Promise<readonly EarlierTaskRows[]>;
  /** The tasks that have report rows left, under two adapters. */
  compare(tasks: readonly EarlierTaskRows[], before: LoraAdapter, after: LoraAdapter): Promise<CommitMetrics>;
}

interface DropMeasuring {
  readonly engine?: string | undefined;
  readonly threads?: string | undefined;
  readonly signal: AbortSignal;
  readonly progress?: ProgressFactory;
}

interface MeasuringOptions extends DropMeasuring {
  /** That are measured. */
  readonly versions: readonly Commit[];
}

/** A memory's tasks with and without the one that a drop takes out. */
export async function measureDrop(
  store: MemoryStore,
  { onto, adapter }: PlannedDrop,
  options: DropMeasuring,
): Promise<CommitMetrics> {
  const before = await store.adapter(onto);
  return withMeasuredMemory(store, { ...options, versions: [onto] }, async (memory) =>
    memory.compare(await memory.tasks(onto), before, adapter),
  );
}

/** Opens the base for `use`, and closes it. @throws {UserError} for a base that is missing, or another one. */
export async function withMeasuredMemory<T>(
  store: MemoryStore,
  { engine, threads, signal, versions, progress = streamProgress(process.stderr) }: MeasuringOptions,
  use: (memory: MeasuredMemory) => Promise<T>,
): Promise<T> {
  const config = await store.config();
  const origin = { file: store.layout.config, folder: store.folder };
  const { run, gate } = await learnSettings(config.learn, config, [], origin);
  const { model } = await openMemoryBase(store, { engine, threads, progress, versions });
  try {
    const sides = modelSides(model);
    const { cacheFolder } = store;
    const measuring = await Measuring.open({ ...sides, cacheFolder, progress, signal, log: say });
    const encoding = { text: sides.text, maxLength: textRoom(run.max_length, sides.text, 0) };
    return await use({
      model,
      tasks: (version) => earlierTasks(store, version, encoding),
      compare: async (tasks, before, after) => {
        const reported = tasks.flatMap(({ name, report }) => (report ? [{ task: name, report }] : []));
        const options = { gate, seed: config.seed, measuring };
        const metrics = await reportMetrics(reported, before, after, options);
        return { before: { ...metrics.before }, after: { ...metrics.after } };
      },
    });
  } finally {
    await model.engine.close();
  }
}
