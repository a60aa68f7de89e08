/** `lifealign memory compose`: an adapter made of chosen tasks' refined memories. */
import type { Command } from 'commander';
import { compositionName, parseComposition } from '../../composition.ts';
import { type MemoryFlags, memoryCommand, print, printJson } from '../../memory-command.ts';

interface ComposeFlags extends MemoryFlags {
  readonly tasks: string;
  readonly weights?: string;
  readonly output: string;
  readonly version: string;
  readonly json?: true;
}

export function registerMemoryCompose(program: Command): void {
  memoryCommand(program, 'compose')
    .description("write a PEFT adapter made of chosen tasks' refined memories")
    .requiredOption('--tasks <names>', 'commas between')
    .option('--weights <numbers>', 'one for each task, commas between; left out: 1')
    .requiredOption('--output <folder>', 'new folder for the adapter')
    .option('--version <version>', 'of the memory', 'head')
    .option('--json', 'as a JSON object')
    .action(composeTasks);
}

async function composeTasks({ memory, tasks, weights, output, version, json }: ComposeFlags): Promise<void> {
  const parts = parseComposition(tasks, weights);
  const { MemoryStore } = await import('../../../memory/store/store.ts');
  const { compose } = await import('../../../learn/compose.ts');
  const { writePeftAdapter } = await import('../../../model/peft.ts');
  const { writeFolderAtomic } = await import('../../../support/atomic-file.ts');
  const store = await MemoryStore.open(memory);
  const commit = await store.resolve(version);
  const adapter = await compose(store, commit, parts);
  const { base } = await store.config();
  const { trainedPrecisions } = await import('../../../memory/store/precision.ts');
  const { known: basePrecisions } = await trainedPrecisions(store, commit);
  const metadata = { lifealign_commit: commit.hash, lifealign_composition: JSON.stringify(parts) };
  await writeFolderAtomic(output, (folder) =>
    writePeftAdapter(folder, adapter, { baseModel: base, basePrecisions, metadata }),
  );
  if (json) printJson({ memory, version: commit.number, commit: commit.hash, tasks: parts, output });
  else print(`${output}: ${compositionName(parts)}`);
}
