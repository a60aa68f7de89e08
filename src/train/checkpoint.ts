/**
 * Checkpoints: a run's whole state in one safetensors file, replaced in one step. Two are kept, so that a
 * damaged newest one costs a minute of work and not the run.
 *
 * Tensors are named `<part>/<PEFT name>`; everything else is JSON in the file's metadata, beside a
 * SHA-256 over that JSON and every tensor's bytes.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ReplayBuffer } from '../data/replay-buffer.ts';
import { MemoryHistory } from '../memory/consolidate-adapter.ts';
import { type Adapter, mapAdapter } from '../model/adapter.ts';
import { readSafetensorsHeader, readTensor, writeSafetensors } from '../model/weights/safetensors.ts';
import { UserError } from '../support/errors.ts';
import { errorCode } from '../support/file-error.ts';
import { sha256 } from '../support/hash.ts';
import type { RunConfig } from './config/schema.ts';
import { phases, type RunState, stageOptimizer } from './state.ts';
import type { StreamTask } from './stream-data.ts';

const FORMAT = 'lifealign checkpoint 1';
const KEPT = 2;

const preferenceScores = z.strictObject({
  preferenceAccuracy: z.number(),
  rewardAccuracy: z.number(),
  margin: z.number(),
});
const replayed = z.strictObject({
  task: z.int(),
  position: z.int(),
  reference: z.strictObject({ chosen: z.number(), rejected: z.number() }).nullable(),
});
const recordSchema = z.strictObject({
  format: z.literal(FORMAT),
  /** Hash over the run's config and data. */
  run: z.string(),
  task: z.int(),
  phase: z.enum(phases),
  step: z.int(),
  historyLength: z.int(),
  replay: z.array(replayed).nullable(),
  scores: z.array(z.array(preferenceScores.nullable())),
  stepLogBytes: z.int(),
  steps: z.int(),
  tokens: z.int(),
  seconds: z.number(),
});
type CheckpointRecord = z.output<typeof recordSchema>;

type NamedTensor = { readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array };

/** What a state is rebuilt from besides the checkpoint itself. */
export interface CheckpointContext {
  /** Decides tensor names, shapes and LoRA settings. */
  readonly initial: Adapter;
  readonly tasks: readonly StreamTask[];
  readonly config: RunConfig;
  /** Hash over the run's config and data. */
  readonly run: string;
}

/** Writes the state as the folder's newest checkpoint; older ones but the last go. */
export async function saveCheckpoint(folder: string, state: RunState, run: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const existing = await checkpointFiles(folder);
  const number = existing.length === 0 ? 1 : numberOf(existing.at(-1)!) + 1;
  const tensors = tensorsOf(state);
  const record = JSON.stringify(recordOf(state, run));
  const metadata = { checkpoint: record, sha256: checksum(record, tensors) };
  const name = `${String(number).padStart(6, '0')}.safetensors`;
  await writeSafetensors(join(folder, name), tensors, metadata);
  for (const old of [...existing, name].slice(0, -KEPT)) await rm(join(folder, old), { force: true });
}

/**
 * The newest state that is whole, or undefined if there is no checkpoint at all. A damaged one is named
 * through `warn` and passed over.
 *
 * @throws {UserError} if checkpoints are there and none can be used, or one belongs to another run.
 */
export async function loadCheckpoint(
  folder: string,
  context: CheckpointContext,
  warn: (message: string) => void,
): Promise<RunState | undefined> {
  const files = (await checkpointFiles(folder)).reverse();
  for (const file of files) {
    const path = join(folder, file);
    let read: ReturnType<typeof readCheckpoint>;
    try {
      read = readCheckpoint(path);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warn(`${error.message}; trying the checkpoint before it`);
      continue;
    }
    if (read.record.run !== context.run)
      throw new UserError(`${path}: belongs to a run with another config or data`);
    return restore(read.record, read.tensors, path, context);
  }
  if (files.length > 0)
    throw new UserError(`${folder}: no checkpoint can be used; start the run anew`, { exitCode: 1 });
  return undefined;
}

