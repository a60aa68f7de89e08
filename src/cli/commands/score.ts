/** `lifealign score`: the log-probability of both responses of every row, one JSON line a row. */
import type { Command } from 'commander';
import { UserError } from '../../support/errors.ts';

interface ScoreOptions {
  readonly model: string;
  readonly adapter?: string;
  readonly data: string;
  readonly output: string;
  readonly maxLength: string;
  readonly invalidRows: string;
}

export function registerScore(program: Command): void {
  program
    .command('score')
    .description('log-probabilities of the chosen and rejected responses of every row')
    .requiredOption('--model <model>', 'a folder in Hugging Face layout, a GGUF file or a known name')
    .option('--adapter <folder>', 'a PEFT adapter on top of the model')
    .requiredOption('--data <file>', 'JSON array or JSONL of {query or prompt, chosen, rejected}')
    .requiredOption('--output <file>', 'JSON lines {index, chosen_logp, rejected_logp, chosen_tokens, rejected_tokens}')
    .option('--max-length <tokens>', 'longer rows lose the beginning of their prompt', '2048')
    .option('--invalid-rows <policy>', 'error: refuse the file if it has any; skip: list and leave out', 'error')
    .action(score);
}

async function score(options: ScoreOptions): Promise<void> {
  const { invalidRows } = options;
  if (invalidRows !== 'error' && invalidRows !== 'skip') {
    throw new UserError(`--invalid-rows: expected error or skip, got "${invalidRows}"`);
  }
  if (!/^[1-9]\d{0,8}$/.test(options.maxLength)) {
    throw new UserError(`--max-length: expected a positive number of tokens, got "${options.maxLength}"`);
  }
  const { readPreferenceRows } = await import('../../data/read-rows.ts');
  const { rows, skipped } = await readPreferenceRows(options.data, { invalidRows });
  const { openBase } = await import('../base.ts');
  const { model, text, engine, readAdapter } = await openBase(options.model);
  const adapter = options.adapter === undefined ? null : await readAdapter(options.adapter);
  const { encodeRows } = await import('../../text/segments.ts');
  const maxLength = Math.min(Number(options.maxLength), model.config.maxPositions);
  const encodeOptions = { file: options.data, maxLength, invalidRows } as const;
  const { encoded, kept, cutPrompts, skipped: tooLong } = encodeRows(rows, text, encodeOptions);
  reportLeftOut(options.data, [...skipped, ...tooLong], cutPrompts, maxLength);

  const { writeFileAtomic } = await import('../../support/atomic-file.ts');
  const { streamProgress } = await import('../../support/progress.ts');
  const total = encoded.reduce(
    (sum, { prompt, chosen, rejected }) => sum + 2 * prompt.length + chosen.length + rejected.length,
    0,
  );
  const progress = streamProgress(process.stderr)({ label: 'scoring', total, unit: 'tokens' });
  try {
    const logps = await engine.score(encoded, adapter, { onProgress: (tokens) => progress.advance(tokens) });
    const lines = encoded.map((row, at) =>
      JSON.stringify({
        index: rows[kept[at] as number]?.index,
        chosen_logp: logps.chosen[at],
        rejected_logp: logps.rejected[at],
        chosen_tokens: row.chosen.length,
        rejected_tokens: row.rejected.length,
      }),
    );
    await writeFileAtomic(options.output, `${lines.join('\n')}\n`);
  } finally {
    progress.stop();
    await engine.close();
  }
}

function reportLeftOut(
  file: string,
  skipped: readonly { row: number; field?: string | undefined; problem: string }[],
  cutPrompts: number,
  maxLength: number,
): void {
  for (const { row, problem } of skipped) process.stderr.write(`${file}: row ${row} left out: ${problem}\n`);
  if (skipped.length > 0) process.stderr.write(`${file}: ${skipped.length} rows left out\n`);
  if (cutPrompts > 0) {
    process.stderr.write(`${file}: ${cutPrompts} prompts cut from the left to fit ${maxLength} tokens\n`);
  }
}
