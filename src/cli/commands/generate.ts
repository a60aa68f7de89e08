/** `lifealign generate`: answers to the prompts of a file, one JSON line each, or to one prompt at once. */
import type { Command } from 'commander';
import type { PromptRow } from '../../data/row.ts';
import type { SkippedRow } from '../../data/row-stream.ts';
import type { GeneratedText, GenerateTextOptions } from '../../eval/generate-text.ts';
import { writeFileAtomic } from '../../support/atomic-file.ts';
import { DataError, UserError } from '../../support/errors.ts';
import { streamProgress } from '../../support/progress.ts';
import { ENGINE_HELP } from '../engine-flag.ts';
import { addGenerationFlags, type GenerationFlags, generationSettings } from '../generation-settings.ts';
import { checkSource, openSource, type PromptGroup, type SourceFlags } from '../generation-source.ts';
import { interruptible } from '../interrupt.ts';
import { checkOutput } from '../output-file.ts';

interface GenerateFlags extends GenerationFlags, SourceFlags {
  readonly data?: string;
  readonly output?: string;
  readonly prompt?: string;
  readonly invalidRows: string;
}

/** Where prompts come from and answers go. */
type Task =
  | { readonly kind: 'prompt'; readonly prompt: string }
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly output: string;
      readonly invalidRows: 'error' | 'skip';
    };

export function registerGenerate(program: Command): void {
  const command = program
    .command('generate')
    .description('answers of a model to the prompts of a data file, or to one prompt')
    .option('--model <model>', 'a folder in Hugging Face layout, a GGUF file or a known name')
    .option('--adapter <folder>', 'an adapter on top of the model: a PEFT folder, or a prompt pool of a run')
    .option('--memory <folder>', 'instead of model and adapter: a long-term memory, with its base')
    .option(
      '--retrieve <count>',
      'of the memory only so many tasks, those whose prompts are most like the one at hand',
    )
    .option('--data <file>', 'JSON, JSONL, CSV or Parquet of rows with query or prompt')
    .option('--output <file>', 'JSON lines {index, text, tokens, finish_reason}')
    .option('--prompt <text>', 'instead of a file: its answer goes to standard output as it comes')
    .option('--max-new-tokens <tokens>', 'the most tokens of an answer', '256')
    .option('--samples <count>', 'answers to each prompt; each line then has a field "sample"', '1')
    .option(
      '--invalid-rows <policy>',
      'error: refuse the file if it has any; skip: list and leave out',
      'error',
    )
    .option('--engine <engine>', ENGINE_HELP)
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)');
  addGenerationFlags(command).action(generate);
}

async function generate(flags: GenerateFlags): Promise<void> {
  const task = taskOf(flags);
  const settings = generationSettings(flags);
  if (task.kind === 'prompt' && settings.samples > 1) {
    throw new UserError('--samples: of one --prompt there is one answer; use --data for more');
  }
  await checkSource(flags);
  if (task.kind === 'file') await checkOutput(task.output, task.file);
  const { rows, skipped } = await readTask(task);
  const file = task.kind === 'file' ? task.file : '--prompt';
  const progress = streamProgress(process.stderr);
  const source = await openSource(flags, { progress, warn });
  const { model, text, engine } = source.base;
  try {
    const { encodePrompts } = await import('../../text/prompts.ts');
    const { readEndTokens } = await import('../../text/end-tokens.ts');
    const { generateText } = await import('../../eval/generate-text.ts');
    const invalidRows = task.kind === 'file' ? task.invalidRows : 'error';
    const { softTokenCount } = await import('../../model/prompt-pool.ts');
    const maxPositions = model.config.maxPositions - softTokenCount(source.adapter);
    const encoded = encodePrompts(rows, text, { file, maxPositions, invalidRows });
    const { prompts } = encoded;
    reportLeftOut(file, [...skipped, ...encoded.skipped]);
    if (prompts.length === 0) throw new DataError({ file }, 'no rows are left that can be answered');
    const endTokens = await readEndTokens(model.path, text.tokenizer);
    const groups = await source.groups(prompts);
    const run = async (options: Partial<GenerateTextOptions>) => {
      const answers: GeneratedText[] = [];
      for (const { positions, adapter } of groups) {
        const own = positions.map((position) => prompts[position]!);
        const keys = options.keys && { keys: positions.map((position) => options.keys![position]!) };
        const all = { ...settings, endTokens, ...options, ...keys };
        const given = await generateText(engine, text.tokenizer, own, adapter, all);
        for (const [at, answer] of given.entries()) {
          answers[
            positions[Math.floor(at / settings.samples)]! * settings.samples + (at % settings.samples)
          ] = answer;
        }
      }
      return answers;
    };
    if (task.kind === 'prompt') {
      const retrieved = groups[0]?.tasks;
      if (retrieved) process.stderr.write(`tasks of the memory that answer: ${retrieved.join(', ')}\n`);
      const onText = (_: number, piece: string) => void process.stdout.write(piece);
      const answers = await interruptible({ reason: 'interrupted' }, (signal) => run({ signal, onText }));
      process.stdout.write('\n');
      reportUnknown(answers);
      reportCut(answers[0] as GeneratedText, settings.maxNewTokens);
      return;
    }
    await interruptible({ reason: 'interrupted; nothing was written' }, async (signal) => {
      const total = prompts.length * settings.samples * settings.maxNewTokens;
      const bar = progress({ label: 'generating at most', total, unit: 'tokens' });
      const onProgress = (tokens: number) => bar.advance(tokens);
      const indices = encoded.kept.map((position) => rows[position]!.index);
      // By its row: what an answer draws does not change with the rows that are left out.
      const keys = indices.map((index) => `row ${index}`);
      const answers = await run({ signal, onProgress, keys }).finally(() => bar.stop());
      reportUnknown(answers);
      const tasks = tasksByPrompt(groups);
      await writeFileAtomic(task.output, answerLines(answers, indices, settings.samples, tasks));
    });
  } finally {
    await engine.close();
  }
}

