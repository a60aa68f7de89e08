/**
 * The torch engine on a GPU beside TRL's DPOTrainer there: the same rows and the same random weights in a well-known
 * model's shape, bfloat16, LoRA on queries and values, 16 pairs a step. random_model.py makes the model where the
 * measurement runs.
 *
 * What counts is a step's tokens per second once both are warm, that is from the third step on: compiling
 * FlexAttention takes half a minute once, and TRL's dataset machinery seconds. Memory is that of tensors on the GPU.
 */
import { join } from 'node:path';
import { openModel } from '../../src/index.ts';
import { oraclePython } from '../../test/parity/environment.ts';
import { type Measured, measureNode, run } from '../shared/child.ts';
import { type Publication, publish } from '../shared/command.ts';
import { type Comparison, compare } from '../shared/comparison.ts';
import type { Journal } from '../shared/journal.ts';
import { describeMachine, type Machine, machineLine } from '../shared/machine.ts';
import { measureRounds, type Side } from '../shared/rounds.ts';
import { type Spread, spread, table } from '../shared/summary.ts';
import { type OurRequest, RECIPE, type TrainingReport, type TrlSettings } from '../training/request.ts';
import { describeSettings, measureTrl } from '../training/trl.ts';
import { prepareWorkload, type Workload } from '../training/workload.ts';

const OURS = new URL('../training/ours.ts', import.meta.url);
const RANDOM_MODEL = new URL('random_model.py', import.meta.url);

export const shapes = ['smollm2-1.7b', 'llama-3.1-8b', 'small'] as const;
export type Shape = (typeof shapes)[number];

/** Steps until kernels are compiled and allocators have what they need. */
const WARM_UP = 2;

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

interface Row {
  readonly name: string;
  readonly isOurs: boolean;
  /** Of a warm step, over steps and repeats. */
  readonly tokensPerSecond: Spread;
  /** One for each repeat: its tokens in warm steps over their time. */
  readonly perRepeat: readonly number[];
  readonly peakDeviceBytes: number | null;
  readonly firstLoss: number;
  readonly firstLogp: number;
  readonly seconds: number;
}

export interface CudaResult extends Omit<Publication, 'record' | 'form'> {
  readonly machine: Machine;
}

export async function measureCuda(options: CudaOptions): Promise<CudaResult> {
  const { shape, set, data, rows, repeats, threads, device, journal } = options;
  const folder = join(options.folder, shape);
  const made = await makeRandomModel({ ...options, folder, dtype: 'bfloat16' });
  const parameters = `${(made.parameters / 1e9).toFixed(2)} B parameters`;
  process.stderr.write(`${shape}: ${parameters} in ${made.seconds.toFixed(1)} s\n`);
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
  const markdown = [
    `# The torch engine beside TRL on a GPU: ${shape}, random weights`,
    `${parameters} in bfloat16, LoRA rank 8 on queries and values; ${rows} pairs of ${set}, ${RECIPE.effectiveBatch} a ` +
      `step: prompts of ${workload.promptLength.toFixed(0)} tokens, responses of ${workload.responseLength.toFixed(0)}, ` +
      `on average. Steps from number ${WARM_UP + 1} on; a prompt's tokens count for both of its responses. ` +
      `${repeats} repeat(s), every measurement a process. ${machineLine(machine)}.`,
    resultTable(measured),
  ].join('\n\n');
  const numbers = {
    shape,
    set,
    rows,
    repeats,
    threads,
    device,
    parameters: made.parameters,
    sides: measured,
  };
  return { markdown, numbers, comparisons: comparisonsOf(label, measured), versions, machine };
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
  const { stdout } = await run(await oraclePython(), [RANDOM_MODEL.pathname], { input });
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

function rowOf(name: string, isOurs: boolean, repeats: readonly Measured<TrainingReport>[]): Row {
  const warm = repeats.map(({ steps }) => steps.slice(WARM_UP).map((step) => step.tokensPerSecond));
  const peaks = repeats.flatMap(({ peakDeviceBytes }) => peakDeviceBytes ?? []);
  const [first] = repeats[0]!.steps;
  return {
    ...{ name, isOurs },
    tokensPerSecond: spread(warm.flat()),
    perRepeat: warm.map((speeds) => spread(speeds).median),
    peakDeviceBytes: peaks.length === 0 ? null : Math.max(...peaks),
    ...{ firstLoss: first!.loss, firstLogp: first!['logps/chosen'] },
    seconds: spread(repeats.map(({ seconds }) => seconds)).median,
  };
}

function quickest(rows: readonly Row[], isOurs: boolean): Row {
  const own = rows.filter((row) => row.isOurs === isOurs);
  return own.reduce((best, row) => (row.tokensPerSecond.median > best.tokensPerSecond.median ? row : best));
}

function resultTable(rows: readonly Row[]): string {
  const best = rows.some(({ isOurs }) => !isOurs) ? quickest(rows, false) : null;
  return table(
    [
      '',
      'tokens/s of a step: median (spread)',
      "of TRL's best",
      'peak of tensors on the GPU, GB',
      'first loss',
      'first log-prob',
      'all, s',
    ],
    rows.map((row) => [
      row.name,
      `${row.tokensPerSecond.median.toFixed(0)} (${row.tokensPerSecond.least.toFixed(0)} to ${row.tokensPerSecond.most.toFixed(0)})`,
      best === null ? '' : `${(row.tokensPerSecond.median / best.tokensPerSecond.median).toFixed(2)} ×`,
      row.peakDeviceBytes === null ? '' : (row.peakDeviceBytes / 1e9).toFixed(2),
      row.firstLoss.toFixed(4),
      row.firstLogp.toFixed(1),
      row.seconds.toFixed(1),
    ]),
  );
}

/** Our quickest setting beside each of TRL's, in speed and in memory. */
function comparisonsOf(label: string, rows: readonly Row[]): readonly Comparison[] {
  const ours = quickest(rows, true);
  return rows
    .filter(({ isOurs }) => !isOurs)
    .flatMap((peer) => {
      const common = { name: `${label}: ${ours.name}, ${peer.name}`, against: peer.name };
      const speed = { ours: ours.perRepeat, peer: peer.perRepeat };
      const memory = [ours, peer].map(({ peakDeviceBytes }) => (peakDeviceBytes ?? 0) / 1e9) as [
        number,
        number,
      ];
      return [
        compare({ ...common, ...speed, unit: 'tokens/s', better: 'more' }),
        ...(ours.peakDeviceBytes === null
          ? []
          : [
              compare({
                ...{ ...common, name: `${common.name}: memory`, unit: 'GB', better: 'less' },
                ...{ ours: [memory[0]], peer: [memory[1]] },
              }),
            ]),
      ];
    });
}

/** The report with its number of the form's name. */
export async function publishCuda(result: CudaResult, shape: Shape, record: boolean): Promise<void> {
  const { machine, ...publication } = result;
  await publish(`torch-${shape}`, machine, { ...publication, form: record ? 'full' : 'custom', record });
}
