/**
 * One more task for a memory: its rows are split once, it is trained on what the memory is, consolidated, measured on
 * all tasks, and committed if the gate lets it pass. [rows -> split.ts -> training.ts -> judging.ts -> the store]
 *
 * Whatever ends the process, the same command goes on: nothing of the memory changes before the commit, which is one
 * step of the store, and what is trained lies in a folder beside it.
 */
import { checkBase } from '../memory/store/base-hashes.ts';
import { checkPrecision } from '../memory/store/precision.ts';
import type { BaseHashes, BufferEntry } from '../memory/store/records.ts';
import { nameRow } from '../memory/store/rows.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import type { LearnedTask, MemoryWriter } from '../memory/store/writer.ts';
import { adapterHash, type LoraAdapter } from '../model/adapter.ts';
import { UserError } from '../support/errors.ts';
import type { RunEnvironment } from '../train/environment.ts';
import { type Difference, firstDifference } from '../train/fingerprint.ts';
import { loadNeutralRows, measureGeneral, type NeutralRows } from '../train/neutral.ts';
import { textRoom } from '../train/task-rows.ts';
import { candidateOf } from './candidate.ts';
import type { LearnSettings, MemoryBasis } from './config.ts';
import type { Conflict } from './conflicts/find.ts';
import type { EmbeddingSource } from './conflicts/text-vectors.ts';
import { type Contradictions, contradictionsOf } from './contradictions.ts';
import { type EarlierTaskRows, earlierTasks } from './earlier.ts';
import { type Decision, decide, type GuardedTask } from './judging.ts';
import { type LeftOver, leftOverOf } from './left-over.ts';
import { Measuring } from './measure.ts';
import {
  checkNewTask,
  checkTaskName,
  loadNewTask,
  type NewTask,
  type NewTaskFiles,
  warnOfSeen,
} from './new-task.ts';
import { reportMetrics } from './report-rows.ts';
import { type TrainedTask, trainTask } from './training.ts';
import { asCommitMetrics, gateRecord, generalRecord, type UpdateMetrics } from './update.ts';
import { tellDifference, WorkFolder, type WorkState } from './work-folder.ts';

export type LearnEnvironment = Omit<
  RunEnvironment,
  'outputFolder' | 'resume' | 'onStageTrained' | 'cacheFolder' | 'configFile' | 'reportTo'
>;

export interface LearnRequest extends NewTaskFiles {
  readonly basis: MemoryBasis;
  readonly settings: LearnSettings;
  /** Of the base that is open. */
  readonly hashes: BaseHashes;
  /** The base's, to find contradictions in other words; left out: by letters only. */
  readonly embeddingSource?: EmbeddingSource;
  /** Of a training of the task that was begun, nothing is used. */
  readonly restart?: boolean;
}

/** What is known before anything is trained. */
export interface LearnPlan {
  readonly head: Commit;
  readonly added: NewTask;
  readonly earlier: readonly EarlierTaskRows[];
  readonly contradictions: Contradictions;
  readonly neutral: NeutralRows | null;
  readonly maxLength: number;
}

export interface LearnOutcome {
  readonly task: string;
  readonly committed: boolean;
  /** The task's last version; where it was refused it lies beside the log. */
  readonly version: Commit;
  /** Rows of the new task. */
  readonly rows: { readonly train: number; readonly gate: number; readonly report: number };
  readonly metrics: UpdateMetrics;
  /** With accepted rows; none is known of a commit that only had to be cleared up after. */
  readonly conflicts: readonly Conflict[];
}

/**
 * What can be refused at once, before the base is opened.
 * @throws {UserError} for a name that is none or is taken, and files that are not there.
 */
export async function checkFiles(store: MemoryStore, files: NewTaskFiles): Promise<void> {
  checkTaskName(files.task);
  // One that was begun may be committed, so that its name is taken, and only want clearing up.
  if (!new WorkFolder(store, files.task).isThere) await checkNewTask(store, files);
}

/**
 * Reads and checks everything; writes nothing.
 *
 * @throws {UserError} for another base than the memory's, or in another precision; a name that is taken, rows that
 *   cannot be used.
 */
export async function planTask(
  store: MemoryStore,
  request: LearnRequest,
  environment: LearnEnvironment,
): Promise<LearnPlan> {
  const { engine, text, progress, log = () => {} } = environment;
  const { commit: head } = await store.head();
  checkBase(store.folder, head.hashes, request.hashes);
  for (const doubt of await checkPrecision(store, head, engine.precision)) log(`warning: ${doubt}`);
  await checkNewTask(store, request);
  const { added, neutral, maxLength } = await readTask(request, environment);
  const contradictions = await contradictionsOf(added, store, head, {
    settings: request.settings.conflicts,
    source: request.embeddingSource,
    progress,
    log,
  });
  const earlier = await earlierTasks(store, head, { text, maxLength });
  for (const { name, gate } of earlier) {
    if (gate === null) log(`warning: task ${name}: all of its gate rows were withdrawn; nothing guards it`);
  }
  warnOfSeen(added, earlier, log);
  return { head, added, earlier, contradictions, neutral, maxLength };
}

