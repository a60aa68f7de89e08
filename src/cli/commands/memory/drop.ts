/** `lifealign memory drop`: the memory as it would be had a task's refined memories never been merged. */
import type { Command } from 'commander';
import type { CommitMetrics } from '../../../memory/store/records.ts';
import type { MemoryWriter, PlannedDrop } from '../../../memory/store/writer.ts';
import { ENGINE_HELP } from '../../engine-flag.ts';
import { interruptible } from '../../interrupt.ts';
import {
  amount,
  print,
  printJson,
  shortHash,
  type WriterFlags,
  withMemory,
  writingCommand,
} from '../../memory-command.ts';
import { metricsTable } from '../../memory-metrics.ts';

interface DropFlags extends WriterFlags {
  readonly measure: boolean;
  readonly note: string;
  readonly engine?: string;
  readonly threads?: string;
  readonly json?: true;
}

export function registerMemoryDrop(program: Command): void {
  writingCommand(program, 'drop')
    .description("make the memory again without a task, and remove the task's rows from it")
    .argument('<task>', 'a task that the head has learned')
    .option('--no-measure', "do not measure the effect on the tasks' report rows, which needs the base")
    .option('--note <text>', 'why; kept with the version and with the withdrawn rows', '')
    .option('--engine <engine>', ENGINE_HELP)
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .option('--json', 'as a JSON object')
    .action(drop);
}

async function drop(
  task: string,
  { measure, note, json, engine, threads, ...flags }: DropFlags,
): Promise<void> {
  await withMemory(flags, async (writer) => {
    const plan = await writer.planDrop(task);
    const metrics = measure ? await measured(writer, plan, { engine, threads }) : null;
    const commit = await writer.drop(plan, { metrics, note });
    const { laterTasks } = await import('../../../memory/store/drop.ts');
    const later = laterTasks(plan);
    if (json) {
      printJson({
        memory: flags.memory,
        task,
        version: commit.number,
        commit: commit.hash,
        left_out: plan.removed.map(({ number }) => number),
        merged: plan.remaining.map(({ number }) => number),
        rows_withdrawn: plan.rows.length,
        trained_on_top: later,
        certified_unlearning: false,
        metrics,
      });
      return;
    }
    const numbers = plan.removed.map(({ number }) => number).join(', ');
    const versions = `${plan.removed.length === 1 ? 'version' : 'versions'} ${numbers}`;
    print(
      [
        `the head is version ${commit.number} (${shortHash(commit.hash)}): the memory without ${task} (${versions}),`,
        `merged again from the refined memories of ${amount(plan.remaining.length, 'stage')}.`,
        `${amount(plan.rows.length, 'row')} of ${task} withdrawn from the memory's store, buffer and cache.`,
        ...(metrics === null ? ['The effect was not measured.'] : metricsTable(metrics)),
        caveat(task, later),
        `"memory revert ${plan.onto.number}" brings the adapter back, though not the rows.`,
      ].join('\n'),
    );
  });
}

function caveat(task: string, later: readonly string[]): string {
  const what = 'This is no certified unlearning';
  if (later.length === 0) {
    return `${what}: older versions still hold what ${task} changed, and texts may be recovered from the disk.`;
  }
  const [were, they] = later.length === 1 ? ['was', 'it'] : ['were', 'they'];
  return (
    `${what}: ${later.join(', ')} ${were} trained on top of what ${task} had changed, and what ${they} took over from ` +
    'it stays; so do older versions.'
  );
}

async function measured(
  { store }: MemoryWriter,
  plan: PlannedDrop,
  flags: { readonly engine: string | undefined; readonly threads: string | undefined },
): Promise<CommitMetrics> {
  const { measureDrop } = await import('../../memory-measuring.ts');
  return interruptible({ reason: 'interrupted; nothing was dropped' }, (signal) =>
    measureDrop(store, plan, { ...flags, signal }),
  );
}
