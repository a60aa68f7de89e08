/**
 * `lifealign data check`: what a file of preference rows holds and what is wrong with it, as JSON on
 * standard output, before anything is trained on it.
 */
import type { Command } from 'commander';
import type { FileInspection } from '../../data/inspect.ts';
import type { SkippedRow } from '../../data/read-rows.ts';
import { DataError, UserError } from '../../support/errors.ts';

interface CheckOptions {
  readonly invalidRows: string;
  readonly model?: string;
  readonly maxLength?: string;
}

export function registerDataCheck(program: Command): void {
  const data = program.commands.find((command) => command.name() === 'data') ?? program.command('data');
  data
    .description('look at data files')
    .command('check')
    .description('check a file of preference rows and describe it, as JSON on standard output')
    .argument('<file>', 'JSON array or JSONL of {query or prompt, chosen, rejected}')
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
    .action(check);
}

async function check(file: string, options: CheckOptions): Promise<void> {
  const { invalidRows, maxLength } = checkedOptions(options);
  const { inspectPreferenceFile, summariseLengths } = await import('../../data/inspect.ts');
  const found = await inspectPreferenceFile(file);
  const tokens = options.model === undefined ? null : await inTokens(file, found, options.model, maxLength);
  const invalid = [...found.invalid, ...(tokens?.invalid ?? [])].sort((a, b) => a.row - b.row);
  const characters = (texts: readonly string[]) => summariseLengths(texts.map((text) => text.length));
  const report = {
    file,
    format: found.format,
    sha256: found.sha256,
    count: found.count,
    valid: found.count - invalid.length,
    invalid,
    prompts: found.prompts,
    duplicates: found.duplicates,
    characters: {
      prompt: characters(found.rows.map((row) => row.prompt.map(({ content }) => content).join(''))),
      chosen: characters(found.rows.map((row) => row.chosen)),
      rejected: characters(found.rows.map((row) => row.rejected)),
    },
    ...(tokens === null ? {} : { tokens: tokens.report }),
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  if (report.valid === 0) throw new DataError({ file }, `no valid rows among ${found.count}`);
  if (invalid.length > 0 && invalidRows === 'error') {
    const { invalidRowsError } = await import('../../data/read-rows.ts');
    throw invalidRowsError(file, invalid);
  }
}

function checkedOptions(options: CheckOptions): { invalidRows: 'error' | 'skip'; maxLength: number | null } {
  const { invalidRows, maxLength, model } = options;
  if (invalidRows !== 'error' && invalidRows !== 'skip') {
    throw new UserError(`--invalid-rows: expected error or skip, got "${invalidRows}"`);
  }
  if (maxLength === undefined) return { invalidRows, maxLength: null };
  if (model === undefined) throw new UserError('--max-length counts tokens: it needs --model');
  if (!/^[1-9]\d{0,8}$/.test(maxLength)) {
    throw new UserError(`--max-length: expected a positive number of tokens, got "${maxLength}"`);
  }
  return { invalidRows, maxLength: Number(maxLength) };
}

/** Lengths as training would see them: after the cut, if there is a maximum. */
async function inTokens(
  file: string,
  { rows }: FileInspection,
  model: string,
  maxLength: number | null,
): Promise<{ report: object; invalid: readonly SkippedRow[] }> {
  const { openModel } = await import('../../model/resolve.ts');
  const { loadTextModel } = await import('../../text/text-model.ts');
  const { encodeRows } = await import('../../text/segments.ts');
  const { summariseLengths } = await import('../../data/inspect.ts');
  const { path, config } = await openModel(model);
  const textModel = await loadTextModel(path, config.vocabularySize);
  const options = { file, maxLength: maxLength ?? Number.MAX_SAFE_INTEGER, invalidRows: 'skip' } as const;
  const { encoded, cutPrompts, skipped } = encodeRows(rows, textModel, options);
  const segment = (name: 'prompt' | 'chosen' | 'rejected') =>
    summariseLengths(encoded.map((row) => row[name].length));
  const total = encoded.map(
    ({ prompt, chosen, rejected }) => prompt.length + Math.max(chosen.length, rejected.length),
  );
  return {
    invalid: skipped,
    report: {
      model,
      max_length: maxLength,
      cut_prompts: cutPrompts,
      prompt: segment('prompt'),
      chosen: segment('chosen'),
      rejected: segment('rejected'),
      prompt_and_longer_response: summariseLengths(total),
    },
  };
}
