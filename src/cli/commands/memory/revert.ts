/** `lifealign memory revert`: an older version, or one that was kept aside, becomes the head again. */
import type { Command } from 'commander';
import {
  print,
  printJson,
  shortHash,
  type WriterFlags,
  withMemory,
  writingCommand,
} from '../../memory-command.ts';

interface RevertFlags extends WriterFlags {
  readonly note: string;
  readonly json?: true;
}

export function registerMemoryRevert(program: Command): void {
  writingCommand(program, 'revert')
    .description('make a version the head again, exactly; nothing is lost')
    .argument('<version>', 'a number (0 is the root), head~2, or the first digits of a commit')
    .option('--note <text>', 'why', '')
    .option('--json', 'as a JSON object')
    .action(revert);
}

async function revert(version: string, { note, json, ...flags }: RevertFlags): Promise<void> {
  await withMemory(flags, async (writer) => {
    const { commit: before } = await writer.store.head();
    const now = await writer.revert(version, note);
    if (json) printJson({ memory: flags.memory, before: before.number, head: now.number, commit: now.hash });
    else if (before.hash === now.hash) print(`version ${now.number} is the head already`);
    else {
      print(
        `the head is version ${now.number} (${shortHash(now.hash)}); it was version ${before.number}, which "memory revert ${before.number}" brings back`,
      );
    }
  });
}
