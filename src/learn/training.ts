/**
 * Training of one task on a memory: the loop of train/ over a stream whose earlier tasks are finished. It works in a
 * folder of its own, where it can be broken off and go on, and leaves what each stage changed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ReplayEntry } from '../data/replay-buffer.ts';
import type { BufferEntry } from '../memory/store/records.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import { asLora, type LoraAdapter } from '../model/adapter.ts';
import { readPeftAdapter, writePeftAdapter } from '../model/peft.ts';
import { writeFolderAtomic } from '../support/atomic-file.ts';
import { Interrupted } from '../support/errors.ts';
import { sha256 } from '../support/hash.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { RunConfig, StageName } from '../train/config/schema.ts';
import type { RunEnvironment, TrainedStage } from '../train/environment.ts';
import type { FinishedTasks } from '../train/finished-tasks.ts';
import type { NeutralRows } from '../train/neutral.ts';
import { openRun } from '../train/open.ts';
import { FixedPolicy } from '../train/reference.ts';
import type { ReplayedRow } from '../train/state.ts';
import type { StreamTask } from '../train/stream-data.ts';
import { advance } from '../train/task.ts';
import type { TaskRows } from '../train/task-rows.ts';
import { type StageMemory, shortTermOf } from './candidate.ts';
import { withoutLeaving } from './contradictions.ts';
import { storedRows } from './earlier.ts';
import { contentHash, type SplitRows } from './split.ts';

const STAGES = ['sft', 'preference'] as const satisfies readonly StageName[];

export interface TaskToTrain {
  readonly name: string;
  readonly private: boolean;
  readonly rows: SplitRows;
}

/** A replayed row as the memory keeps it; one of the new task is named by its position in the training rows. */
export type ReplayAfter =
  | { readonly kind: 'earlier'; readonly entry: BufferEntry }
  | { readonly kind: 'own'; readonly position: number; readonly reference: BufferEntry['reference'] };

export interface TrainedTask {
  readonly stages: readonly StageMemory[];
  /** The replay buffer after the task. */
  readonly replay: readonly ReplayAfter[];
}

export interface TrainingOptions {
  readonly store: MemoryStore;
  /** That is trained on. */
  readonly head: Commit;
  readonly config: RunConfig;
  readonly maxLength: number;
  readonly neutral: NeutralRows | null;
  /** Rows of earlier tasks that are not replayed any more. */
  readonly leaving: ReadonlySet<string>;
  /** Where the training has its checkpoints; what is there goes on. */
  readonly folder: string;
  readonly environment: Omit<RunEnvironment, 'outputFolder' | 'resume' | 'onStageTrained'>;
}

/**
 * @throws {UserError} if the folder holds another training, naming the first difference.
 * @throws {Interrupted} after an abort; what was done is saved.
 */
export async function trainTask(task: TaskToTrain, options: TrainingOptions): Promise<TrainedTask> {
  const { store, head, config, folder, environment } = options;
  const learned = new Set((await store.tasks(head)).map((record) => record.task));
  const ofLearned = (await store.buffer(head)).filter((entry) => learned.has(entry.task));
  const buffer = withoutLeaving(ofLearned, options.leaving);
  const finished = await finishedTasks(task, buffer, options);
  const names = finished.data.tasks.map(({ name, private: isPrivate }) => ({ name, isPrivate }));
  const of = `version ${head.number}`;
  const tasks = names.map(({ name, isPrivate }) => ({
    ...config.tasks[0]!,
    name,
    private: isPrivate,
    train: of,
    test: of,
  }));
  const run = await openRun(
    { ...config, tasks },
    {
      ...environment,
      outputFolder: folder,
      resume: existsSync(join(folder, 'config.yaml')),
      onStageTrained: (stage) => keepShortTerm(folder, stage),
    },
    finished,
  );
  try {
    const { state } = run;
    while (state.phase !== 'evaluate') {
      await advance(run);
      await run.checkpoint('now');
    }
    const stages = await readShortTerms(folder, config);
    const replay = (state.replay?.entries ?? []).map((entry) => replayAfter(entry, finished, buffer));
    return { stages, replay };
  } catch (error) {
    const { signal } = environment;
    if (!signal?.aborted || error !== signal.reason) throw error;
    await run.checkpoint('now');
    throw new Interrupted('interrupted; what was trained is saved: the same command goes on from there');
  } finally {
    run.close();
  }
}

