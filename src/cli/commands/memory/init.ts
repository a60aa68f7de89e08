/** `lifealign memory init`: a new long-term memory for a base, with a fresh adapter or one to go on from. */
import type { Command } from 'commander';
import type { MemoryConfig } from '../../../memory/store/config.ts';
import type { LoraAdapter } from '../../../model/adapter.ts';
import type { TrainedOver } from '../../../model/base-precision.ts';
import type { LinearModule } from '../../../model/lora-modules.ts';
import { DataError, UserError } from '../../../support/errors.ts';
import { type MemoryFlags, memoryCommand, print, printJson, say, shortHash } from '../../memory-command.ts';
import type { ResolvedMemoryConfig } from '../../memory-config.ts';

interface InitFlags extends MemoryFlags {
  readonly base?: string;
  readonly adapter?: string;
  readonly config?: string;
  readonly set: readonly string[];
  readonly note: string;
  readonly json?: true;
}

export function registerMemoryInit(program: Command): void {
  memoryCommand(program, 'init')
    .description('make a long-term memory for a base model')
    .option('--base <model>', 'folder, GGUF file, or name of a model')
    .option('--adapter <folder>', 'PEFT adapter to begin with; left out: a fresh one, which adds nothing')
    .option('--config <file>', 'settings as YAML: base, lora, seed, learn')
    .option(
      '--set <key=value>',
      'one setting, for example lora.rank=16 (repeatable)',
      (one: string, others: string[]) => [...others, one],
      [] as string[],
    )
    .option('--note <text>', 'kept with version 0', '')
    .option('--json', 'as a JSON object')
    .action(init);
}

async function init({
  memory,
  base,
  adapter: given,
  config: file,
  set,
  note,
  json,
}: InitFlags): Promise<void> {
  const { resolveMemoryConfig } = await import('../../memory-config.ts');
  const tree = await resolveMemoryConfig({ file, set, base });
  const { checkVacant, createMemory } = await import('../../../memory/store/create.ts');
  await checkVacant(memory);
  const { openModel } = await import('../../../model/resolve.ts');
  const { loadTextModel } = await import('../../../text/text-model.ts');
  const { linearModules } = await import('../../../model/linear-modules.ts');
  const { baseHashes } = await import('../../../memory/store/base-hashes.ts');
  const model = await openModel(tree.config.base, { warn: say });
  const text = await loadTextModel(model.path, model.config.vocabularySize);
  const modules = linearModules(model.config);
  const adapter: LoraAdapter & TrainedOver =
    given === undefined
      ? { ...(await freshAdapter(tree.config, modules, tree.origin)), basePrecisions: [] }
      : await readGiven(given, tree);
  const { checkAdapterFits } = await import('../../../model/lora-modules.ts');
  checkAdapterFits(adapter, modules, given ?? memory);
  const { rank, alpha, targets } = adapter.settings;
  const config: MemoryConfig = {
    ...tree.config,
    lora: { rank, alpha, targets: [...targets] },
  };
  const hashes = baseHashes({ model, text });
  const store = await createMemory(memory, {
    ...{ config, hashes, adapter, note },
    precisions: adapter.basePrecisions,
  });
  const { commit } = await store.head();
  if (json) printJson({ memory, version: 0, commit: commit.hash, config });
  else print(`${memory}: a memory for ${config.base}; version 0 is ${shortHash(commit.hash)}`);
}

async function freshAdapter(
  { lora, seed }: MemoryConfig,
  modules: readonly LinearModule[],
  file: string,
): Promise<LoraAdapter> {
  const { initialiseAdapter } = await import('../../../model/lora-modules.ts');
  const { Random } = await import('../../../support/random.ts');
  try {
    // As `train` begins with the same seed.
    return initialiseAdapter(lora, modules, Random.fromSeed(seed).fork('adapter'));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new DataError({ file, field: 'lora.targets' }, error.message, { cause: error });
  }
}

async function readGiven(
  folder: string,
  { config, given }: ResolvedMemoryConfig,
): Promise<LoraAdapter & TrainedOver> {
  if (given.has('lora')) {
    throw new UserError(
      `--adapter ${folder}: it has its own rank, alpha and targets; leave lora out of the settings`,
    );
  }
  const { readPeftAdapter } = await import('../../../model/peft.ts');
  const { otherBase } = await import('../../../model/base-name.ts');
  const adapter = await readPeftAdapter(folder);
  const doubt = otherBase(adapter, folder, config.base);
  if (doubt !== null) say(`warning: ${doubt}`);
  return adapter;
}
