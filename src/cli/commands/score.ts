/** `lifealign score`: the log-probability of both responses of every row, one JSON line a row. */
import type { Command } from 'commander';
import type { SkippedRow } from '../../data/row-stream.ts';
import type { RowLogProbs } from '../../engine/engine.ts';
import { writeFileAtomic } from '../../support/atomic-file.ts';
import { DataError, UserError } from '../../support/errors.ts';
import { streamProgress } from '../../support/progress.ts';
import type { EncodedRow } from '../../text/encoded-row.ts';
import { ENGINE_HELP, engineOf } from '../engine-flag.ts';
import { interruptible } from '../interrupt.ts';
import { checkOutput } from '../output-file.ts';
import { threadsOf } from '../whole-number.ts';

interface ScoreOptions {
  readonly model: string;
  readonly adapter?: string;
  readonly data: string;
  readonly output: string;
  readonly maxLength: string;
  readonly invalidRows: string;
  readonly engine?: string;
  readonly threads?: string;
}

export function registerScore(program: Command): void {
  program
    .command('score')
    .description('log-probabilities of the chosen and rejected responses of every row')
    .requiredOption('--model <model>', 'a folder in Hugging Face layout, a GGUF file or a known name')
    .option('--adapter <folder>', 'an adapter on top of the model: a PEFT folder, or a prompt pool of a run')
    .requiredOption('--data <file>', 'JSON, JSONL, CSV or Parquet of {query or prompt, chosen, rejected}')
    .requiredOption(
      '--output <file>',
      'JSON lines {index, chosen_logp, rejected_logp, chosen_tokens, rejected_tokens}',
    )
    .option('--max-length <tokens>', 'longer rows lose the beginning of their prompt', '2048')
    .option(
      '--invalid-rows <policy>',
      'error: refuse the file if it has any; skip: list and leave out',
      'error',
    )
    .option('--engine <engine>', ENGINE_HELP)
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .action(score);
}

async function score(options: ScoreOptions): Promise<void> {
  const { data: file, output } = options;
  const { invalidRows, longest } = checkedOptions(options);
  const given = { ...threadsOf(options.threads), ...(await engineOf(options.engine)) };
  await checkOutput(output, file);
  const { readPreferenceRows } = await import('../../data/read-rows.ts');
  const { rows, skipped, notes } = await readPreferenceRows(file, { invalidRows });
  for (const note of notes) process.stderr.write(`${note}\n`);
  const { openBase } = await import('../base.ts');
  const progress = streamProgress(process.stderr);
  const { model, text, engine, readAdapter } = await openBase(options.model, { progress, warn, ...given });
  try {
    const adapter = options.adapter === undefined ? null : await readAdapter(options.adapter);
    const { encodeRows } = await import('../../text/segments.ts');
    const { scoredTokenCount } = await import('../../train/reference.ts');
    const { textRoom } = await import('../../train/task-rows.ts');
    const { softTokenCount } = await import('../../model/prompt-pool.ts');
    const maxLength = textRoom(longest, model.config, softTokenCount(adapter));
    const encodedRows = encodeRows(rows, text, { file, maxLength, invalidRows });
    const { encoded, kept, cutPrompts } = encodedRows;
    await interruptible({ reason: 'interrupted; nothing was written' }, async (signal) => {
      reportLeftOut(file, [...skipped, ...encodedRows.skipped], cutPrompts, maxLength);
      if (encoded.length === 0) throw new DataError({ file }, 'no rows are left that can be scored');
      const bar = progress({ label: 'scoring', total: scoredTokenCount(encoded, adapter), unit: 'tokens' });
      const onProgress = (tokens: number) => bar.advance(tokens);
      const logps = await engine.score(encoded, adapter, { onProgress, signal }).finally(() => bar.stop());
      const indices = kept.map((position) => rows[position]!.index);
      await writeFileAtomic(output, scoreLines(file, indices, encoded, logps));
    });
  } finally {
    await engine.close();
  }
}

function checkedOptions(options: ScoreOptions): { invalidRows: 'error' | 'skip'; longest: number } {
  const { invalidRows, maxLength } = options;
  if (invalidRows !== 'error' && invalidRows !== 'skip') {
    throw new UserError(`--invalid-rows: expected error or skip, got "${invalidRows}"`);
  }
  if (!/^[1-9]\d{0,8}$/.test(maxLength)) {
    throw new UserError(`--max-length: expected a positive number of tokens, got "${maxLength}"`);
  }
  return { invalidRows, longest: Number(maxLength) };
}

/**
 * @param indices of the rows in their file, counted from 0
 * @throws {UserError} naming the row for a log-prob that JSON cannot hold: the weights overflow.
 */
function scoreLines(
  file: string,
  indices: readonly number[],
  rows: readonly EncodedRow[],
  { chosen, rejected }: RowLogProbs,
): string {
  const lines = rows.map((row, at) => {
    const [index, chosenLogp, rejectedLogp] = [indices[at]!, chosen[at]!, rejected[at]!];
    if (!Number.isFinite(chosenLogp) || !Number.isFinite(rejectedLogp)) {
      const found = `the log-probs are ${chosenLogp} and ${rejectedLogp}`;
      throw new UserError(`${file}, row ${index + 1}: ${found}; nothing was written`, { exitCode: 1 });
    }
    return JSON.stringify({
      index,
      chosen_logp: chosenLogp,
      rejected_logp: rejectedLogp,
      chosen_tokens: row.chosen.length,
      rejected_tokens: row.rejected.length,
    });
  });
  return `${lines.join('\n')}\n`;
}

function reportLeftOut(
  file: string,
  skipped: readonly SkippedRow[],
  cutPrompts: number,
  maxLength: number,
): void {
  for (const { row, field, problem } of skipped) {
    const where = field === '' ? '' : `field "${field}": `;
    process.stderr.write(`${file}: row ${row} is left out: ${where}${problem}\n`);
  }
  if (skipped.length > 0) process.stderr.write(`${file}: ${skipped.length} rows left out\n`);
  if (cutPrompts > 0) {
    process.stderr.write(`${file}: ${cutPrompts} prompts cut at the left to fit ${maxLength} tokens\n`);
  }
}

function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`);
}
