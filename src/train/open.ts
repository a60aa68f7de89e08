/** Opens a run: everything is read and checked, then the output folder entered, then the state restored. */
import { join } from 'node:path';
import { ReplayBuffer } from '../data/replay-buffer.ts';
import { findMethod } from '../method/index.ts';
import { type Adapter, adapterHash } from '../model/adapter.ts';
import { readPeftAdapter } from '../model/peft.ts';
import { createObjective } from '../objective/index.ts';
import { Random } from '../support/random.ts';
import { type CheckpointContext, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { RunConfig } from './config/schema.ts';
import type { RunEnvironment } from './environment.ts';
import { fingerprint, fingerprintHash, type RunHashes } from './fingerprint.ts';
import { FixedPolicy } from './reference.ts';
import { position, type Run } from './run.ts';
import { enterRunFolder } from './run-folder.ts';
import { initialState, type ReplayedRow, type RunState } from './state.ts';
import { StepLog } from './step-log.ts';
import { loadStream } from './stream-data.ts';

/** Seconds between two checkpoints within a stage, unless the environment says otherwise. */
const CHECKPOINT_SECONDS = 60;

/**
 * @throws {UserError} for data, adapters or an output folder that cannot be used; unless it is the folder
 *   itself, nothing has been written then.
 */
export async function openRun(config: RunConfig, environment: RunEnvironment): Promise<Run> {
  const { engine, text, outputFolder, signal, log = () => {} } = environment;
  const method = findMethod(config.method);
  const objectives = {
    sft: createObjective({ name: 'sft' }),
    preference: createObjective(config.stages.preference.objective),
  };
  const random = Random.fromSeed(config.seed);
  const given = config.adapter === null ? null : await readAdapter(config.adapter, environment);
  const initial = given ?? environment.createAdapter(config.lora, random.fork('adapter'));
  const isNamed = config.reference !== 'base' && config.reference !== 'previous';
  const named = isNamed ? await readAdapter(config.reference, environment) : null;
  const data = await loadStream(config, text, log);
  signal?.throwIfAborted();

  const hashes: RunHashes = {
    base: engine.identity,
    ...text.identity,
    adapter: given && adapterHash(given),
    reference: named && adapterHash(named),
    tasks: data.tasks.map(({ train, test }) => ({ train: train.sha256, test: test.sha256 })),
  };
  const recorded = { config, hashes, versions: environment.versions ?? {} };
  const goesOn = await enterRunFolder(outputFolder, recorded, { resume: environment.resume === true, log });
  const identity = fingerprintHash(fingerprint(config, hashes));
  const startTask = (latest: Adapter) => method.hooks.startTask?.(initial, latest) ?? latest;
  const fresh = () => {
    const replay = config.replay && new ReplayBuffer<ReplayedRow>(config.replay);
    return initialState(initial, data.tasks.length, replay, startTask);
  };
  const context = { initial, tasks: data.tasks, config, run: identity };
  const state = (goesOn ? await savedState(outputFolder, context, log) : undefined) ?? fresh();
  const stepLog = new StepLog(join(outputFolder, 'steps.jsonl'), state.stepLogBytes);
  const base = await FixedPolicy.open(null, environment);
  const policy = named ? await FixedPolicy.open(named, environment) : base;
  return {
    config,
    environment,
    data,
    method,
    objectives,
    initial,
    base,
    reference: config.reference === 'previous' ? null : { policy, adapter: named },
    state,
    stepLog,
    random,
    checkpoint: checkpointer(environment, state, stepLog, identity),
  };
}

async function readAdapter(folder: string, environment: RunEnvironment): Promise<Adapter> {
  const adapter = await readPeftAdapter(folder);
  environment.checkAdapter(adapter, folder);
  return adapter;
}

async function savedState(
  outputFolder: string,
  context: CheckpointContext,
  log: (line: string) => void,
): Promise<RunState | undefined> {
  const warn = (message: string) => log(`warning: ${message}`);
  const state = await loadCheckpoint(checkpointFolder(outputFolder), context, warn);
  const where = state && position(state, context.tasks);
  log(where ? `resuming: ${where}` : 'no checkpoint was written yet: starting from the beginning');
  return state;
}

function checkpointer(
  { outputFolder, checkpointSeconds = CHECKPOINT_SECONDS }: RunEnvironment,
  state: RunState,
  stepLog: StepLog,
  identity: string,
): Run['checkpoint'] {
  const before = state.seconds;
  const start = performance.now();
  let last = start;
  return async (when) => {
    const now = performance.now();
    if (when === 'due' && now - last < 1000 * checkpointSeconds) return;
    last = now;
    state.seconds = before + (now - start) / 1000;
    stepLog.flush();
    await saveCheckpoint(checkpointFolder(outputFolder), state, identity);
  };
}

function checkpointFolder(outputFolder: string): string {
  return join(outputFolder, 'checkpoints');
}