/** The rows that a request names, whatever the memory is. */
async function readTask(
  request: LearnRequest,
  { text, log = () => {} }: LearnEnvironment,
): Promise<Pick<LearnPlan, 'added' | 'neutral' | 'maxLength'>> {
  const { run } = request.settings;
  const maxLength = textRoom(run.max_length, text, 0);
  const added = await loadNewTask(request, request.settings, { text, maxLength, log });
  const neutralOptions = { text, softTokens: 0, invalidRows: run.invalid_rows, log } as const;
  const neutral = run.general && (await loadNeutralRows(run.general, neutralOptions));
  return { added, neutral, maxLength };
}

/**
 * Trains, judges and commits a task, or keeps aside what the gate refuses.
 *
 * @throws {UserError} as `planTask`, and for a training that was begun, or committed, with other rows or settings.
 * @throws {Interrupted} after an abort; what was trained is saved.
 */
export async function learnTask(
  writer: MemoryWriter,
  request: LearnRequest,
  environment: LearnEnvironment,
): Promise<LearnOutcome> {
  const { store } = writer;
  const { log = () => {}, signal } = environment;
  checkTaskName(request.task);
  const work = new WorkFolder(store, request.task);
  const known = request.restart === true ? null : await committedBefore(store, work, request, environment);
  if (known) {
    log(`task ${request.task}: committed before; only clearing up was left`);
    await work.remove();
    return known;
  }
  const plan = await planTask(store, request, environment);
  if (request.restart === true) await work.remove();
  signal?.throwIfAborted();
  const { precision } = environment.engine;
  await work.enter(plan.head, trainingOf(plan, request, precision), log);

  const cached = { ...environment, cacheFolder: store.cacheFolder };
  const { run } = request.settings;
  const { head, added, neutral, maxLength, contradictions } = plan;
  const { leaving } = contradictions;
  const task = { name: added.task, private: added.private, rows: added.rows };
  const training = { config: run, maxLength, neutral, leaving };
  const options = { store, head, ...training, folder: work.run, environment: cached };
  const trained = await trainTask(task, options);
  const { decision, metrics } = await judgeTask(store, plan, trained, request, cached);
  const learned = learnedTask(plan, trained, decision, metrics, { ...request, precision });
  const { passed } = decision.verdict;
  const version = passed
    ? (await writer.learn(learned)).at(-1)!
    : await keepAside(writer, learned, decision.candidate.adapter);
  if (passed) await work.remove();
  else await work.markRefused();
  return { ...outcomeOf(added, version, metrics, passed), conflicts: contradictions.conflicts };
}

async function judgeTask(
  store: MemoryStore,
  { head, added, earlier, neutral }: LearnPlan,
  { stages }: TrainedTask,
  { settings: { run, gate, search } }: LearnRequest,
  environment: LearnEnvironment & { readonly cacheFolder: string },
): Promise<{ decision: Decision; metrics: UpdateMetrics }> {
  const { engine, text, progress, signal } = environment;
  const measuring = await Measuring.open(environment);
  const adapter = await store.adapter(head);
  const { refined: history } = await store.history(head);
  const guarded: GuardedTask[] = [];
  for (const { name, gate: rows, learned } of earlier) {
    if (rows) guarded.push({ task: name, gate: rows, learned: await store.adapter(learned) });
  }
  const generalOf = (candidate: LoraAdapter, label: string) =>
    measureGeneral(neutral!, candidate, measuring.base, {
      engine,
      endTokens: text.endTokens,
      maxNewTokens: run.general!.max_new_tokens,
      seed: run.seed,
      label: `${label}, neutral conversations`,
      progress,
      signal,
    });
  const { threshold, lambda } = run.consolidation!;
  const decision = await decide(
    { lambda, threshold, scale: 1 },
    (settings) => candidateOf(adapter, history, stages, settings),
    search,
    {
      head: adapter,
      earlier: guarded,
      added: { task: added.task, gate: added.rows.gate },
      gate,
      seed: run.seed,
      measuring,
      measureGeneral: generalOf,
    },
  );
  const { candidate, verdict } = decision;
  const reported = [...earlier, { name: added.task, report: added.rows.report }].flatMap(
    ({ name, report }) => (report ? [{ task: name, report }] : []),
  );
  const after = candidate.adapter;
  const metrics = await reportMetrics(reported, adapter, after, { gate, seed: run.seed, measuring });
  const general = verdict.general ?? (neutral && (await generalOf(after, 'the update')));
  return {
    decision,
    metrics: {
      before: { ...metrics.before },
      after: { ...metrics.after },
      gate: gateRecord(decision, gate),
      general: generalRecord(general),
    },
  };
}

