/** Opens a run: everything is read and checked, then the output folder entered, then the state restored. */
import { join } from 'node:path';
import { ReplayBuffer } from '../data/replay-buffer.ts';
import { findMethod } from '../method/index.ts';
import { type Method, type MethodState, nothingRemembered } from '../method/method.ts';
import { type Adapter, adapterHash } from '../model/adapter.ts';
import { readAdapterFolder, type SavedAdapter } from '../model/adapter-folder.ts';
import { baseDoubts } from '../model/base-name.ts';
import { distinctPrecisions } from '../model/base-precision.ts';
import { softTokenCount } from '../model/prompt-pool.ts';
import { createObjective } from '../objective/index.ts';
import { DataError, UserError } from '../support/errors.ts';
import { lockFolder } from '../support/folder-lock.ts';
import { Random } from '../support/random.ts';
import { CheckpointFolder } from './checkpoint.ts';
import type { RunConfig } from './config/schema.ts';
import type { RunEnvironment } from './environment.ts';
import { fingerprint, fingerprintHash, type RunHashes } from './fingerprint.ts';
import type { FinishedTasks } from './finished-tasks.ts';
import { FixedPolicy } from './reference.ts';
import { position, type Run } from './run.ts';
import { enterRunFolder } from './run-folder.ts';
import { initialState, type ReplayedRow, type RunState } from './state.ts';
import { StepLog } from './step-log.ts';
import { loadStream, type StreamTask } from './stream-data.ts';
import type { TensorBoardLog } from './tensorboard/log.ts';
import { openTensorBoard } from './tensorboard/open.ts';

/** Seconds between two checkpoints within a stage, unless the environment says otherwise. */
const CHECKPOINT_SECONDS = 60;

/**
 * The run holds the output folder's lock until it is closed.
 *
 * @param finished what the stream's first tasks left, where these are not to be trained: the run then begins with the
 *   task after them, and takes the stream's rows from there instead of the config's files
 * @throws {UserError} for data, adapters or an output folder that cannot be used; unless it is the folder
 *   itself, nothing has been written then.
 */
