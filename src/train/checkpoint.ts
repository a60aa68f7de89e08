/**
 * Checkpoints: a run's state in a safetensors file, written beside and renamed. Two are kept, so that a
 * damaged newest one costs a minute of work and not the run. What grows with the stream (the method's memory,
 * the replay buffer) lies in files of its own, written once and referenced by hash: see checkpoint-parts.ts.
 *
 * Tensors lie as checkpoint-tensors.ts has it; everything else is JSON in the file's metadata, beside a
 * SHA-256 over that JSON and all tensors.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ReplayBuffer } from '../data/replay-buffer.ts';
import { type MethodRun, type MethodState, nothingRemembered } from '../method/method.ts';
import type { Adapter } from '../model/adapter.ts';
import { readSafetensorsHeader, writeSafetensors } from '../model/weights/safetensors.ts';
import { makeFolder } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import { errorCode } from '../support/file-error.ts';
import { MemoryFiles, ReplayFiles, readMatrices, tensorList, tensorsHash } from './checkpoint-parts.ts';
import { CheckpointTensors, stateTensors } from './checkpoint-tensors.ts';
import type { RunConfig } from './config/schema.ts';
import { phases, type ReplayedRow, type RunState, stageOptimizer } from './state.ts';
import type { StreamTask } from './stream-data.ts';

const FORMAT = 'lifealign checkpoint 5';
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
  /** Hashes of the files that hold what the method remembers, oldest first, and the replay buffer. */
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

/** What a state is rebuilt from besides the checkpoint itself. */
export interface CheckpointContext {
  /** Decides names, shapes and LoRA settings of what is trained. */
  readonly initial: Adapter;
  readonly tasks: readonly StreamTask[];
  readonly config: RunConfig;
  /** Hash over the run's config and data. */
  readonly run: string;
  /** The run's method, with what it remembered. */
  beginMethod(remembered: MethodState): MethodRun;
}

export class CheckpointFolder {
  readonly #folder: string;
  readonly #context: CheckpointContext;
  readonly #memory: MemoryFiles;
  readonly #replay: ReplayFiles;

  constructor(folder: string, context: CheckpointContext) {
    this.#folder = folder;
    this.#context = context;
    this.#memory = new MemoryFiles(join(folder, 'memory'));
    this.#replay = new ReplayFiles(join(folder, 'replay'));
  }

  /** Writes the state as the newest checkpoint; older ones but the last go. */
  async save(state: RunState): Promise<void> {
    await makeFolder(this.#folder);
    const existing = await checkpointFiles(this.#folder);
    const number = existing.length === 0 ? 1 : numberOf(existing.at(-1)!) + 1;
    const tensors = stateTensors(state);
    const { finished } = state.method.state?.() ?? nothingRemembered;
    const record = serialise({
      ...positionOf(state),
      format: FORMAT,
      run: this.#context.run,
      memory: [...(await this.#memory.save(finished))],
      replay: state.replay && (await this.#replay.save(state.replay.entries)),
    });
    const metadata = { checkpoint: record, sha256: tensorsHash(tensors, record) };
    const name = `${String(number).padStart(6, '0')}.safetensors`;
    await writeSafetensors(join(this.#folder, name), tensorList(tensors), metadata);
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
        if (record.run === this.#context.run) return await this.#restore(record, tensors);
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

  async #restore(record: CheckpointRecord, tensors: CheckpointTensors): Promise<RunState> {
    const { initial, config, tasks, beginMethod } = this.#context;
    const { format: _, run: __, memory, replay, ...position } = record;
    const replayed = replay === null ? null : await this.#replay.load(replay);
    const method = beginMethod({ running: tensors.part('method'), finished: this.#memory.load(memory) });
    return {
      ...position,
      adapter: tensors.adapter('adapter', initial, method),
      taskStart: tensors.adapter('task_start', initial, method),
      stageStart: tensors.adapter('stage_start', initial, method),
      optimizer: restoreOptimizer(record, config, (part) => tensors.moments(part, initial)),
      replay: restoreReplay(replayed, config, tasks),
      method,
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

function readCheckpoint(path: string): { record: CheckpointRecord; tensors: CheckpointTensors } {
  const { entries, metadata } = readSafetensorsHeader(path);
  const matrices = readMatrices(entries.values());
  const text = metadata['checkpoint'] ?? '';
  if (metadata['sha256'] !== tensorsHash(matrices, text))
    throw new UserError(`${path}: damaged (its checksum is wrong)`);
  const record = recordSchema.safeParse(JSON.parse(text));
  if (!record.success) throw new UserError(`${path}: not a checkpoint of this version of the program`);
  return { record: record.data, tensors: new CheckpointTensors(path, matrices) };
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
