/**
 * The torch engine on a GPU beside TRL's DPOTrainer there: the same rows and the same random weights in a well-known
 * model's shape, bfloat16, LoRA on queries and values, 16 pairs a step. random_model.py makes the model where the
 * measurement runs.
 *
 * What counts is a step's tokens per second once both are warm, that is from the third step on: compiling
 * FlexAttention takes many steps' time once, and TRL's dataset machinery seconds. Memory is that of tensors on the GPU.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openModel } from '../../src/index.ts';
import { oraclePython } from '../../test/parity/environment.ts';
import { type Measured, measureNode, run } from '../shared/child.ts';
import { publish } from '../shared/command.ts';
import type { Journal } from '../shared/journal.ts';
import { describeMachine } from '../shared/machine.ts';
import { measureRounds, type Side } from '../shared/rounds.ts';
import { type OurRequest, RECIPE, type TrainingReport, type TrlSettings } from '../training/request.ts';
import { describeSettings, measureTrl } from '../training/trl.ts';
import { prepareWorkload, type Workload } from '../training/workload.ts';
import { type CudaResult, cudaReport, type Row, rowOf } from './cuda-report.ts';

const OURS = new URL('../training/ours.ts', import.meta.url);
const RANDOM_MODEL = new URL('random_model.py', import.meta.url);

export const shapes = ['smollm2-1.7b', 'llama-3.1-8b', 'small'] as const;
export type Shape = (typeof shapes)[number];

/** How our side packs and attends. */
export interface OurSettings {
  readonly attention: 'flex' | 'segments';
  readonly microBatchTokens: number;
}

export interface CudaOptions {
  readonly shape: Shape;
  readonly set: string;
  readonly data: string;
  readonly rows: number;
  readonly repeats: number;
  readonly threads: number;
  readonly ours: readonly OurSettings[];
  /** TRL's best there: weights and products in bfloat16, references once, nothing computed again. */
  readonly trlBatches: readonly number[];
  /** The same with Liger's kernels. */
  readonly ligerBatches: readonly number[];
  readonly device: 'cpu' | 'cuda';
  /** Whose tokenizer.json reads the rows. */
  readonly tokenizer: string;
  readonly folder: string;
  readonly journal: Journal;
}

interface Made {
  readonly parameters: number;
  readonly gpu: string | null;
  readonly seconds: number;
}

export async function measureCuda(options: CudaOptions): Promise<CudaResult> {
  const { shape, set, data, rows, repeats, journal } = options;
  const folder = join(options.folder, shape);
  const made = await makeRandomModel({ ...options, folder, dtype: 'bfloat16' });
  process.stderr.write(`${shape}: made in ${made.seconds.toFixed(1)} s\n`);
  const model = await openModel(folder, { weights: 'as-they-are' });
  const workload = await prepareWorkload({
    ...{ model, set, data, rows, epochs: 1 },
    folder: join(options.folder, `${shape}-rows`),
  });
  const label = `${shape}, ${set}`;
  const measured: Row[] = [];
  const versions: Record<string, string> = {};
  for (const side of sidesOf(options, workload)) {
    const one = await tolerant(label, side, { repeats, units: workload.tokens, journal });
    if (one.length === 0) continue;
    measured.push(rowOf(side.name, side.isOurs, one));
    Object.assign(versions, one[0]!.versions);
  }
  const machine = { ...describeMachine(), ...(made.gpu === null ? {} : { gpu: made.gpu }) };
  const { parameters } = made;
  return cudaReport({ ...{ shape, set, rows, repeats, parameters, machine, versions }, workload, measured });
}

/** A setting that cannot run there, for want of memory or of a package, is said to be so and left out. */
async function tolerant(
  label: string,
  side: Side<TrainingReport>,
  options: Parameters<typeof measureRounds>[2],
): Promise<readonly Measured<TrainingReport>[]> {
  try {
    const [found] = await measureRounds(label, [side], options);
    return found!;
  } catch (error) {
    process.stderr.write(`${label}, ${side.name}: left out: ${(error as Error).message.slice(-1500)}\n`);
    return [];
  }
}

/** @returns what random_model.py says of it */
export async function makeRandomModel(request: {
  readonly shape: Shape;
  readonly dtype: 'float32' | 'bfloat16';
  readonly folder: string;
  readonly tokenizer: string;
}): Promise<Made> {
  const { shape, dtype, folder, tokenizer } = request;
  const input = JSON.stringify({ shape, dtype, folder, tokenizer, seed: RECIPE.seed });
  const { stdout } = await run(await oraclePython(), [fileURLToPath(RANDOM_MODEL)], { input });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Made;
}

function sidesOf(
  options: CudaOptions,
  workload: Workload,
): readonly (Side<TrainingReport> & { readonly isOurs: boolean })[] {
  const { ours, trlBatches, ligerBatches, threads, device } = options;
  const trl = (batchSize: number, withLiger: boolean): TrlSettings => ({
    precision: 'bfloat16 weights and products',
    batchSize,
    precomputeReference: true,
    gradientCheckpointing: false,
    liger: withLiger,
  });
  return [
    ...ours.map((settings) => ({
      name: `engine torch: ${settings.attention}, micro-batches of ${settings.microBatchTokens} tokens`,
      isOurs: true,
      measure: () => measureOurs(workload, settings, threads, device),
    })),
    ...[...trlBatches.map((size) => trl(size, false)), ...ligerBatches.map((size) => trl(size, true))].map(
      (settings) => ({
        name: `TRL: ${describeSettings(settings)}`,
        isOurs: false,
        measure: () => measureTrl(workload, settings, threads, device),
      }),
    ),
  ];
}

function measureOurs(
  { config, scratch }: Workload,
  { attention, microBatchTokens }: OurSettings,
  threads: number,
  device: CudaOptions['device'],
): Promise<Measured<TrainingReport>> {
  const name = `${attention}-${microBatchTokens}-${Math.random().toString(36).slice(2)}`;
  const engine = `engine={name: torch, dtype: bfloat16, device: ${device}, attention: ${attention}, micro_batch_tokens: ${microBatchTokens}}`;
  const request: OurRequest = {
    ...{ config, overrides: [engine], threads },
    // A cache of its own, so that reference log-probs are computed anew.
    ...{ output: join(scratch, name, 'output'), cache: join(scratch, name, 'cache') },
  };
  return measureNode(OURS, request);
}

/** The report with its number of the form's name. */
export async function publishCuda(result: CudaResult, shape: Shape, record: boolean): Promise<void> {
  const { machine, ...publication } = result;
  await publish(`torch-${shape}`, machine, { ...publication, form: record ? 'full' : 'custom', record });
}
