/** `lifealign memory overlap`: which earlier tasks a task shares directions with, in all and by layer. */
import type { Command } from 'commander';
import { decimal } from '../../../eval/number-text.ts';
import type { TaskOverlap } from '../../../learn/overlap.ts';
import { type MemoryFlags, memoryCommand, print, printJson, textTable } from '../../memory-command.ts';

interface OverlapFlags extends MemoryFlags {
  readonly task?: string;
  readonly version: string;
  readonly json?: true;
}

export function registerMemoryOverlap(program: Command): void {
  memoryCommand(program, 'overlap')
    .description('which earlier tasks a task shares directions of change with')
    .option('--task <name>', 'this task, by layer as well; left out: every task against those before it')
    .option('--version <version>', 'of the memory; also one that the gate kept aside', 'head')
    .option('--json', 'as a JSON object')
    .action(overlap);
}

async function overlap({ memory, task, version, json }: OverlapFlags): Promise<void> {
  const { MemoryStore } = await import('../../../memory/store/store.ts');
  const { memoryOverlaps } = await import('../../../learn/memory-overlaps.ts');
  const store = await MemoryStore.open(memory);
  const commit = await store.resolve(version);
  const overlaps = await memoryOverlaps(store, commit, task);
  if (json) printJson({ version: commit.number, tasks: overlaps });
  else print([HEADING, '', ...overlaps.map(task === undefined ? line : layerTable)].join('\n'));
}

const HEADING =
  "% of the energy of what training a task changed that lies in earlier tasks' directions (shares may overlap)";

function line({ task, earlier, together }: TaskOverlap): string {
  if (together === null) return `${task}: the first task`;
  const shares = earlier.map((other) => `${other.task} ${decimal(other.total)}`).join(', ');
  return `${task}: ${shares}; together ${decimal(together.total)}`;
}

function layerTable({ task, earlier, together }: TaskOverlap): string {
  if (together === null) return `${task}: the first task`;
  const columns = [...earlier, { ...together, task: 'together' }];
  const rows = together.layers.map(({ layer }, at) => [
    layer < 0 ? 'outside of layers' : `layer ${layer}`,
    ...columns.map(({ layers }) => decimal(layers[at]!.share)),
  ]);
  const total = ['in all', ...columns.map((column) => decimal(column.total))];
  return textTable([[task, ...columns.map((column) => column.task)], total, ...rows]);
}
