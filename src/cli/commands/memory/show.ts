/** `lifealign memory show`: one version explained, in words and numbers. */
import type { Command } from 'commander';
import { decimal } from '../../../eval/number-text.ts';
import type { GateRecord } from '../../../learn/update.ts';
import { describePrecisions, type TrainedPrecisions } from '../../../memory/store/precision.ts';
import type { CommitMetrics } from '../../../memory/store/records.ts';
import { rowCounts } from '../../../memory/store/standing.ts';
import type { Commit, MemoryStore } from '../../../memory/store/store.ts';
import { gateLines } from '../../learn-table.ts';
import { type MemoryFlags, memoryCommand, print, printJson, shortTime } from '../../memory-command.ts';
import { metricsTable } from '../../memory-metrics.ts';

interface ShowFlags extends MemoryFlags {
  readonly json?: true;
}

export function registerMemoryShow(program: Command): void {
  memoryCommand(program, 'show')
    .description('explain a version of a memory')
    .argument('[version]', 'a number (0 is the root), head, head~2, or the first digits of a commit', 'head')
    .option('--json', 'as a JSON object, with the report of each matrix')
    .action(show);
}

async function show(version: string, { memory, json }: ShowFlags): Promise<void> {
  const { MemoryStore } = await import('../../../memory/store/store.ts');
  const store = await MemoryStore.open(memory);
  const commit = await store.resolve(version);
  const { parent } = commit;
  const { refusedVersions } = await import('../../../memory/store/lineage.ts');
  const { trainedPrecisions } = await import('../../../memory/store/precision.ts');
  const learned = await store.learned(commit);
  const found = {
    isRefused: (await refusedVersions(store)).has(commit.hash),
    parent: parent === null ? null : (await store.commit(parent)).number,
    learned,
    trainedOver: await trainedPrecisions(store, commit, learned),
    record: await store.taskRecord(commit),
    metrics: await store.metrics(commit),
    buffer: await store.buffer(commit),
    withdrawn: await store.withdrawn(),
  };
  if (json) await printAsJson(store, commit, found);
  else
    print(
      [
        ...heading(commit, found),
        ...rowLines(found),
        ...consolidationLines(commit),
        ...metricLines(commit, found.metrics),
      ].join('\n'),
    );
}

interface Found {
  /** By the gate, and nobody has taken it all the same. */
  readonly isRefused: boolean;
  readonly parent: number | null;
  readonly learned: Awaited<ReturnType<MemoryStore['learned']>>;
  readonly trainedOver: TrainedPrecisions;
  readonly record: Awaited<ReturnType<MemoryStore['taskRecord']>>;
  readonly metrics: CommitMetrics | null;
  readonly buffer: Awaited<ReturnType<MemoryStore['buffer']>>;
  readonly withdrawn: Awaited<ReturnType<MemoryStore['withdrawn']>>;
}

async function printAsJson(store: MemoryStore, commit: Commit, found: Found): Promise<void> {
  const { hash, number, config: _, rows, buffer, metrics: __, consolidation, precisions, ...others } = commit;
  const { parent, learned, record, metrics, trainedOver } = found;
  printJson({
    version: number,
    commit: hash,
    ...others,
    precisions: precisions ?? null,
    trained_over: { precisions: trainedOver.known, whole: trainedOver.isWhole },
    parent_version: parent,
    refused: found.isRefused,
    learned_versions: learned.map((stage) => stage.number),
    tasks: [...new Set(learned.map(({ task }) => task))],
    consolidation: consolidation && { ...consolidation, reports: await store.reports(commit) },
    rows: record && rowCounts(record, found.withdrawn),
    buffer: { rows: found.buffer.length },
    metrics,
    config: await store.commitConfig(commit),
  });
}

function heading(
  { number, hash, kind, task, stage, time, note, lora, hashes }: Commit,
  found: Found,
): string[] {
  const what = {
    root: 'the adapter that the memory began with',
    stage: `the stage ${stage} of the task ${task}`,
    drop: `the memory without the task ${task}, made again from the refined memories of the others`,
  }[kind];
  const tasks = [...new Set(found.learned.map((commit) => commit.task))];
  const list =
    tasks.length === 0 ? 'no task' : `${tasks.length === 1 ? 'the task' : 'the tasks'} ${tasks.join(', ')}`;
  return [
    `version ${number}: ${what}`,
    ...(found.isRefused ? ['  refused    by the gate; it lies beside the log, and was never the head'] : []),
    `  commit     ${hash}`,
    `  parent     ${found.parent === null ? 'none' : `version ${found.parent}`}`,
    `  time       ${shortTime(time)} UTC`,
    ...(note === '' ? [] : [`  note       ${note}`]),
    `  adapter    rank ${lora.rank}, alpha ${lora.alpha}, on ${lora.targets.join(', ')}; it holds ${list}`,
    `  base       ${hashes.base}`,
    `  precision  of the base in training: ${describePrecisions(found.trainedOver)}`,
  ];
}

function rowLines(found: Found): string[] {
  const buffer = `  buffer     ${found.buffer.length} rows are replayed after it`;
  if (found.record === null) return [buffer];
  const { data: source } = found.record;
  const { train, gate, report, withdrawn, private: isPrivate } = rowCounts(found.record, found.withdrawn);
  const gone = withdrawn === 0 ? '' : `; ${withdrawn} of them withdrawn since`;
  const hidden = isPrivate ? '; private: their texts are shown nowhere' : '';
  return [
    `  data       ${source.file ?? 'rows of a program'}, sha256 ${source.sha256.slice(0, 12)}`,
    `  rows       ${train} to train, ${gate} for the gate, ${report} to report${gone}${hidden}`,
    buffer,
  ];
}

function consolidationLines({ consolidation }: Commit): string[] {
  if (consolidation === null) return [];
  const { space, threshold, lambda, summary } = consolidation;
  const { kept_rank: rank, energy } = summary;
  const unit = space === 'factors' ? 'LoRA matrices' : 'modules';
  return [
    '',
    `consolidation (${space}, threshold ${threshold}, lambda ${lambda}), ${summary.matrices} ${unit} together`,
    `  of at most ${rank.of} directions of change ${decimal(rank.mean)} were kept on average (${rank.least} to ${rank.most}),`,
    `  with ${decimal(summary.kept_energy)} % of the change's energy (${energy.short_term.toPrecision(3)}).`,
    `  ${decimal(summary.old_directions)} % of what was kept lay in directions of earlier stages; of that part ${lambda} was merged.`,
    `  Merged energy: ${energy.refined.toPrecision(3)}.`,
  ];
}

function metricLines({ kind }: Commit, metrics: CommitMetrics | null): string[] {
  if (metrics === null) {
    return ['', kind === 'stage' ? 'not measured: a task is, after its last stage' : 'not measured'];
  }
  // Of a task that was learned; a drop has no gate.
  const gate = metrics['gate'] as GateRecord | undefined;
  return ['', ...metricsTable(metrics), ...(gate ? ['', ...gateLines(gate)] : [])];
}
