/** The machine a measurement was made on: what its numbers depend on beside the programs. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Of the instruction sets that decide how fast matrices are multiplied, those it has; null: not known. */
  readonly instructionSets: readonly string[] | null;
  readonly platform: string;
  /** Where the measured work runs on one. */
  readonly gpu?: string;
}

/** Names as Linux gives them in /proc/cpuinfo; the last one found is in the names of result files. */
const DECISIVE = [
  ...['neon', 'asimd', 'asimddp', 'sve', 'i8mm', 'bf16'],
  ...['avx2', 'fma', 'avx512f', 'avx512bw', 'avx_vnni', 'avx512_vnni', 'avx512_bf16', 'avx512_fp16'],
  ...['amx_tile', 'amx_int8', 'amx_bf16'],
];

export function describeMachine(): Machine {
  return {
    cpu: (cpus()[0]?.model ?? 'unknown')
      .replaceAll(/\((R|TM)\)/g, '')
      .replaceAll(/\s+/g, ' ')
      .trim(),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    instructionSets: instructionSets(),
    platform: `${process.platform} ${process.arch}`,
  };
}

function instructionSets(): readonly string[] | null {
  if (process.platform !== 'linux') return null;
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  const flags = new Set(line?.[1]?.trim().split(/\s+/));
  return DECISIVE.filter((name) => flags.has(name));
}

/** For the names of result files, such as `intel-xeon-processor-amx_bf16-2-cores`. */
export function machineSlug({ cpu, cores, instructionSets, gpu }: Machine): string {
  const best = instructionSets?.at(-1) ?? '';
  const words = (gpu ?? `${cpu} ${best} ${cores} cores`).toLowerCase();
  return words.replaceAll(/[^a-z0-9_]+/g, '-');
}

/** One line for people. */
export function machineLine({ cpu, cores, memoryBytes, instructionSets, platform, gpu }: Machine): string {
  const sets = instructionSets?.join(' ') ?? 'instruction sets unknown';
  const memory = `${Math.round(memoryBytes / 2 ** 30)} GiB`;
  const first = gpu === undefined ? '' : `${gpu}; `;
  return `${first}${cpu}, ${cores} cores (${sets}), ${memory}, ${platform}, Node ${process.versions.node}`;
}

/** Other work on the machine makes every number here meaningless; a warning on standard error says so. */
export function warnIfBusy({ cores }: Machine): void {
  const [load = 0] = loadavg();
  if (load < 0.5 * cores) return;
  process.stderr.write(
    `warning: the machine is at work (load ${load.toFixed(1)} on ${cores} cores): these timings mean little\n`,
  );
}
