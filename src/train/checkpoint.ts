/**
 * Checkpoints: a run's state in a safetensors file, written beside and renamed. Two are kept, so that a
 * damaged newest one costs a minute of work and not the run. What grows with the stream (memory, replay
 * buffer) lies in files of its own, written once and referenced by hash: see checkpoint-parts.ts.
 *
 * Tensors are named `<part>/<PEFT name>`; everything else is JSON in the file's metadata, beside a
 * SHA-256 over that JSON and every tensor's bytes.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ReplayBuffer } from '../data/replay-buffer.ts';
import { type Adapter, mapAdapter } from '../model/adapter.ts';
import { readSafetensorsHeader, readTensor, writeSafetensors } from '../model/weights/safetensors.ts';
import { makeFolder } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import { errorCode } from '../support/file-error.ts';
import { sha256 } from '../support/hash.ts';
import { MemoryFiles, ReplayFiles } from './checkpoint-parts.ts';
import type { RunConfig } from './config/schema.ts';
import { phases, type ReplayedRow, type RunState, stageOptimizer } from './state.ts';
import type { StreamTask } from './stream-data.ts';

const FORMAT = 'lifealign checkpoint 4';
const KEPT = 2;

const taskScores = z.strictObject({
  preferenceAccuracy: z.number(),
  rewardAccuracy: z.number(),
  margin: z.number(),
  judge: z.number().nullable(),
});
const generalScores = z.strictObject({ loss: z.number(), baseLoss: z.number(), kl: z.number() });
const recordSchema = z.strictObject({
  format: z.literal(FORMAT),
  /** Hash over the run's config and data. */
  run: z.string(),
  task: z.int(),
  phase: z.enum(phases),
  step: z.int(),
  /** Hashes of the files that hold the refined memories, by stage, and the replay buffer. */
  memory: z.array(z.string()),
  replay: z.string().nullable(),
  scores: z.array(z.array(taskScores.nullable())),
  general: z.array(generalScores.nullable()),
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

export class CheckpointFolder {
  readonly #folder: string;
  readonly #context: CheckpointContext;
  readonly #memory: MemoryFiles;
  readonly #replay: ReplayFiles;

  constructor(folder: string, context: CheckpointContext) {
    this.#folder = folder;
    this.#context = context;
    this.#memory = new MemoryFiles(join(folder, 'memory'), context.initial);
    this.#replay = new ReplayFiles(join(folder, 'replay'));
  }

  /** Writes the state as the newest checkpoint; older ones but the last go. */
  async save(state: RunState): Promise<void> {
    await makeFolder(this.#folder);
    const existing = await checkpointFiles(this.#folder);
    const number = existing.length === 0 ? 1 : numberOf(existing.at(-1)!) + 1;
    const tensors = tensorsOf(state);
    const record = serialise({
      ...positionOf(state),
      format: FORMAT,
      run: this.#context.run,
      memory: [...(await this.#memory.save(state.history.refined))],
      replay: state.replay && (await this.#replay.save(state.replay.entries)),
    });
    const metadata = { checkpoint: record, sha256: checksum(record, tensors) };
    const name = `${String(number).padStart(6, '0')}.safetensors`;
    await writeSafetensors(join(this.#folder, name), tensors, metadata);
    for (const old of [...existing, name].slice(0, -KEPT)) await rm(join(this.#folder, old), { force: true });
  }

  /**
   * The newest state that is whole, or undefined if there is no checkpoint at all. A damaged one is named
   * through `warn` and passed over.
   *
   * @throws {UserError} if checkpoints are there and none can be used, naming what is wrong with the newest,
   *   or one belongs to another run.
   */
  async load(warn: (message: string) => void): Promise<RunState | undefined> {
    const problems: string[] = [];
    for (const file of (await checkpointFiles(this.#folder)).reverse()) {
      const path = join(this.#folder, file);
      try {
        const { record, tensors } = readCheckpoint(path);
        if (record.run === this.#context.run) return await this.#restore(record, tensors, path);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        problems.push(error.message);
        warn(`${error.message}; trying the checkpoint before it`);
        continue;
      }
      throw new UserError(`${path}: belongs to a run with another config or data`);
    }
    if (problems.length === 0) return undefined;
    const found = `no checkpoint can be used (${problems[0]})`;
    throw new UserError(`${this.#folder}: ${found}; start the run anew`, { exitCode: 1 });
  }

  async #restore(
    record: CheckpointRecord,
    tensors: ReadonlyMap<string, Float32Array>,
    path: string,
  ): Promise<RunState> {
    const { initial, config, tasks } = this.#context;
    const values = (part: string, name: string): Float32Array => {
      const data = tensors.get(`${part}/${name}`);
      if (!data) throw new UserError(`${path}: the tensor "${part}/${name}" is missing`);
      return data;
    };
    const adapter = (part: string) => mapAdapter(initial, (_, name) => values(part, name));
    const moments = (part: string) =>
      new Map(Array.from(initial.tensors.keys(), (name) => [name, values(part, name)]));
    const { format: _, run: __, memory, replay, ...position } = record;
    const replayed = replay === null ? null : await this.#replay.load(replay);
    return {
      ...position,
      adapter: adapter('adapter'),
      taskStart: adapter('task_start'),
      stageStart: adapter('stage_start'),
      optimizer: restoreOptimizer(record, config, moments),
      replay: restoreReplay(replayed, config, tasks),
      history: this.#memory.load(memory),
    };
  }
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

function positionOf(state: RunState) {
  const { task, phase, step, scores, general, stepLogBytes, steps, tokens, seconds } = state;
  return { task, phase, step, scores, general, stepLogBytes, steps, tokens, seconds };
}

/** @throws for a record that could not be read again, such as one with a number that JSON cannot hold. */
function serialise(record: CheckpointRecord): string {
  const text = JSON.stringify(record);
  recordSchema.parse(JSON.parse(text));
  return text;
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

function restoreReplay(
  rows: readonly ReplayedRow[] | null,
  config: RunConfig,
  tasks: readonly StreamTask[],
): RunState['replay'] {
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
  config: RunConfig,
  moments: (part: string) => ReadonlyMap<string, Float32Array>,
) {
  if (step === 0 || (phase !== 'sft' && phase !== 'preference')) return null;
  const saved = { step, firstMoments: moments('first_moments'), secondMoments: moments('second_moments') };
  return stageOptimizer(config, phase, saved);
}
