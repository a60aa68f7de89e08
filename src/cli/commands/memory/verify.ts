/** `lifealign memory verify`: every byte of a memory against its checksum; exit code 2 if anything is damaged. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { MemoryLayout } from '../../../memory/store/format.ts';
import type { Verification } from '../../../memory/store/verify.ts';
import { UserError } from '../../../support/errors.ts';
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
  const found = await verifyMemory(layout, { replay: replay === true });
  const removed = prune ? await withMemory(flags, (writer) => writer.prune()) : [];
  const { problems, orphans, foreign, files, versions } = found;
  if (json) {
    const listed = problems.map(({ file, problem, commit }) => ({
      file,
      problem,
      version: commit?.number ?? null,
      commit: commit?.hash ?? null,
    }));
    printJson({ memory: flags.memory, files, versions, problems: listed, orphans, foreign, removed });
  } else print(report(found, replay === true, removed));
  if (problems.length > 0) throw new UserError(`${flags.memory}: ${amount(problems.length, 'file')} damaged`);
}

async function recover(layout: MemoryLayout): Promise<void> {
  if (!existsSync(layout.objects.path))
    throw new UserError(`${layout.folder}: not a memory: it has no objects`);
  const { recoverHead } = await import('../../../memory/store/recover.ts');
  const { number, action, time } = await recoverHead(layout, say);
  say(`${layout.head}: it names entry ${number} again, ${action} of ${shortTime(time)} UTC`);
}

function report(
  { problems, orphans, foreign, files, versions }: Verification,
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
    ...(problems.some(({ file }) => file === 'head')
      ? ['without its head nothing is referred to; --recover-head takes the newest entry that is whole']
      : []),
    ...(left.length > 0 && problems.length === 0
      ? ['what nothing refers to harms nothing; --prune removes it']
      : []),
    problems.length === 0 ? `${checked}: all as written` : checked,
  ].join('\n');
}
