/** `lifealign train`: a stream of preference tasks with one method, resumable at any point. */
import { basename, extname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { streamProgress } from '../../support/progress.ts';
import { interruptible } from '../interrupt.ts';
import { append } from '../repeatable.ts';
import { threadsOf } from '../whole-number.ts';

interface TrainFlags {
  readonly outputDir?: string;
  readonly resume?: true;
  readonly set: readonly string[];
  readonly invalidRows?: string;
  readonly reportTo?: string;
  readonly engine?: string;
  readonly threads?: string;
}

export function registerTrain(program: Command): void {
  program
    .command('train')
    .description('train a method over a stream of preference tasks and measure it after each')
    .argument('<config>', 'YAML file naming base, tasks and method')
    .option('--output-dir <folder>', 'where results and checkpoints go (default: runs/<name of the config>)')
    .option('--resume', 'continue the run that the output folder holds, from its last checkpoint')
    .option(
      '--set <key=value>',
      'change one key of the config, e.g. stages.sft.epochs=1; repeatable',
      append,
      [],
    )
    .option('--invalid-rows <policy>', 'error or skip; the same as --set invalid_rows=...')
    .option(
      '--report-to <names>',
      'tensorboard: event files under <output-dir>; jsonl: steps.jsonl, written named or not; commas between',
    )
    .option('--engine <engine>', 'the same as --set engine=...: ort, torch, or {name: torch, ...}')
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .action(train);
}

async function train(file: string, flags: TrainFlags): Promise<void> {
  const { readRunConfig } = await import('../../train/config/resolve.ts');
  const { openModelEnvironment } = await import('../../train/model-environment.ts');
  const { runStream } = await import('../../train/stream.ts');
  const { writeReport } = await import('../../eval/report/index.ts');
  const { parseReportTargets } = await import('../../train/tensorboard/report-target.ts');
  const { resultTable } = await import('../result-table.ts');

  const reporting = flags.reportTo === undefined ? {} : { reportTo: parseReportTargets(flags.reportTo) };
  const policy = flags.invalidRows === undefined ? [] : [`invalid_rows=${flags.invalidRows}`];
  const engine = flags.engine === undefined ? [] : [`engine=${flags.engine}`];
  const config = await readRunConfig(file, [...flags.set, ...policy, ...engine]);
  const outputFolder = flags.outputDir ?? join('runs', basename(file, extname(file)));
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const progress = streamProgress(process.stderr);
  const model = await openModelEnvironment(config.base, {
    progress,
    log,
    engine: config.engine,
    ...threadsOf(flags.threads),
  });
  const resume = flags.resume === true;
  const interruption = {
    reason: 'interrupted before anything was trained',
    notice: 'stopping after this micro-batch (once more to stop at once); continue later with --resume',
  };
  try {
    const summary = await interruptible(interruption, (signal) =>
      runStream(config, {
        ...model,
        ...reporting,
        configFile: file,
        outputFolder,
        resume,
        signal,
        progress,
        log,
      }),
    );
    log(resultTable(summary));
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    const run = { name: basename(resolve(outputFolder)), folder: outputFolder };
    const page = await writeReport([run], join(outputFolder, 'report'));
    log(`results are in ${outputFolder}, the report is ${page}`);
  } finally {
    await model.engine.close();
  }
}
