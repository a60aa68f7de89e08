/** `lifealign memory verify`: every byte of a memory against its checksum; exit code 2 if anything is damaged. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { MemoryLayout } from '../../../memory/store/format.ts';
import type { Verification } from '../../../memory/store/verify.ts';
import { UserError } from '../../../support/errors.ts';
import { silentProgress, streamProgress } from '../../../support/progress.ts';
import {
  amount,
  print,
  printJson,
  say,
  shortTime,
  type WriterFlags,
  withMemory,
  writingCommand,
} from '../../memory-command.ts';

interface VerifyFlags extends WriterFlags {
  readonly replay?: true;
  readonly prune?: true;
  readonly recoverHead?: true;
  readonly json?: true;
}

export function registerMemoryVerify(program: Command): void {
  writingCommand(program, 'verify')
    .description('check every file of a memory; names what is damaged and which version needs it')
    .option('--replay', 'also make every adapter again from what it was merged of, and compare')
    .option('--prune', 'then remove what writers left that were cut off')
    .option(
      '--recover-head',
      'first, where the file "head" is lost or damaged: take the newest entry that is whole',
    )
    .option('--json', 'as a JSON object')
    .action(verify);
}

async function verify({ replay, prune, recoverHead, json, ...flags }: VerifyFlags): Promise<void> {
  const { verifyMemory } = await import('../../../memory/store/verify.ts');
  const { MemoryLayout } = await import('../../../memory/store/format.ts');
  const layout = new MemoryLayout(flags.memory);
  if (recoverHead) await recover(layout);
  const found = await withProgress(layout, (onFile) =>
    verifyMemory(layout, { replay: replay === true, onFile }),
  );
  const { problems, orphans, foreign, files, versions, unchecked } = found;
  // What is needed to mend a damaged memory may be among what nothing refers to.
  const removed = prune && problems.length === 0 ? await withMemory(flags, (writer) => writer.prune()) : [];
  if (json) {
    const listed = problems.map(({ file, problem, commit }) => ({
      file,
      problem,
      version: commit?.number ?? null,
      commit: commit?.hash ?? null,
    }));
    const left = { orphans, foreign, unchecked_cache_files: unchecked, removed };
    printJson({ memory: flags.memory, files, versions, problems: listed, ...left });
  } else print(report(found, replay === true, removed));
  if (problems.length === 0) return;
  const kept = prune ? '; nothing was removed' : '';
  throw new UserError(`${flags.memory}: ${amount(problems.length, 'file')} damaged${kept}`);
}

/** A bar for memories that take a while to read. */
async function withProgress<T>(
  { objects, rows }: MemoryLayout,
  work: (onFile: () => void) => Promise<T>,
): Promise<T> {
  const files = [objects, rows].map(async (folder) =>
    (await folder.names()).map((name) => join(folder.path, name)),
  );
  const sizes = (await Promise.all(files)).flat().map(async (file) => (await stat(file)).size);
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  const progress = bytes < LARGE ? silentProgress : streamProgress(process.stderr);
  const bar = progress({ label: 'verifying', total: sizes.length, unit: 'files' });
  try {
    return await work(() => bar.advance(1));
  } finally {
    bar.stop();
  }
}

/** Bytes that are read in a second or so. */
const LARGE = 200e6;

async function recover(layout: MemoryLayout): Promise<void> {
  if (!existsSync(layout.objects.path))
    throw new UserError(`${layout.folder}: not a memory: it has no objects`);
  const { recoverHead } = await import('../../../memory/store/recover.ts');
  const { number, action, time } = await recoverHead(layout, say);
  say(`${layout.head}: it names entry ${number} again, ${action} of ${shortTime(time)} UTC`);
}

function report(
  { problems, orphans, foreign, files, versions, unchecked }: Verification,
  replayed: boolean,
  removed: readonly string[],
): string {
  const checked = `${amount(files, 'file')} read, ${amount(versions, 'version')}${replayed ? ' made again' : ''}`;
  const left = orphans.filter((file) => !removed.includes(file));
  return [
    ...problems.map(({ file, problem, commit }) => {
      const whose = commit === null ? '' : ` (version ${commit.number} needs it)`;
      return `damaged: ${file}: ${problem}${whose}`;
    }),
    ...removed.map((file) => `removed: ${file}`),
    ...left.map((file) => `nothing refers to: ${file}`),
    ...foreign.map((file) => `not part of a memory: ${file}`),
    ...(unchecked === 0
      ? []
      : [
          `not checked: ${amount(unchecked, 'file')} of the cache, which is computed again where it is missing`,
        ]),
    ...(problems.some(({ file }) => file === 'head')
      ? ['without its head nothing is referred to; --recover-head takes the newest entry that is whole']
      : []),
    ...(left.length > 0 && problems.length === 0
      ? ['what nothing refers to harms nothing; --prune removes it']
      : []),
    problems.length === 0 ? `${checked}: all as written` : checked,
  ].join('\n');
}
