/** `lifealign bench`: methods, orders, bases, seeds and settings on equal terms; the paper's tables and figures. */
import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import { interruptible } from '../interrupt.ts';
import { threadsOf, wholeNumber } from '../whole-number.ts';

interface BenchFlags {
  readonly outputDir?: string;
  readonly parallel: string;
  readonly threads?: string;
  readonly run: boolean;
  readonly keepRuns?: true;
}

export function registerBench(program: Command): void {
  program
    .command('bench')
    .description(
      'methods x orders x bases x seeds x settings from one config, resumable: tables and figures with intervals and tests',
    )
    .argument('<config>', 'YAML file with the base config of all runs and what varies')
    .option(
      '--output-dir <folder>',
      'where it grows, over as many sittings as it takes (default: runs/bench-<name of the config>)',
    )
    .option('--parallel <number>', 'runs at a time, each in a process of its own', '1')
    .option('--threads <number>', 'threads of each run (default: the cores, shared out)')
    .option('--no-run', 'write the tables of what is finished, and run nothing')
    .option('--keep-runs', 'keep the folders of finished runs, with adapters, steps and answers')
    .action(bench);
  program
    .command('bench-worker', { hidden: true })
    .description('does the runs of a bench, which starts it')
    .action(async () => {
      const { serveRuns } = await import('../../bench/work/serve.ts');
      await serveRuns();
    });
}

async function bench(file: string, flags: BenchFlags): Promise<void> {
  const parallel = wholeNumber('--parallel', flags.parallel, 1, 256);
  const { threads } = threadsOf(flags.threads);
  const { readBench } = await import('../../bench/config/read.ts');
  const { runBench } = await import('../../bench/bench.ts');
  const { availableParallelism } = await import('node:os');

  const config = await readBench(file);
  const folder = flags.outputDir ?? join('runs', `bench-${basename(file, extname(file))}`);
  const goOn = 'the same command goes on';
  const interruption = {
    reason: `interrupted; everything up to there is saved: ${goOn}`,
    notice: `stopping the runs after their step (once more to stop at once); ${goOn}`,
  };
  const shared = Math.max(1, Math.floor(availableParallelism() / parallel));
  const tables = await interruptible(interruption, (signal) =>
    runBench(config, {
      folder,
      parallel,
      threads: threads ?? shared,
      tablesOnly: !flags.run,
      keepRuns: flags.keepRuns === true,
      signal,
      log: (line) => void process.stderr.write(`${line}\n`),
    }),
  );
  process.stdout.write(`${tables}\n`);
  process.stderr.write(`all tables are in ${folder}, the report is ${join(folder, 'index.html')}\n`);
}
