/** `lifealign memory export`: a version's adapter as a PEFT folder, for whatever loads one. */
import type { Command } from 'commander';
import { type MemoryFlags, memoryCommand, print, printJson } from '../../memory-command.ts';

interface ExportFlags extends MemoryFlags {
  readonly output: string;
  readonly json?: true;
}

export function registerMemoryExport(program: Command): void {
  memoryCommand(program, 'export')
    .description("write a version's adapter as a PEFT folder")
    .argument('[version]', 'a number (0 is the root), head, head~2, or the first digits of a commit', 'head')
    .requiredOption('--output <folder>', 'new folder for the adapter')
    .option('--json', 'as a JSON object')
    .action(exportVersion);
}

async function exportVersion(version: string, { memory, output, json }: ExportFlags): Promise<void> {
  const { MemoryStore } = await import('../../../memory/store/store.ts');
  const { writePeftAdapter } = await import('../../../model/peft.ts');
  const { writeFolderAtomic } = await import('../../../support/atomic-file.ts');
  const store = await MemoryStore.open(memory);
  const commit = await store.resolve(version);
  const adapter = await store.adapter(commit);
  const { base } = await store.config();
  const { trainedPrecisions } = await import('../../../memory/store/precision.ts');
  const { known: basePrecisions } = await trainedPrecisions(store, commit);
  const metadata = { lifealign_commit: commit.hash };
  await writeFolderAtomic(output, (folder) =>
    writePeftAdapter(folder, adapter, { baseModel: base, basePrecisions, metadata }),
  );
  if (json) printJson({ memory, version: commit.number, commit: commit.hash, output });
  else print(`${output}: the adapter of version ${commit.number}`);
}
