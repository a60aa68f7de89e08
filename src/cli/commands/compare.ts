/** `lifealign compare`: runs over one stream beside each other, with intervals and paired differences. */
import type { Command } from 'commander';
import type { NamedRuns } from '../../eval/comparison/index.ts';
import { checkWritable, writeFileAtomic } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { foldersByName } from '../named-runs.ts';

interface CompareOptions {
  readonly seeds: boolean;
  readonly format: string;
  readonly output?: string;
}

export function registerCompare(program: Command): void {
  program
    .command('compare')
    .description(
      'runs over one stream beside each other: every score with intervals, the first against the others',
    )
    .argument('<name=run...>', 'output folders of `train`; a run named stl says what each task alone gains')
    .option('--seeds', 'several runs of one name differ in their seed: means and intervals over seeds', false)
    .option('--format <format>', 'markdown, csv, json or latex', 'markdown')
    .option('--output <file>', 'write there instead of to standard output')
    .action(compare);
}

async function compare(args: readonly string[], { seeds, format, output }: CompareOptions): Promise<void> {
  const { formatNames, formats } = await import('../../eval/comparison/formats.ts');
  const name = formatNames.find((known) => known === format);
  if (!name) throw new UserError(`--format ${format}: expected one of ${formatNames.join(', ')}`);
  const folders = foldersByName(args, seeds);
  if (output !== undefined) await checkWritable(output);
  const { compareRuns, readRunResults } = await import('../../eval/comparison/index.ts');
  const named: NamedRuns[] = [];
  for (const [runName, paths] of folders) {
    named.push({ name: runName, runs: await Promise.all(paths.map(readRunResults)) });
  }
  for (const { folder, seconds } of named.flatMap(({ runs }) => runs)) {
    if (seconds === null) process.stderr.write(`warning: ${folder}: the run is not finished\n`);
  }
  const text = formats[name](compareRuns(named));
  if (output === undefined) process.stdout.write(text);
  else await writeFileAtomic(output, text);
}