/** Oldest first. Leftovers of a killed writer have other names. */
async function checkpointFiles(folder: string): Promise<string[]> {
  try {
    const names = (await readdir(folder)).filter((name) => /^\d+\.safetensors$/.test(name));
    return names.sort((a, b) => numberOf(a) - numberOf(b));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function numberOf(file: string): number {
  return Number.parseInt(file, 10);
}

function recordOf(state: RunState, run: string): CheckpointRecord {
  const { task, phase, step, scores, stepLogBytes, steps, tokens, seconds } = state;
  return {
    format: FORMAT,
    run,
    task,
    phase,
    step,
    historyLength: state.history.refined.length,
    replay: state.replay?.entries.map((entry) => entry.payload) ?? null,
    scores,
    stepLogBytes,
    steps,
    tokens,
    seconds,
  };
}

function tensorsOf(state: RunState): NamedTensor[] {
  const shapes = new Map(Array.from(state.adapter.tensors, ([name, { shape }]) => [name, shape]));
  const ofArrays = (part: string, arrays: ReadonlyMap<string, Float32Array>): NamedTensor[] =>
    Array.from(arrays, ([name, data]) => ({ name: `${part}/${name}`, shape: shapes.get(name) ?? [], data }));
  const ofAdapter = (part: string, adapter: Adapter): NamedTensor[] =>
    ofArrays(part, new Map(Array.from(adapter.tensors, ([name, { data }]) => [name, data])));
  const optimizer = state.optimizer?.state();
  return [
    ...ofAdapter('adapter', state.adapter),
    ...ofAdapter('task_start', state.taskStart),
    ...ofAdapter('stage_start', state.stageStart),
    ...ofArrays('first_moments', optimizer?.firstMoments ?? new Map()),
    ...ofArrays('second_moments', optimizer?.secondMoments ?? new Map()),
    ...state.history.refined.flatMap((refined, stage) => ofAdapter(`history.${stage}`, refined)),
  ];
}

function checksum(record: string, tensors: readonly NamedTensor[]): string {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  return sha256([record, ...tensors.flatMap(({ name, data }) => [name, bytes(data)])]);
}

function readCheckpoint(path: string): {
  record: CheckpointRecord;
  tensors: ReadonlyMap<string, Float32Array>;
} {
  const { entries, metadata } = readSafetensorsHeader(path);
  const tensors = Array.from(entries.values(), (entry) => ({
    name: entry.name,
    shape: [],
    data: readTensor(entry),
  }));
  const text = metadata['checkpoint'] ?? '';
  if (metadata['sha256'] !== checksum(text, tensors))
    throw new UserError(`${path}: damaged (its checksum is wrong)`);
  const record = recordSchema.safeParse(JSON.parse(text));
  if (!record.success) throw new UserError(`${path}: not a checkpoint of this version of the program`);
  return { record: record.data, tensors: new Map(tensors.map(({ name, data }) => [name, data])) };
}

function restore(
  record: CheckpointRecord,
  tensors: ReadonlyMap<string, Float32Array>,
  path: string,
  context: CheckpointContext,
): RunState {
  const values = (part: string, name: string): Float32Array => {
    const data = tensors.get(`${part}/${name}`);
    if (!data) throw new UserError(`${path}: the tensor "${part}/${name}" is missing`);
    return data;
  };
  const adapter = (part: string) => mapAdapter(context.initial, (_, name) => values(part, name));
  const moments = (part: string) =>
    new Map(Array.from(context.initial.tensors.keys(), (name) => [name, values(part, name)]));
  const history = new MemoryHistory();
  for (let stage = 0; stage < record.historyLength; stage++) history.append(adapter(`history.${stage}`));

  const { format: _, run: __, historyLength: ___, replay, ...position } = record;
  return {
    ...position,
    adapter: adapter('adapter'),
    taskStart: adapter('task_start'),
    stageStart: adapter('stage_start'),
    optimizer: restoreOptimizer(record, context, moments),
    replay: restoreReplay(replay, context),
    history,
  };
}

function restoreReplay(rows: CheckpointRecord['replay'], { config, tasks }: CheckpointContext) {
  if (!config.replay || !rows) return null;
  const entries = rows.map((payload) => {
    const { name, train } = tasks[payload.task]!;
    return { task: name, row: train.rows[payload.position]!, payload };
  });
  return new ReplayBuffer(config.replay, entries);
}

/** A stage's optimizer takes one step with each of the stage's. */
function restoreOptimizer(
  { phase, step }: CheckpointRecord,
  { config }: CheckpointContext,
  moments: (part: string) => ReadonlyMap<string, Float32Array>,
) {
  if (step === 0 || (phase !== 'sft' && phase !== 'preference')) return null;
  const saved = { step, firstMoments: moments('first_moments'), secondMoments: moments('second_moments') };
  return stageOptimizer(config, phase, saved);
}
