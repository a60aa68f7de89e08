/** `lifealign data import`: the paper's public data sets, from their published files. */
import type { Command } from 'commander';
import { forms } from '../../data/import/importer.ts';
import type { SkippedRow } from '../../data/row-stream.ts';
import { checkWritable } from '../../support/atomic-file.ts';
import { DataError, UserError } from '../../support/errors.ts';
import { byteProgress, dataCommand } from '../data-command.ts';
import { checkOutput } from '../output-file.ts';
import { wholeNumber } from '../whole-number.ts';

interface ImportFlags {
  readonly output?: string;
  readonly form: string;
  readonly split?: string;
  readonly seed: string;
  readonly exclude?: string;
}

export function registerDataImport(program: Command): void {
  dataCommand(program)
    .command('import')
    .description(
      "write rows of one of the paper's public data sets, from its published files; without a name, list them",
    )
    .argument('[name]', 'the data set')
    .argument('[files...]', 'its published files')
    .option(
      '--output <file>',
      'the JSONL file to write; with --split, ROWS.jsonl becomes ROWS.train.jsonl, ...',
    )
    .option(
      '--form <form>',
      "chat: conversations as messages; paper: the layout of the benchmark's own rows",
      'chat',
    )
    .option('--split <parts>', 'parts by share or number of rows: train=3000,test=1000')
    .option('--seed <number>', 'decides which row lies in which part', '0')
    .option('--exclude <file>', 'leave out rows whose prompt this file of rows has')
    .action(importRows);
}

async function importRows(
  name: string | undefined,
  files: readonly string[],
  flags: ImportFlags,
): Promise<void> {
  const { findImporter, importers } = await import('../../data/import/index.ts');
  if (name === undefined) {
    const listed = importers.map(({ name: known, hub, description, counts }) => ({
      name: known,
      hub,
      description,
      rows: counts,
    }));
    process.stdout.write(`${JSON.stringify(listed, null, 2)}\n`);
    return;
  }
  const importer = findImporter(name);
  const { output } = flags;
  if (files.length === 0)
    throw new UserError(`${name}: expected its published files: ${importer.description}`);
  if (output === undefined) throw new UserError('--output: missing; expected the file to write');
  const form = forms.find((known) => known === flags.form);
  if (form === undefined) throw new UserError(`--form ${flags.form}: expected ${forms.join(' or ')}`);
  const seed = wholeNumber('--seed', flags.seed, 0, Number.MAX_SAFE_INTEGER);
  const { convertRows, partFile } = await import('../../data/convert.ts');
  const { partsOf } = await import('../../data/split.ts');
  const { readPublished } = await import('../../data/import/read.ts');
  const parts = flags.split === undefined ? null : partsOf(flags.split);
  for (const target of parts?.map((part) => partFile(output, part.name)) ?? [output]) {
    for (const file of files) await checkOutput(target, file);
  }
  await checkWritable(output);
  const exclude = flags.exclude === undefined ? new Set<string>() : await promptsOf(flags.exclude);
  const { onBytes, bar } = await byteProgress('importing', files, parts === null ? 1 : 2);
  const open = async () => readPublished(importer, files, form, onBytes);
  const none = () => new DataError({ file: files[0] ?? '' }, 'no rows are left to write');
  const report = await convertRows(open, { output, parts, seed, exclude }, () => {}, none).finally(() =>
    bar.stop(),
  );
  const result = {
    data_set: importer.hub,
    form,
    seed,
    written: report.written,
    ...(parts === null ? {} : { in_no_part: report.outside }),
    ...(flags.exclude === undefined ? {} : { excluded: report.excluded }),
    left_out: byProblem(report.invalid),
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}

async function promptsOf(file: string): Promise<Set<string>> {
  const { readPromptRows } = await import('../../data/read-rows.ts');
  const { promptKey } = await import('../../data/overlap.ts');
  const { rows } = await readPromptRows(file, { invalidRows: 'skip' });
  return new Set(rows.map(promptKey));
}

/** Published sets have thousands of rows that nothing can be learned from: they are counted, not listed. */
function byProblem(invalid: readonly SkippedRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { field, problem } of invalid) {
    const what = field === '' ? problem : `${field}: ${problem}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}
