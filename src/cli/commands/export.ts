/** `lifealign export`: an adapter for other programs, verified: a PEFT folder, a merged model, or a GGUF LoRA. */

import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { ExportReport } from '../../export/export-adapter.ts';
import { type ExportFormatName, exportFormatNames } from '../../export/job.ts';
import { type PushReport, pushAddress, pushToVllm } from '../../export/vllm.ts';
import { type Adapter, adapterHash } from '../../model/adapter.ts';
import { isQuantized, printPrecisions, type TrainedOver } from '../../model/base-precision.ts';
import { type FloatFormat, floatFormats } from '../../model/weights/float-formats.ts';
import { checkNewFolder } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { sha256 } from '../../support/hash.ts';
import { streamProgress } from '../../support/progress.ts';
import { type AdapterSourceFlags, checkAdapterSource, openAdapterSource } from '../adapter-source.ts';
import { byteSize } from '../byte-size.ts';
import { interruptible } from '../interrupt.ts';
import { threadsOf } from '../whole-number.ts';

interface ExportFlags extends Omit<AdapterSourceFlags, 'engine'> {
  readonly memoryVersion?: string;
  readonly format: ExportFormatName;
  readonly output: string;
  readonly dtype?: FloatFormat;
  readonly maxShardSize?: string;
  readonly push?: string;
  readonly pushName?: string;
  readonly pushPath?: string;
}

export function registerExport(program: Command): void {
  program
    .command('export')
    .description('an adapter for other programs, written and compared with what base and adapter give')
    .option('--model <model>', 'a folder in Hugging Face layout, a GGUF file or a known name')
    .option('--adapter <folder>', 'a PEFT folder, such as one of a run')
    .option('--memory <folder>', 'instead of model and adapter: a long-term memory, with its base')
    .option(
      '--memory-version <version>',
      "of the memory: a number, head~1, or a commit's first digits (default: head)",
    )
    .addOption(
      new Option(
        '--format <format>',
        'peft: a PEFT folder; merged: a whole model with the adapter in its weights; gguf-lora: for llama.cpp',
      )
        .choices(exportFormatNames)
        .makeOptionMandatory(),
    )
    .requiredOption('--output <folder>', 'new folder for it')
    .addOption(
      new Option(
        '--dtype <dtype>',
        'what weights are rounded to (default: float32; of a merged model what its base says)',
      ).choices(floatFormats),
    )
    .option('--max-shard-size <size>', 'the most bytes of a file of merged weights (default: 2GB)')
    .option('--push <url>', 'of --format peft: give it to a running vLLM there, and take older versions away')
    .option(
      '--push-name <name>',
      "what it is served as, its version behind it (default: the output folder's)",
    )
    .option('--push-path <path>', 'where that server sees the output folder (default: where it is here)')
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .action(runExport);
}

async function runExport(flags: ExportFlags): Promise<void> {
  const { format, output, dtype } = flags;
  const threads = threadsOf(flags.threads);
  await checkFlags(flags);
  const target = pushTarget(flags);
  if (flags.maxShardSize !== undefined && format !== 'merged') {
    throw new UserError(`--max-shard-size: is for --format merged, not ${format}`);
  }
  const shards =
    flags.maxShardSize === undefined
      ? {}
      : { maxShardBytes: byteSize('--max-shard-size', flags.maxShardSize) };
  await checkNewFolder(output);
  const { exportAdapter } = await import('../../export/export-adapter.ts');
  const progress = streamProgress(process.stderr);
  const version = flags.memoryVersion === undefined ? {} : { version: flags.memoryVersion };
  const source = await openAdapterSource(flags, { ...version, progress, warn, warnOfPrecision: false });
  const { base, name } = source;
  warnOfQuantization(source.adapter, format);
  try {
    const { source: origin } = base.model;
    const baseModel = origin.kind === 'hub' ? origin.repository : name;
    const report = await interruptible({ reason: 'interrupted; nothing was written' }, (signal) => {
      const settings = { format, output, baseModel, progress, signal, ...threads, ...shards };
      return exportAdapter(base, source.adapter as Adapter, {
        ...settings,
        ...(dtype === undefined ? {} : { dtype }),
      });
    });
    warnOfLoss(report);
    const pushed = target === null ? null : await handOver(source.adapter as Adapter, report.dtype, target);
    process.stdout.write(`${JSON.stringify({ ...report, ...(pushed ? { pushed } : {}) }, null, 2)}\n`);
  } finally {
    await base.engine.close();
  }
}

interface PushTarget {
  readonly url: URL;
  readonly name: string;
  readonly path: string;
}

/** @throws {UserError} for flags that say nothing without `--push`, or what is no address */
function pushTarget({ push, pushName, pushPath, format, output }: ExportFlags): PushTarget | null {
  if (push === undefined) {
    if (pushName !== undefined) throw new UserError('--push-name: expected beside --push');
    if (pushPath !== undefined) throw new UserError('--push-path: expected beside --push');
    return null;
  }
  if (format !== 'peft') throw new UserError(`--push: is for --format peft, not ${format}`);
  const path = resolve(output);
  return { url: pushAddress('--push', push), name: pushName ?? basename(path), path: pushPath ?? path };
}

/** What was written stays, whatever the server says. */
async function handOver(adapter: Adapter, dtype: FloatFormat, target: PushTarget): Promise<PushReport> {
  const version = sha256([adapterHash(adapter), dtype]).slice(0, 12);
  const key = process.env['VLLM_API_KEY'] || null;
  const reason = 'interrupted; the adapter is written, and the server may serve two versions';
  return interruptible({ reason }, (signal) => pushToVllm({ ...target, version, key, warn, signal }));
}

/** @throws {UserError} for flags that contradict each other or say too little. */
async function checkFlags(flags: ExportFlags): Promise<void> {
  await checkAdapterSource(flags);
  if (flags.memory !== undefined) return;
  if (flags.memoryVersion !== undefined) throw new UserError('--memory-version: expected beside --memory');
  if (flags.adapter === undefined) {
    throw new UserError('--adapter: missing; expected a PEFT folder (or --memory)');
  }
}

/** Such a run's log-probs, and its gates, were of another function than what is written now. */
function warnOfQuantization(adapter: TrainedOver | null, format: ExportFormatName): void {
  const quantized = adapter?.basePrecisions?.filter(isQuantized) ?? [];
  if (quantized.length === 0 || format === 'peft') return;
  warn(
    `the adapter was trained over a base in ${printPrecisions(quantized)}; ${format} puts it on the base as it is, which ` +
      'answers differently: measure what is written before it is relied on',
  );
}

/** What was written is right as far as its dtype goes; whether that is far enough is the user's to decide. */
function warnOfLoss({ dtype, verification }: ExportReport): void {
  const { largest_difference: difference, adapter_effect: effect } = verification;
  if (difference <= effect / 4) return;
  const told = (value: number) => value.toPrecision(2);
  warn(
    `on the pairs it was verified on the adapter moves log-probs by up to ${told(effect)} nats per token, ` +
      `and writing it as ${dtype} by up to ${told(difference)}` +
      (dtype === 'float32'
        ? ': the comparison says little'
        : ': much of what was learned may be lost; float32 keeps it'),
  );
}

function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`);
}
