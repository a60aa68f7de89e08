/** `lifealign report`: one run, or several beside each other, as a page, Markdown and CSV. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { NamedFolder } from '../../eval/report/index.ts';
import { UserError } from '../../support/errors.ts';
import { foldersByName } from '../named-runs.ts';
import { wholeNumber } from '../whole-number.ts';

interface ReportFlags {
  readonly seeds: boolean;
  readonly outputDir?: string;
  readonly answers: string;
}

export function registerReport(program: Command): void {
  program
    .command('report')
    .description(
      'a page of heatmaps, charts and answers of a run or several, with every table as Markdown and CSV',
    )
    .argument('<run...>', 'the output folder of `train`, or several as NAME=RUN over the same tasks')
    .option('--seeds', 'several runs of one name differ in their seed: intervals over seeds', false)
    .option('--output-dir <folder>', 'where the report goes (default: report in the folder of the run)')
    .option('--answers <number>', 'test rows of each task whose answers are shown', '4')
    .action(report);
}

async function report(args: readonly string[], { seeds, outputDir, answers }: ReportFlags): Promise<void> {
  const named = namedFolders(args, seeds);
  const count = wholeNumber('--answers', answers, 0, 1000);
  const { writeReport } = await import('../../eval/report/index.ts');
  if (outputDir === undefined && named.length > 1) {
    throw new UserError('--output-dir: a report on several runs belongs to none of them; say where it goes');
  }
  const folder = outputDir ?? join(named[0]!.folder, 'report');
  process.stdout.write(`${await writeReport(named, folder, { answers: count })}\n`);
}

/** A run alone needs no name, its folder's will do; a folder may have a "=" in its name. */
function namedFolders(args: readonly string[], seeds: boolean): NamedFolder[] {
  const [only, ...others] = args;
  if (only !== undefined && others.length === 0 && !seeds && (!only.includes('=') || existsSync(only))) {
    return [{ name: basename(resolve(only)), folder: only }];
  }
  return Array.from(foldersByName(args, seeds), ([name, folders]) =>
    folders.map((folder) => ({ name, folder })),
  ).flat();
}
