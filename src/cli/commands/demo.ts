/** `lifealign demo`: six built-in preference tasks, learned one after another by three methods. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { Interrupted } from '../../support/errors.ts';
import { streamProgress } from '../../support/progress.ts';
import { demoFolder } from '../demo/folder.ts';
import { type DemoBase, demoBases, demoMethods, demoSettings } from '../demo/settings.ts';
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
    .option('--resume', 'continue the demo that the output folder holds (default: the latest)')
    .option('--seed <number>', "decides the rows, the adapter's start and the order of rows", '0')
    .option('--threads <number>', 'threads of the engine (default: by the size of the base)')
    .action(demo);
}

async function demo(flags: DemoFlags): Promise<void> {
  const { base } = flags;
  const resume = flags.resume === true;
  const seed = wholeNumber('--seed', flags.seed, 0, 999_999_999);
  const outputFolder = demoFolder({ outputDir: flags.outputDir, resume });
  const { writeJsonFile } = await import('../../support/atomic-file.ts');
  const { openModelEnvironment } = await import('../../train/model-environment.ts');
  const { writeReport } = await import('../../eval/report/index.ts');
  const { runDemo } = await import('../demo/run.ts');
  const { demoAnswers, demoTables } = await import('../demo/report.ts');

  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const progress = streamProgress(process.stderr);
  const model = await openModelEnvironment(base, { progress, log, ...threadsOf(flags.threads) });
  const goOn = `lifealign demo --resume --output-dir ${outputFolder} --base ${base} --seed ${seed}`;
  const interruption = {
    reason: 'interrupted before anything was trained',
    notice: `stopping (once more to stop at once); continue with: ${goOn}`,
  };
  try {
    const options = { base, settings: demoSettings[base], seed, model, outputFolder, resume, progress, log };
    const summary = await interruptible(interruption, (signal) => runDemo({ ...options, signal }));
    await writeJsonFile(join(outputFolder, 'summary.json'), summary);
    const answers = await demoAnswers(outputFolder, summary, 3);
    process.stdout.write(`\n${answers}\n\n${demoTables(summary)}\n`);
    const runs = demoMethods.map((name) => ({ name, folder: join(outputFolder, name) }));
    const page = await writeReport(runs, join(outputFolder, 'report'));
    log(`\n${Math.round(summary.seconds)} s of training and measuring; everything is in ${outputFolder}`);
    log(`the report, to be opened in a browser: ${page}`);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(`interrupted; everything up to there is saved: continue with: ${goOn}`);
  } finally {
    await model.engine.close();
  }
}