export async function openRun(
  config: RunConfig,
  environment: RunEnvironment,
  finished?: FinishedTasks,
): Promise<Run> {
  const { engine, text, outputFolder, signal, log = () => {} } = environment;
  const method = findMethod(config.method);
  const random = Random.fromSeed(config.seed);
  const given = config.adapter === null ? null : await readAdapter(config.adapter, config.base, environment);
  const initial =
    finished?.adapter ?? given ?? firstAdapter(config, method, environment, random.fork('adapter'));
  const isNamed = config.reference !== 'base' && config.reference !== 'previous';
  const named = isNamed ? await readAdapter(config.reference, config.base, environment) : null;
  const softTokens = Math.max(softTokenCount(initial), softTokenCount(named));
  const data = finished?.data ?? (await loadStream(config, text, { softTokens, log }));
  const beginMethod = (remembered: MethodState) =>
    method.begin(config.method_settings, {
      initial,
      freshAdapter: (task) => freshLora(config, environment, random.fork(`task ${task} adapter`)),
      embeddings: environment.embeddings,
      consolidation: config.consolidation,
      remembered,
    });
  const remembered = finished?.remembered ?? nothingRemembered;
  await engine.checkBackward(config.backward);
  signal?.throwIfAborted();

  const hashes: RunHashes = {
    base: engine.identity,
    ...text.identity,
    adapter: finished?.identity ?? (given && adapterHash(given)),
    reference: named && adapterHash(named),
    general: data.neutral?.sha256 ?? null,
    tasks: data.tasks.map(({ train, test }) => ({ train: train.sha256, test: test.sha256 })),
  };
  const recorded = { config, hashes, versions: environment.versions ?? {} };
  const lock = await lockFolder(outputFolder, log);
  try {
    const goesOn = await enterRunFolder(outputFolder, recorded, { resume: environment.resume === true, log });
    const identity = fingerprintHash(fingerprint(config, hashes));
    const context = { initial, tasks: data.tasks, config, run: identity, beginMethod };
    const checkpoints = new CheckpointFolder(join(outputFolder, 'checkpoints'), context);
    const fresh = () => {
      const replay = config.replay && new ReplayBuffer<ReplayedRow>(config.replay, finished?.replay ?? []);
      const begun = { method: beginMethod(remembered), order: method.tasks };
      const tasks = { tasks: data.tasks.length, finished: finished?.count ?? 0 };
      return initialState({ initial, replay, ...tasks, ...begun });
    };
    const state = (goesOn ? await savedState(checkpoints, data.tasks, log) : undefined) ?? fresh();
    const objective = createObjective(config.stages.preference.objective);
    const stepLog = new StepLog(join(outputFolder, 'steps.jsonl'), state.stepLogBytes);
    const base = await FixedPolicy.open(null, environment);
    const policy = named ? await FixedPolicy.open(named, environment) : base;
    const names = data.tasks.map(({ name }) => name);
    const isReported = environment.reportTo?.includes('tensorboard') === true;
    const tensorBoard = isReported ? await openTensorBoard(outputFolder, names, state) : null;
    return {
      config,
      environment,
      data,
      method,
      objectives: {
        sft: createObjective({ name: 'sft' }),
        preference: state.method.weighting?.objective(objective) ?? objective,
      },
      base,
      reference: config.reference === 'previous' ? null : { policy, adapter: named },
      basePrecisions: distinctPrecisions(given?.basePrecisions, [engine.precision]),
      state,
      stepLog,
      tensorBoard,
      random,
      checkpoint: checkpointer(environment, state, [stepLog, tensorBoard], checkpoints),
      close: () => {
        tensorBoard?.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function firstAdapter(
  config: RunConfig,
  method: Method,
  environment: RunEnvironment,
  random: Random,
): Adapter {
  const { createPool } = method;
  return createPool
    ? createPool(config.method_settings, environment.embeddings, random)
    : freshLora(config, environment, random);
}

/** Which modules there are to target is known only now that the base is open. */
function freshLora(config: RunConfig, environment: RunEnvironment, random: Random): Adapter {
  const { createAdapter, configFile: file } = environment;
  if (!config.lora) throw new Error(`the method ${config.method} trains no LoRA matrices`);
  try {
    return createAdapter(config.lora, random);
  } catch (error) {
    if (!(error instanceof UserError) || file === undefined) throw error;
    throw new DataError({ file, field: 'lora.targets' }, error.message, { cause: error });
  }
}

async function readAdapter(
  folder: string,
  base: string,
  { engine, checkAdapter, log }: RunEnvironment,
): Promise<SavedAdapter> {
  const adapter = await readAdapterFolder(folder);
  const { precision } = engine;
  for (const doubt of baseDoubts(adapter, folder, { base, precision })) log?.(`warning: ${doubt}`);
  checkAdapter(adapter, folder);
  return adapter;
}

async function savedState(
  checkpoints: CheckpointFolder,
  tasks: readonly StreamTask[],
  log: (line: string) => void,
): Promise<RunState | undefined> {
  const state = await checkpoints.load((message) => log(`warning: ${message}`));
  const where = state && position(state, tasks);
  log(where ? `resuming: ${where}` : 'no checkpoint was written yet: starting from the beginning');
  return state;
}

function checkpointer(
  { checkpointSeconds = CHECKPOINT_SECONDS }: RunEnvironment,
  state: RunState,
  logs: readonly (StepLog | TensorBoardLog | null)[],
  checkpoints: CheckpointFolder,
): Run['checkpoint'] {
  const before = state.seconds;
  const start = performance.now();
  let last = start;
  return async (when) => {
    const now = performance.now();
    if (when === 'due' && now - last < 1000 * checkpointSeconds) return;
    last = now;
    state.seconds = before + (now - start) / 1000;
    for (const log of logs) log?.flush();
    await checkpoints.save(state);
  };
}
