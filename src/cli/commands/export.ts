/** `lifealign export`: an adapter for other programs, verified: a PEFT folder, a merged model, or a GGUF LoRA. */
import { type Command, Option } from 'commander';
import type { ExportReport } from '../../export/export-adapter.ts';
import { type ExportFormatName, exportFormatNames } from '../../export/job.ts';
import type { Adapter } from '../../model/adapter.ts';
import { type FloatFormat, floatFormats } from '../../model/weights/float-formats.ts';
import { checkNewFolder } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { type ProgressFactory, streamProgress } from '../../support/progress.ts';
import type { BaseModel } from '../../train/base-model.ts';
import { byteSize } from '../byte-size.ts';
import { interruptible } from '../interrupt.ts';
import { threadsOf } from '../whole-number.ts';

interface ExportFlags {
  readonly model?: string;
  readonly adapter?: string;
  readonly memory?: string;
  readonly memoryVersion?: string;
  readonly format: ExportFormatName;
  readonly output: string;
  readonly dtype?: FloatFormat;
  readonly maxShardSize?: string;
  readonly threads?: string;
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
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .action(runExport);
}

async function runExport(flags: ExportFlags): Promise<void> {
  const { format, output, dtype } = flags;
  const threads = threadsOf(flags.threads);
  const source = sourceOf(flags);
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
  const { base, adapter, name } = await openSource(source, { progress, threads: flags.threads });
  try {
    const { source: origin } = base.model;
    const baseModel = origin.kind === 'hub' ? origin.repository : name;
    const report = await interruptible({ reason: 'interrupted; nothing was written' }, (signal) => {
      const settings = { format, output, baseModel, progress, signal, ...threads, ...shards };
      return exportAdapter(base, adapter, { ...settings, ...(dtype === undefined ? {} : { dtype }) });
    });
    warnOfLoss(report);
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } finally {
    await base.engine.close();
  }
}

type Source =
  | { readonly kind: 'model'; readonly model: string; readonly adapter: string }
  | { readonly kind: 'memory'; readonly memory: string; readonly version: string };

/** @throws {UserError} for flags that contradict each other or say too little. */
function sourceOf({ model, adapter, memory, memoryVersion }: ExportFlags): Source {
  if (memory === undefined) {
    if (memoryVersion !== undefined) throw new UserError('--memory-version: expected beside --memory');
    if (model === undefined) throw new UserError('--model: missing; expected a model (or --memory)');
    if (adapter === undefined)
      throw new UserError('--adapter: missing; expected a PEFT folder (or --memory)');
    return { kind: 'model', model, adapter };
  }
  const other = model === undefined ? (adapter === undefined ? null : '--adapter') : '--model';
  if (other !== null) {
    throw new UserError(`--memory: it has a base and an adapter of its own; leave out ${other}`);
  }
  return { kind: 'memory', memory, version: memoryVersion ?? 'head' };
}

/** The caller closes the base's engine. `name` is what the base is called. */
async function openSource(
  source: Source,
  { progress, threads }: { readonly progress: ProgressFactory; readonly threads: string | undefined },
): Promise<{ readonly base: BaseModel; readonly adapter: Adapter; readonly name: string }> {
  if (source.kind === 'memory') {
    const { MemoryStore } = await import('../../memory/store/store.ts');
    const { openMemoryBase } = await import('../memory-base.ts');
    const store = await MemoryStore.open(source.memory);
    const adapter = await store.adapter(await store.resolve(source.version));
    const { model: base } = await openMemoryBase(store, { threads, progress });
    return { base, adapter, name: (await store.config()).base };
  }
  const { openBase } = await import('../base.ts');
  const base = await openBase(source.model, { progress, warn, ...threadsOf(threads) });
  try {
    return { base, adapter: await base.readAdapter(source.adapter), name: source.model };
  } catch (error) {
    await base.engine.close();
    throw error;
  }
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
