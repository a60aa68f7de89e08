/** `lifealign demo`: six built-in preference tasks, learned one after another by three methods. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { streamProgress } from '../../support/progress.ts';
import { type DemoBase, demoBases } from '../demo/settings.ts';
import { interruptible } from '../interrupt.ts';
import { threadsOf, wholeNumber } from '../whole-number.ts';

interface DemoFlags {
  readonly base: DemoBase;
  readonly outputDir?: string;
  readonly resume?: true;
  readonly seed: string;
  readonly threads?: string;
}

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('LifeAlign beside replay and plain sequential fine-tuning on six built-in tasks')
    .addOption(new Option('--base <name>', 'the model to align').choices(demoBases).default('tiny'))
    .option('--output-dir <folder>', 'where results go (default: runs/demo, or the next free number)')
    .option('--resume', 'continue the demo that the output folder holds')
    .option('--seed <number>', "decides the rows, the adapter's start and the order of rows", '0')
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .action(demo);
}

async function demo(flags: DemoFlags): Promise<void> {
  const seed = wholeNumber('--seed', flags.seed, 0, 999_999_999);
  const { writeFileAtomic } = await import('../../support/atomic-file.ts');
  const { openModelEnvironment } = await import('../../train/model-environment.ts');
  const { demoSettings } = await import('../demo/settings.ts');
  const { runDemo } = await import('../demo/run.ts');
  const { demoAnswers, demoTables } = await import('../demo/report.ts');

  const outputFolder = flags.outputDir ?? freeFolder(join('runs', 'demo'));
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const progress = streamProgress(process.stderr);
  const model = await openModelEnvironment(flags.base, { progress, log, ...threadsOf(flags.threads) });
  const interruption = {
    reason: 'interrupted before anything was trained',
    notice: `stopping (once more to stop at once); continue with --resume --output-dir ${outputFolder}`,
  };
  try {
    const summary = await interruptible(interruption, (signal) =>
      runDemo({
        base: flags.base,
        settings: demoSettings[flags.base],
        seed,
        model,
        outputFolder,
        resume: flags.resume === true,
        signal,
        progress,
        log,
      }),
    );
    await writeFileAtomic(join(outputFolder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    const answers = await demoAnswers(outputFolder, summary, 3);
    process.stdout.write(`\n${answers}\n\n${demoTables(summary)}\n`);
    log(`\n${Math.round(summary.seconds)} s of training and measuring; everything is in ${outputFolder}`);
  } finally {
    await model.engine.close();
  }
}

function freeFolder(wanted: string): string {
  let folder = wanted;
  for (let number = 2; existsSync(folder); number++) folder = `${wanted}-${number}`;
  return folder;
}