/** @throws {UserError} unless it is either a file in and a file out, or a prompt. */
function taskOf({ data, output, prompt, invalidRows }: GenerateFlags): Task {
  if (invalidRows !== 'error' && invalidRows !== 'skip') {
    throw new UserError(`--invalid-rows: expected error or skip, got "${invalidRows}"`);
  }
  if (prompt !== undefined) {
    if (data !== undefined || output !== undefined) {
      throw new UserError('--prompt: its answer goes to standard output; leave out --data and --output');
    }
    if (prompt.trim() === '') throw new UserError('--prompt: empty; expected what is asked');
    return { kind: 'prompt', prompt };
  }
  if (data === undefined) throw new UserError('--data: missing; expected a file of rows (or --prompt)');
  if (output === undefined) throw new UserError('--output: missing; expected where answers are written');
  return { kind: 'file', file: data, output, invalidRows };
}

async function readTask(task: Task): Promise<{ rows: readonly PromptRow[]; skipped: readonly SkippedRow[] }> {
  if (task.kind === 'prompt') {
    return { rows: [{ index: 0, prompt: [{ role: 'user', content: task.prompt }] }], skipped: [] };
  }
  const { readPromptRows } = await import('../../data/read-rows.ts');
  const read = await readPromptRows(task.file, { invalidRows: task.invalidRows });
  for (const note of read.notes) process.stderr.write(`${note}\n`);
  return read;
}

/** What was retrieved for each prompt; `null` where nothing is. */
function tasksByPrompt(groups: readonly PromptGroup[]): readonly (readonly string[] | null)[] {
  const tasks: (readonly string[] | null)[] = [];
  for (const group of groups) for (const position of group.positions) tasks[position] = group.tasks;
  return tasks;
}

/** @param indices of the prompts' rows in their file, counted from 0 */
function answerLines(
  answers: readonly GeneratedText[],
  indices: readonly number[],
  samples: number,
  tasks: readonly (readonly string[] | null)[],
): string {
  const lines = answers.map(({ text, tokens, finishReason }, at) =>
    JSON.stringify({
      index: indices[Math.floor(at / samples)],
      ...(samples > 1 && { sample: at % samples }),
      text,
      tokens,
      finish_reason: finishReason,
      ...retrieved(tasks[Math.floor(at / samples)]!),
    }),
  );
  return `${lines.join('\n')}\n`;
}

function retrieved(tasks: readonly string[] | null) {
  return tasks === null ? {} : { tasks };
}

function reportLeftOut(file: string, skipped: readonly SkippedRow[]): void {
  for (const { row, field, problem } of skipped) {
    const where = field === '' ? '' : `field "${field}": `;
    process.stderr.write(`${file}: row ${row} is left out: ${where}${problem}\n`);
  }
  if (skipped.length > 0) process.stderr.write(`${file}: ${skipped.length} rows left out\n`);
}

function reportUnknown(answers: readonly GeneratedText[]): void {
  const count = answers.reduce((sum, { unknownTokens }) => sum + unknownTokens, 0);
  if (count > 0) warn(`${count} generated tokens are none of the tokenizer's and have no text`);
}

function reportCut({ tokens, finishReason }: GeneratedText, maxNewTokens: number): void {
  if (finishReason !== 'length') return;
  const limit = tokens === maxNewTokens ? '--max-new-tokens' : 'the model has no more positions';
  warn(`the answer is cut off after ${tokens} tokens (${limit})`);
}

function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`);
}
