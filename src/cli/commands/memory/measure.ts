/** `lifealign memory measure`: what can be made of a memory, on every task's report rows, beside the whole of it. */
import type { Command } from 'commander';
import { decimal, shown } from '../../../eval/number-text.ts';
import type { ComparedTask } from '../../../learn/compare-policies.ts';
import { UserError } from '../../../support/errors.ts';
import { streamProgress } from '../../../support/progress.ts';
import { compositionName, parseComposition } from '../../composition.ts';
import { ENGINE_HELP } from '../../engine-flag.ts';
import { interruptible } from '../../interrupt.ts';
import { type MemoryFlags, memoryCommand, print, printJson, say, textTable } from '../../memory-command.ts';
import { wholeNumber } from '../../whole-number.ts';

interface MeasureFlags extends MemoryFlags {
  readonly version: string;
  readonly tasks?: string;
  readonly weights?: string;
  readonly retrieve?: string;
  readonly json?: true;
  readonly engine?: string;
  readonly threads?: string;
}

export function registerMemoryMeasure(program: Command): void {
  memoryCommand(program, 'measure')
    .description("compositions and retrieval on every task's report rows, beside the whole memory")
    .option('--tasks <names>', 'measure these tasks composed; commas between')
    .option('--weights <numbers>', 'one for each of them; left out: 1')
    .option(
      '--retrieve <counts>',
      'measure so many tasks retrieved for each prompt; several with commas between',
    )
    .option('--version <version>', 'of the memory', 'head')
    .option('--json', 'as a JSON object')
    .option('--engine <engine>', ENGINE_HELP)
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .action(measure);
}

async function measure(flags: MeasureFlags): Promise<void> {
  const parts = flags.tasks === undefined ? null : parseComposition(flags.tasks, flags.weights);
  if (parts === null && flags.weights !== undefined)
    throw new UserError('--weights: expected beside --tasks');
  const counts = (flags.retrieve?.split(',') ?? []).map((text) => wholeNumber('--retrieve', text, 1, 1000));
  const { MemoryStore } = await import('../../../memory/store/store.ts');
  const store = await MemoryStore.open(flags.memory);
  const version = await store.resolve(flags.version);
  const { compose } = await import('../../../learn/compose.ts');
  // Before the base is opened: a task that is not there is known at once.
  const composed = parts && { name: compositionName(parts), adapter: await compose(store, version, parts) };
  const { openMemoryBase } = await import('../../memory-base.ts');
  const progress = streamProgress(process.stderr);
  const { model } = await openMemoryBase(store, {
    engine: flags.engine,
    threads: flags.threads,
    progress,
    versions: [version],
  });
  try {
    const tasks = await interruptible({ reason: 'interrupted' }, async (signal) => {
      const { comparePolicies, composedPolicy, retrievedPolicy } = await import(
        '../../../learn/compare-policies.ts'
      );
      const { earlierTasks } = await import('../../../learn/earlier.ts');
      const { Measuring } = await import('../../../learn/measure.ts');
      const { modelSides } = await import('../../../train/model-environment.ts');
      const sides = modelSides(model);
      const { cacheFolder } = store;
      const measuring = await Measuring.open({ ...sides, cacheFolder, progress, signal, log: say });
      const whole = composedPolicy('whole memory', await store.adapter(version), measuring);
      const policies = [whole];
      if (composed) policies.push(composedPolicy(composed.name, composed.adapter, measuring));
      if (counts.length > 0) {
        const { TaskIndex, promptSide } = await import('../../../learn/retrieve.ts');
        const index = await TaskIndex.open(store, version, promptSide(model));
        policies.push(...counts.map((count) => retrievedPolicy(count, index, { store, version }, measuring)));
      }
      const { maxPositions: maxLength } = sides.text;
      const rows = await earlierTasks(store, version, { text: sides.text, maxLength });
      const reported = rows.flatMap(({ name, report }) => (report ? [{ task: name, report }] : []));
      if (reported.length === 0)
        throw new UserError(`version ${version.number} has no report rows to measure on`);
      const compared = await comparePolicies(reported, policies);
      return { names: policies.map(({ name }) => name), compared };
    });
    if (flags.json) printJson({ version: version.number, policies: tasks.names, tasks: tasks.compared });
    else print(tables(tasks.names, tasks.compared));
  } finally {
    await model.engine.close();
  }
}

function tables(names: readonly string[], compared: readonly ComparedTask[]): string {
  const rows = compared.map(({ task, rows: count, policies }) => [
    task,
    String(count),
    ...policies.map(({ preference_accuracy: accuracy, difference }) =>
      difference ? `${decimal(accuracy)} (${shown(difference)})` : decimal(accuracy),
    ),
  ]);
  const mean = (at: number) =>
    compared.reduce((sum, { policies }) => sum + policies[at]!.preference_accuracy, 0) / compared.length;
  const means = ['mean', '', ...names.map((_, at) => decimal(mean(at)))];
  const found = names.flatMap((name, at) => {
    const shares = compared.map(({ task, policies }) => [task, policies[at]!.own_task] as const);
    if (shares.some(([, share]) => share === null)) return [];
    return [
      `${name}: own task among them for ${shares.map(([task, share]) => `${task} ${decimal(share)} %`).join(', ')}`,
    ];
  });
  return [
    'preference accuracy on report rows, %, and its difference to the whole memory',
    textTable([['task', 'rows', ...names], ...rows, means]),
    ...found,
  ].join('\n');
}
