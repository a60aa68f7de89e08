/**
 * `lifealign data check`: what a file of preference rows holds and what is wrong with it, as JSON on
 * standard output, before anything is trained on it.
 */
import type { Command } from 'commander';
import type { PreferenceRow } from '../../data/row.ts';
import type { SkippedRow } from '../../data/row-stream.ts';
import { UserError } from '../../support/errors.ts';
import { byteProgress, dataCommand, type ReadFlags, readingOf, withReadFlags } from '../data-command.ts';
import { wholeNumber } from '../whole-number.ts';

interface CheckOptions extends ReadFlags {
  readonly invalidRows: string;
  readonly model?: string;
  readonly maxLength?: string;
  readonly preview: string;
  readonly against?: string;
}

export function registerDataCheck(program: Command): void {
  const command = dataCommand(program)
    .command('check')
    .description('check a file of preference rows and describe it, as JSON on standard output')
    .argument('<file>', 'JSON, JSONL, CSV (gzip too) or Parquet; or dataset_info.json#NAME')
    .option(
      '--invalid-rows <policy>',
      'error: exit with code 2 if there are any; skip: only list them',
      'error',
    )
    .option('--model <model>', 'measure lengths in tokens too; a folder, a GGUF file or a known name')
    .option(
      '--max-length <tokens>',
      'with --model: count what training at this length would cut or leave out',
    )
    .option('--preview <number>', 'show the first so many rows as they were read', '0')
    .option('--against <file>', 'count the prompts that this other file of rows has too');
  withReadFlags(command).action(check);
}

async function check(file: string, options: CheckOptions): Promise<void> {
  const { invalidRows, maxLength, preview } = checkedOptions(options);
  const reading = await readingOf(options);
  const { openPreferenceRows } = await import('../../data/row-stream.ts');
  const { rawRow } = await import('../../data/convert.ts');
  const { checkReport, inspectRows } = await import('../../data/inspect.ts');
  const other = options.against === undefined ? null : await overlapWith(options.against);
  const { onBytes, bar } = await byteProgress('checking', [file]);
  const stream = await openPreferenceRows(file, { ...reading, onBytes });
  const tokens = options.model === undefined ? null : await tokenMeter(stream.file, options.model, maxLength);
  const onRows = (rows: readonly PreferenceRow[]) => {
    other?.see(rows);
    return tokens?.measure(rows) ?? [];
  };
  const found = await inspectRows(stream, { preview, onRows }).finally(() => bar.stop());
  const invalid = found.invalid.toSorted((a, b) => a.row - b.row);
  const valid = found.valid - (tokens?.refused() ?? 0);
  const report = {
    ...checkReport(stream, { ...found, invalid, valid }),
    ...(other === null ? {} : { against: other.report() }),
    characters: found.characters,
    ...(tokens === null ? {} : { tokens: tokens.report() }),
    ...(preview === 0 ? {} : { preview: found.preview.map(rawRow) }),
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  const { invalidRowsError, noValidRows } = await import('../../data/read-rows.ts');
  if (valid === 0) throw noValidRows(stream.file, stream, invalid.length);
  if (invalid.length > 0 && invalidRows === 'error') throw invalidRowsError(stream.file, invalid);
}

function checkedOptions(options: CheckOptions) {
  const { invalidRows, maxLength, model } = options;
  if (invalidRows !== 'error' && invalidRows !== 'skip') {
    throw new UserError(`--invalid-rows: expected error or skip, got "${invalidRows}"`);
  }
  const preview = wholeNumber('--preview', options.preview, 0, 1000);
  if (maxLength === undefined) return { invalidRows, maxLength: null, preview };
  if (model === undefined) throw new UserError('--max-length counts tokens: it needs --model');
  if (!/^[1-9]\d{0,8}$/.test(maxLength)) {
    throw new UserError(`--max-length: expected a positive number of tokens, got "${maxLength}"`);
  }
  return { invalidRows, maxLength: Number(maxLength), preview };
}

/** Prompts of another file, by number, and how many rows of this one have one of them. */
async function overlapWith(file: string) {
  const { readPromptRows } = await import('../../data/read-rows.ts');
  const { promptKey } = await import('../../data/overlap.ts');
  const { rows } = await readPromptRows(file, { invalidRows: 'skip' });
  const prompts = new Set(rows.map(promptKey));
  let shared = 0;
  return {
    see(seen: readonly PreferenceRow[]) {
      shared += seen.filter((row) => prompts.has(promptKey(row))).length;
    },
    report: () => ({ file, rows_with_its_prompts: shared }),
  };
}

/** Lengths as training would see them: after the cut, if there is a maximum. */
async function tokenMeter(file: string, model: string, maxLength: number | null) {
  const { openModel } = await import('../../model/resolve.ts');
  const { loadTextModel } = await import('../../text/text-model.ts');
  const { encodeRows } = await import('../../text/segments.ts');
  const { Numbers, summariseLengths } = await import('../../data/tally.ts');
  const { path, config } = await openModel(model);
  const textModel = await loadTextModel(path, config.vocabularySize);
  const options = { file, maxLength: maxLength ?? Number.MAX_SAFE_INTEGER, invalidRows: 'skip' } as const;
  const lengths = {
    prompt: new Numbers(),
    chosen: new Numbers(),
    rejected: new Numbers(),
    whole: new Numbers(),
  };
  let cut = 0;
  let refused = 0;
  return {
    measure(rows: readonly PreferenceRow[]): readonly SkippedRow[] {
      const { encoded, cutPrompts, skipped } = encodeRows(rows, textModel, options);
      cut += cutPrompts;
      refused += skipped.length;
      for (const { prompt, chosen, rejected } of encoded) {
        lengths.prompt.push(prompt.length);
        lengths.chosen.push(chosen.length);
        lengths.rejected.push(rejected.length);
        lengths.whole.push(prompt.length + Math.max(chosen.length, rejected.length));
      }
      return skipped;
    },
    refused: () => refused,
    report: () => ({
      model,
      max_length: maxLength,
      cut_prompts: cut,
      prompt: summariseLengths(lengths.prompt),
      chosen: summariseLengths(lengths.chosen),
      rejected: summariseLengths(lengths.rejected),
      prompt_and_longer_response: summariseLengths(lengths.whole),
    }),
  };
}
