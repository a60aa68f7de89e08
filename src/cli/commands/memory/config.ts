/** `lifealign memory config`: shows a memory's settings, changes them, or takes over a change made by hand. */
import type { Command } from 'commander';
import type { MemoryConfig } from '../../../memory/store/config.ts';
import type { MemoryStore } from '../../../memory/store/store.ts';
import { UserError } from '../../../support/errors.ts';
import { print, printJson, say, type WriterFlags, withMemory, writingCommand } from '../../memory-command.ts';

interface ConfigFlags extends WriterFlags {
  readonly set: readonly string[];
  readonly accept?: true;
  readonly json?: true;
}

export function registerMemoryConfig(program: Command): void {
  writingCommand(program, 'config')
    .description("show or change a memory's settings")
    .option(
      '--set <key=value>',
      'change one setting, for example learn.stages.sft.epochs=1 (repeatable)',
      (one: string, others: string[]) => [...others, one],
      [] as string[],
    )
    .option('--accept', 'take over what somebody has changed in config.yaml')
    .option('--json', 'as a JSON object')
    .action(config);
}

async function config({ set, accept, json, ...flags }: ConfigFlags): Promise<void> {
  const { MemoryStore } = await import('../../../memory/store/store.ts');
  if (set.length === 0 && !accept) {
    await show(await (await MemoryStore.open(flags.memory)).config(), json === true);
    return;
  }
  const { applyOverrides } = await import('../../../train/config/overrides.ts');
  const { readConfigTree } = await import('../../../train/config/read-tree.ts');
  const { firstDifference } = await import('../../../train/fingerprint.ts');
  const { checkMemoryConfig } = await import('../../memory-config.ts');
  await withMemory(flags, async (writer) => {
    const { store } = writer;
    const file = store.layout.config;
    const before = accept
      ? await checkMemoryConfig(await readConfigTree(file, 'settings'), file)
      : await store.config();
    const tree = applyOverrides(before, set);
    const after = await checkMemoryConfig(tree, file);
    const root = await store.resolve('0');
    const fixed = firstDifference({ lora: root.lora }, { lora: after.lora });
    if (fixed)
      throw new UserError(
        `${file}, field "${fixed.key}": the memory's adapters have ${JSON.stringify(fixed.before)}; make another memory for ${JSON.stringify(fixed.now)}`,
      );
    if (after.base !== before.base) await checkOther(store, after.base);
    await writer.setConfig(after);
    if (accept) say(`${file}: taken over as it is now`);
    await show(after, json === true);
  });
}

/** @throws {UserError} for a base that is missing, or not the one that the memory's adapters are for. */
async function checkOther(store: MemoryStore, base: string): Promise<void> {
  const { openModel } = await import('../../../model/resolve.ts');
  const { loadTextModel } = await import('../../../text/text-model.ts');
  const { baseHashes, checkBase } = await import('../../../memory/store/base-hashes.ts');
  const model = await openModel(base, { warn: say });
  const text = await loadTextModel(model.path, model.config.vocabularySize);
  checkBase(store.folder, (await store.head()).commit.hashes, baseHashes({ model, text }));
}

async function show(config: MemoryConfig, json: boolean): Promise<void> {
  if (json) return printJson(config);
  const { stringify } = await import('yaml');
  print(stringify(config, { aliasDuplicateObjects: false }).trimEnd());
}
