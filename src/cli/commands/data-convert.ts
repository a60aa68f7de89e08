/** `lifealign data convert`: a file of any recognised shape as our own rows, whole or split by seed. */
import type { Command } from 'commander';
import type { SkippedRow } from '../../data/row-stream.ts';
import { checkWritable } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { byteProgress, dataCommand, type ReadFlags, readingOf, withReadFlags } from '../data-command.ts';
import { checkOutput } from '../output-file.ts';
import { wholeNumber } from '../whole-number.ts';

interface ConvertFlags extends ReadFlags {
  readonly output: string;
  readonly split?: string;
  readonly seed: string;
  readonly invalidRows: string;
}

export function registerDataConvert(program: Command): void {
  const command = dataCommand(program)
    .command('convert')
    .description('write the rows of a file of any recognised format as JSONL of {prompt, chosen, rejected}')
    .argument('<file>', 'JSON, JSONL, CSV (gzip too) or Parquet; or dataset_info.json#NAME')
    .requiredOption(
      '--output <file>',
      'the JSONL file to write; with --split, ROWS.jsonl becomes ROWS.train.jsonl, ...',
    )
    .option('--split <parts>', 'parts by share or number of rows: train=0.9,test=0.1')
    .option('--seed <number>', 'decides which row lies in which part', '0')
    .option(
      '--invalid-rows <policy>',
      'error: stop at the first, writing nothing; skip: leave them out',
      'error',
    );
  withReadFlags(command).action(convert);
}

async function convert(file: string, flags: ConvertFlags): Promise<void> {
  const { output, invalidRows } = flags;
  if (invalidRows !== 'error' && invalidRows !== 'skip') {
    throw new UserError(`--invalid-rows: expected error or skip, got "${invalidRows}"`);
  }
  const reading = await readingOf(flags);
  const seed = wholeNumber('--seed', flags.seed, 0, Number.MAX_SAFE_INTEGER);
  const { convertRows, partFile } = await import('../../data/convert.ts');
  const { partsOf } = await import('../../data/split.ts');
  const { openPreferenceRows, readingNotes } = await import('../../data/row-stream.ts');
  const { invalidRowsError, noValidRows } = await import('../../data/read-rows.ts');
  const parts = flags.split === undefined ? null : partsOf(flags.split);
  for (const name of parts?.map((part) => partFile(output, part.name)) ?? [output])
    await checkOutput(name, file);
  await checkWritable(output);
  const { onBytes, bar } = await byteProgress('converting', [file], parts === null ? 1 : 2);
  let stream = await openPreferenceRows(file, { ...reading, onBytes });
  const { recognition } = stream;
  let opened = 0;
  const open = async () => {
    if (opened++ > 0)
      stream = await openPreferenceRows(file, { ...reading, format: recognition.format.name, onBytes });
    return stream.results;
  };
  const refuse = (row: SkippedRow) => {
    if (invalidRows === 'error') throw invalidRowsError(stream.file, [row]);
  };
  const none = () => noValidRows(stream.file, stream, stream.summary().records);
  const report = await convertRows(open, { output, parts, seed }, refuse, none).finally(() => bar.stop());
  for (const note of readingNotes(stream)) process.stderr.write(`${note}\n`);
  const { records, labels, unused } = stream.summary();
  const result = {
    file: stream.file,
    format: recognition.format.name,
    reason: recognition.reason,
    records,
    written: report.written,
    ...(parts === null ? {} : { in_no_part: report.outside }),
    invalid: report.invalid,
    ...(labels === null ? {} : { labels }),
    unused,
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}
