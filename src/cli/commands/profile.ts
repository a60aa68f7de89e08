/** `lifealign profile`: where a step's time and memory go, by part of the model, operation, layer and pass. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { checkWritable, makeFolder, writeJsonFile } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { interruptible } from '../interrupt.ts';
import type { ProfileRequest } from '../profile-step.ts';
import { threadsOf, wholeNumber } from '../whole-number.ts';

interface ProfileFlags extends Pick<ProfileRequest, 'model' | 'data' | 'adapter' | 'score' | 'objective'> {
  readonly rows: string;
  readonly steps: string;
  readonly maxLength: string;
  readonly invalidRows: string;
  readonly threads?: string;
  readonly output?: string;
  readonly traceDir?: string;
}

export function registerProfile(program: Command): void {
  program
    .command('profile')
    .description(
      'where the time and memory of a gradient go: by part of the model, operation, layer and pass',
    )
    .requiredOption('--model <model>', 'a folder in Hugging Face layout, a GGUF file or a known name')
    .requiredOption('--data <file>', 'JSON array or JSONL of {query or prompt, chosen, rejected}')
    .option(
      '--adapter <folder>',
      'an adapter on top of the model (default: a fresh LoRA, r 8 on q_proj and v_proj)',
    )
    .option('--score', 'log-probs of the rows instead of a gradient', false)
    .option('--objective <name>', 'of the gradient: fpo, dpo, sft, ...', 'fpo')
    .option('--rows <number>', 'the first valid rows: a step is an effective batch of them', '16')
    .option('--steps <number>', 'equal steps that are measured, after one to warm up', '2')
    .option('--max-length <tokens>', 'longer rows lose the beginning of their prompt', '2048')
    .option('--invalid-rows <policy>', 'error: refuse the file if it has any; skip: leave them out', 'error')
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .option('--output <file>', 'all numbers as JSON')
    .option('--trace-dir <folder>', 'keep the traces there, for chrome://tracing or ui.perfetto.dev')
    .action(profile);
}

async function profile(flags: ProfileFlags): Promise<void> {
  const request = requestOf(flags);
  const { output, traceDir } = flags;
  if (output !== undefined) await checkWritable(output);
  const folder =
    traceDir === undefined ? await mkdtemp(join(tmpdir(), 'lifealign-')) : await emptyFolder(traceDir);
  try {
    const { profileStep } = await import('../profile-step.ts');
    const { profileText } = await import('../profile-table.ts');
    const step = await interruptible({ reason: 'interrupted; nothing was measured' }, (signal) =>
      profileStep(request, folder, signal),
    );
    process.stdout.write(`${profileText(step)}\n`);
    if (output !== undefined) await writeJsonFile(output, step);
  } finally {
    if (traceDir === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** Traces of another profile there would be read along with this one's. */
async function emptyFolder(path: string): Promise<string> {
  await makeFolder(path);
  if ((await readdir(path)).length > 0) throw new UserError(`--trace-dir ${path}: expected an empty folder`);
  return path;
}

function requestOf(flags: ProfileFlags): ProfileRequest {
  const { model, data, adapter, score, objective, invalidRows } = flags;
  if (invalidRows !== 'error' && invalidRows !== 'skip') {
    throw new UserError(`--invalid-rows: expected error or skip, got "${invalidRows}"`);
  }
  return {
    ...{ model, data, score, objective, invalidRows },
    ...(adapter === undefined ? {} : { adapter }),
    rows: wholeNumber('--rows', flags.rows, 1, 4096),
    steps: wholeNumber('--steps', flags.steps, 1, 1000),
    longest: wholeNumber('--max-length', flags.maxLength, 2, 1e9),
    ...threadsOf(flags.threads),
  };
}