/** As the store takes it. */
function learnedTask(
  { head, added }: LearnPlan,
  { replay }: TrainedTask,
  { candidate: { settings, stages } }: Decision,
  metrics: UpdateMetrics,
  {
    basis,
    hashes,
    precision,
    settings: { run, split, gate, search, conflicts },
  }: LearnRequest & Pick<LearnedTask, 'precision'>,
): LearnedTask {
  const named = (rows: NewTask['rows']['train']) => rows.rows.map(nameRow);
  const rows = {
    train: named(added.rows.train),
    gate: named(added.rows.gate),
    report: named(added.rows.report),
  };
  const buffer = replay.map(
    (entry): BufferEntry =>
      entry.kind === 'earlier'
        ? entry.entry
        : { task: added.task, row: rows.train[entry.position]!.id, reference: entry.reference },
  );
  const { lambda, threshold, scale } = settings;
  const last = stages.length - 1;
  const { stages: ofStages, replay: ofReplay, consolidation, reference, general } = run;
  const { backward, max_length, invalid_rows } = run;
  const learn = {
    ...{ stages: ofStages, replay: ofReplay, consolidation, reference, general, backward },
    ...{ max_length, invalid_rows, split, gate, search, conflicts },
  };
  return {
    task: added.task,
    private: added.private,
    onto: head,
    hashes,
    precision,
    data: added.data,
    rows,
    stages: stages.map(({ stage, shortTerm, refined, reports }, at) => ({
      stage,
      shortTerm,
      refined,
      settings: { lambda, threshold },
      reports,
      metrics: at === last ? asCommitMetrics(metrics) : null,
    })),
    buffer,
    config: JSON.parse(JSON.stringify({ ...basis, learn })),
    details: { consolidation: { lambda, threshold, scale } },
    note: scale === 1 ? '' : `refined memories at ${scale} of their size, as the gate's search found`,
  };
}

/** Again after a process that was ended: what is there already is not kept a second time. */
async function keepAside(writer: MemoryWriter, learned: LearnedTask, adapter: LoraAdapter): Promise<Commit> {
  const { store } = writer;
  const [hash, metrics] = [adapterHash(adapter), JSON.stringify(learned.stages.at(-1)!.metrics)];
  for (const commit of await store.versions()) {
    if (commit.task !== learned.task || commit.hashes.data !== learned.data.sha256) continue;
    if (adapterHash(await store.adapter(commit)) !== hash) continue;
    if (JSON.stringify(await store.metrics(commit)) === metrics) return commit;
  }
  return (await writer.keepAside(learned, 'refused by the gate')).at(-1)!;
}

/** @throws {UserError} naming the first difference where what is asked for is other work than what was committed. */
async function committedBefore(
  store: MemoryStore,
  work: WorkFolder,
  request: LearnRequest,
  environment: LearnEnvironment,
): Promise<LearnOutcome | null> {
  const found = await leftOverOf(store, work);
  if (found === null) return null;
  const { version, rows, metrics } = found;
  checkBase(store.folder, (await store.head()).commit.hashes, request.hashes);
  const difference = await differenceFrom(found, request, environment);
  if (difference) {
    const problem = `committed before, as version ${version.number}, and this is other work: ${tellDifference(difference)}`;
    throw new UserError(`task ${work.task}: ${problem}; give it another name, or drop that task first`);
  }
  return { task: work.task, committed: true, version, rows, metrics, conflicts: [] };
}

/** What a request asks for otherwise than what was committed. */
async function differenceFrom(
  { training: before, config }: LeftOver,
  request: LearnRequest,
  environment: LearnEnvironment,
): Promise<Difference | undefined> {
  const { added, neutral } = await readTask(request, environment);
  // Which rows are not replayed follows from the rest, and from what the memory was.
  const contradictions = { leaving: new Set<string>() };
  const whole = (training: WorkState['training'], { split, gate, search, conflicts }: Judging) => {
    const { not_replayed: _, ...others } = training;
    return JSON.parse(JSON.stringify({ split, gate, search, conflicts, ...others }));
  };
  const training = trainingOf({ added, neutral, contradictions }, request, environment.engine.precision);
  return firstDifference(whole(before, config['learn'] as Judging), whole(training, request.settings));
}

type Judging = Pick<LearnSettings, 'split' | 'gate' | 'search' | 'conflicts'>;

function outcomeOf(
  { task, rows: { train, gate, report } }: NewTask,
  version: Commit,
  metrics: UpdateMetrics,
  committed: boolean,
): Omit<LearnOutcome, 'conflicts'> {
  const rows = { train: train.rows.length, gate: gate.rows.length, report: report.rows.length };
  return { task, committed, version, rows, metrics };
}

interface Trained extends Pick<LearnPlan, 'added' | 'neutral'> {
  readonly contradictions: Pick<Contradictions, 'leaving'>;
}

/** What decides the training, beside the version it is based on; the gate's settings do not. */
function trainingOf(
  { added, neutral, contradictions: { leaving } }: Trained,
  { settings: { run } }: LearnRequest,
  precision: string,
): WorkState['training'] {
  const { tasks: _, ...config } = run;
  const { train, gate, report } = added.rows;
  const data = { train: train.sha256, gate: gate.sha256, report: report.sha256 };
  return JSON.parse(
    JSON.stringify({
      ...config,
      ...{ precision, data, private: added.private, neutral: neutral?.sha256 ?? null },
      not_replayed: [...leaving].sort(),
    }),
  );
}
