/** `lifealign data conflicts`: new rows that contradict accepted ones, with the earlier row and its task. */
import { type Command, Option } from 'commander';
import type { PreferenceRow } from '../../data/row.ts';
import type { AcceptedRow } from '../../learn/conflicts/find.ts';
import { type ConflictPolicy, conflictPolicies } from '../../learn/conflicts/policy.ts';
import type { EmbeddingSource } from '../../learn/conflicts/text-vectors.ts';
import { UserError } from '../../support/errors.ts';
import { streamProgress } from '../../support/progress.ts';
import { conflictRecord } from '../conflict-record.ts';
import { dataCommand } from '../data-command.ts';
import { append } from '../repeatable.ts';

interface ConflictFlags {
  readonly new: string;
  readonly accepted: readonly string[];
  readonly model?: string;
  readonly policy: ConflictPolicy;
  readonly invalidRows: string;
}

export function registerDataConflicts(program: Command): void {
  dataCommand(program)
    .command('conflicts')
    .description('new rows that contradict accepted ones: nearly the same prompt, preference exchanged')
    .requiredOption('--new <file>', 'rows of the new task, in any recognised format')
    .requiredOption('--accepted <name=file>', 'rows of an accepted task (repeatable)', append)
    .option('--model <model>', 'look for paraphrases too, by the embeddings of this base model')
    .addOption(
      new Option(
        '--policy <policy>',
        'warn: list them; error: end with exit code 2; prefer-new: name the accepted rows that have to leave',
      )
        .choices(conflictPolicies)
        .default('warn'),
    )
    .option('--invalid-rows <policy>', 'error: refuse a file that has any; skip: leave them out', 'error')
    .action(runConflicts);
}

async function runConflicts(flags: ConflictFlags): Promise<void> {
  const { invalidRows, policy } = flags;
  if (invalidRows !== 'error' && invalidRows !== 'skip') {
    throw new UserError(`--invalid-rows: expected error or skip, got "${invalidRows}"`);
  }
  const files = acceptedFiles(flags.accepted);
  const { readPreferenceRows } = await import('../../data/read-rows.ts');
  const read = async (file: string): Promise<readonly PreferenceRow[]> => {
    const { rows, skipped, notes } = await readPreferenceRows(file, { invalidRows });
    for (const note of notes) process.stderr.write(`${note}\n`);
    if (skipped.length > 0) process.stderr.write(`${file}: ${skipped.length} invalid rows left out\n`);
    return rows;
  };
  const rows = await read(flags.new);
  const accepted: AcceptedRow[] = [];
  const counts: Record<string, number> = {};
  for (const [task, file] of files) {
    const own = await read(file);
    counts[task] = own.length;
    for (const row of own) accepted.push({ task, row });
  }
  const { findConflicts } = await import('../../learn/conflicts/find.ts');
  const { applyPolicy, listConflicts, summary } = await import('../../learn/conflicts/policy.ts');
  const progress = streamProgress(process.stderr);
  const source = flags.model === undefined ? {} : { source: await embeddingSource(flags.model) };
  const conflicts = findConflicts(rows, accepted, { ...source, progress });
  const leaving = applyPolicy(policy, conflicts, flags.new);
  process.stderr.write(`${flags.new}: ${summary(conflicts)}\n`);
  if (conflicts.length > 0) process.stderr.write(`${listConflicts(conflicts)}\n`);
  const report = {
    ...{ new: flags.new, rows: rows.length, accepted: counts, policy },
    conflicts: conflicts.map(conflictRecord),
    ...(policy === 'prefer-new' ? { leaving: Object.fromEntries(leaving) } : {}),
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

function acceptedFiles(given: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const argument of given) {
    const [, name, file] = /^([^=]+)=(.+)$/s.exec(argument) ?? [];
    if (name === undefined || file === undefined) {
      throw new UserError(`--accepted ${argument}: expected NAME=FILE, a task's name and its rows`);
    }
    if (files.has(name)) throw new UserError(`--accepted ${argument}: a task "${name}" was given already`);
    files.set(name, file);
  }
  return files;
}

async function embeddingSource(nameOrPath: string): Promise<EmbeddingSource> {
  const { openModel } = await import('../../model/resolve.ts');
  const { loadTextModel } = await import('../../text/text-model.ts');
  const { TokenEmbeddings } = await import('../../model/token-embeddings.ts');
  const warn = (message: string) => process.stderr.write(`warning: ${message}\n`);
  const model = await openModel(nameOrPath, { progress: streamProgress(process.stderr), warn });
  const { tokenizer } = await loadTextModel(model.path);
  return { tokenizer, embeddings: TokenEmbeddings.of(model) };
}