/** Of earlier tasks only what is replayed is there. */
async function finishedTasks(
  task: TaskToTrain,
  buffer: readonly BufferEntry[],
  { store, head, config, maxLength, neutral, environment }: TrainingOptions,
): Promise<FinishedTasks> {
  const { text } = environment;
  const records = await store.tasks(head);
  const texts = await store.rows(buffer.map(({ row }) => row));
  const tasks = records.map((record): StreamTask => {
    const ids = buffer.flatMap((entry) => (entry.task === record.task ? [entry.row] : []));
    const rows = storedRows(record, ids, texts, { text, maxLength }) ?? noRows(record.task);
    return { name: record.task, private: record.private, judge: null, train: rows, test: rows };
  });
  const base = config.reference === 'base' ? await FixedPolicy.open(null, environment) : null;
  const replay: ReplayEntry<ReplayedRow>[] = [];
  const places = tasks.map(() => 0);
  for (const { task: name, reference } of buffer) {
    const at = tasks.findIndex((one) => one.name === name);
    const position = places[at]!++;
    const { rows, encoded } = tasks[at]!.train;
    const known = reference ?? (base && (await pairUnder(base, encoded[position]!, environment)));
    replay.push({ task: name, row: rows[position]!, payload: { task: at, position, reference: known } });
  }
  const { refined } = await store.history(head);
  return {
    identity: sha256([head.hash, JSON.stringify(buffer)]),
    count: tasks.length,
    data: { tasks: [...tasks, streamTask(task)], neutral, maxLength, cutPrompts: 0, skippedRows: 0 },
    adapter: await store.adapter(head),
    remembered: { running: new Map(), finished: refined.map(({ tensors }) => tensors) },
    replay,
  };
}

/** A row whose task was trained without a reference policy. */
async function pairUnder(
  policy: FixedPolicy,
  row: EncodedRow,
  { signal }: Pick<RunEnvironment, 'signal'>,
): Promise<BufferEntry['reference']> {
  const { chosen, rejected } = await policy.logProbs([row], { label: 'replayed rows', signal });
  return { chosen: chosen[0]!, rejected: rejected[0]! };
}

function streamTask({ name, private: isPrivate, rows }: TaskToTrain): StreamTask {
  return { name, private: isPrivate, judge: null, train: rows.train, test: heldOut(rows) };
}

function noRows(task: string): TaskRows {
  return {
    file: `memory:${task}`,
    sha256: contentHash([]),
    rows: [],
    encoded: [],
    cutPrompts: 0,
    skippedRows: 0,
  };
}

/** Named in the training's record, so that a split that changed is another training. */
function heldOut({ gate, report }: SplitRows): TaskRows {
  return { ...gate, sha256: sha256([gate.sha256, report.sha256]) };
}

function replayAfter(
  { payload: { task, position, reference } }: ReplayEntry<ReplayedRow>,
  { count, data }: FinishedTasks,
  buffer: readonly BufferEntry[],
): ReplayAfter {
  if (task === count) return { kind: 'own', position, reference };
  const { name } = data.tasks[task]!;
  return { kind: 'earlier', entry: buffer.filter((entry) => entry.task === name)[position]! };
}

async function keepShortTerm(folder: string, { name, before, after }: TrainedStage): Promise<void> {
  const shortTerm = shortTermOf(asLora(before), asLora(after));
  const path = shortTermFolder(folder, name);
  await writeFolderAtomic(path, (temporary) => writePeftAdapter(temporary, shortTerm), { replace: true });
}

async function readShortTerms(folder: string, { stages }: RunConfig): Promise<readonly StageMemory[]> {
  const trained = STAGES.filter((stage) => stages[stage].epochs > 0);
  return Promise.all(
    trained.map(async (stage) => {
      const { settings, tensors }: LoraAdapter = await readPeftAdapter(shortTermFolder(folder, stage));
      return { stage, shortTerm: { settings, tensors } };
    }),
  );
}

function shortTermFolder(folder: string, stage: StageName): string {
  return join(folder, 'short-term', stage);
}
