/** What a measurement on a GPU is told as: each setting a row, our quickest beside each of TRL's. */
import type { Measured } from '../shared/child.ts';
import type { Publication } from '../shared/command.ts';
import { type Comparison, compare } from '../shared/comparison.ts';
import { type Machine, machineLine } from '../shared/machine.ts';
import { type Spread, spread, table } from '../shared/summary.ts';
import { RECIPE, type TrainingReport } from '../training/request.ts';

/** Steps until kernels are compiled and allocators have what they need. */
const WARM_UP = 2;

export interface Row {
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

export interface CudaMeasurement {
  readonly shape: string;
  readonly set: string;
  readonly rows: number;
  readonly repeats: number;
  readonly parameters: number;
  /** Tokens, on average. */
  readonly workload: { readonly promptLength: number; readonly responseLength: number };
  readonly measured: readonly Row[];
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: Machine;
}

export function cudaReport(measurement: CudaMeasurement): CudaResult {
  const { shape, set, rows, repeats, parameters, workload, measured, versions, machine } = measurement;
  const markdown = [
    `# The torch engine beside TRL on a GPU: ${shape}, random weights`,
    `${(parameters / 1e9).toFixed(2)} B parameters in bfloat16, LoRA rank 8 on queries and values; ${rows} pairs of ` +
      `${set}, ${RECIPE.effectiveBatch} a step: prompts of ${workload.promptLength.toFixed(0)} tokens, responses of ` +
      `${workload.responseLength.toFixed(0)}, on average. Steps from number ${WARM_UP + 1} on; a prompt's tokens count ` +
      `for both of its responses. Repeats: ${repeats}, every measurement a process. ${machineLine(machine)}.`,
    resultTable(measured),
  ].join('\n\n');
  const { promptLength, responseLength } = workload;
  const means = { promptLength, responseLength };
  const numbers = { shape, set, rows, repeats, parameters, ...means, sides: measured };
  return { markdown, numbers, comparisons: comparisonsOf(`${shape}, ${set}`, measured), versions, machine };
}

/** @param repeats its measurements */
export function rowOf(name: string, isOurs: boolean, repeats: readonly Measured<TrainingReport>[]): Row {
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

/** `null` where none could be measured. */
function quickest(rows: readonly Row[], isOurs: boolean): Row | null {
  const speed = (row: Row) => row.tokensPerSecond.median;
  const own = rows.filter((row) => row.isOurs === isOurs);
  return own.toSorted((a, b) => speed(b) - speed(a))[0] ?? null;
}

function resultTable(rows: readonly Row[]): string {
  const best = quickest(rows, false);
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
      row.peakDeviceBytes === null ? 'not recorded' : (row.peakDeviceBytes / 1e9).toFixed(2),
      row.firstLoss.toFixed(4),
      row.firstLogp.toFixed(1),
      row.seconds.toFixed(1),
    ]),
  );
}

/** Our quickest setting beside each of TRL's, in speed and in memory. */
function comparisonsOf(label: string, rows: readonly Row[]): readonly Comparison[] {
  const ours = quickest(rows, true);
  if (ours === null) return [];
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
        ...(ours.peakDeviceBytes === null || peer.peakDeviceBytes === null
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
