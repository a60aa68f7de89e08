/** Tables of what consolidation did with each stage's update. */
import type { RunRecord } from '../record/run.ts';
import { byLayer, consolidatedStages, energyShare, oldShare, rankLoss } from '../stages.ts';
import { type Cell, plain, present, type Table } from './table.ts';

/** Per stage: how much of the update was kept, and how much of it lay where earlier ones had gone. */
export function consolidationTable(runs: readonly RunRecord[]): Table[] {
  const rows = runs.flatMap((run) =>
    consolidatedStages(run).map(({ task, stage, record: { matrices } }): Cell[] => {
      const ranks = matrices.map(({ kept_rank }) => kept_rank);
      const mean = (values: readonly number[]) =>
        values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
      return [
        run.label,
        run.results.tasks[task]!,
        stage,
        matrices.length,
        matrices.reduce((most, { singular_values: values }) => Math.max(most, values.length), 0),
        mean(ranks),
        ranks.length === 0 ? null : Math.min(...ranks),
        ranks.length === 0 ? null : Math.max(...ranks),
        energyShare(matrices, 'denoised', 'short_term'),
        oldShare(matrices),
        energyShare(matrices, 'refined', 'short_term'),
        mean(matrices.map(({ history_rows }) => history_rows)),
        mean(matrices.map(({ history_rank }) => history_rank)),
        rankLoss(matrices),
      ];
    }),
  );
  return present({
    id: 'consolidation',
    title: 'Consolidation of each stage’s update',
    columns: [
      ...plain('run', 'task', 'stage', 'matrices', 'rank'),
      { title: 'kept rank, mean' },
      ...plain('least', 'most'),
      { title: 'energy kept by denoising, %' },
      { title: 'of it in old directions, %' },
      { title: 'energy merged, %' },
      { title: 'earlier updates' },
      { title: 'dimensions they span' },
      { title: 'beyond the rank, %' },
    ],
    rows,
    note:
      'Energies are sums of squares over all matrices. Old directions: the span of earlier stages’ updates ' +
      'of the same matrix. Beyond the rank: in product space, what of the merged memory an adapter cannot hold.',
  });
}

/** The share in old directions, layer by layer. */
export function layerTable(runs: readonly RunRecord[]): Table[] {
  const stages = runs.flatMap((run) =>
    consolidatedStages(run).map((stage) => ({ run, stage, layers: byLayer(stage.record.matrices) })),
  );
  const layers = [...new Set(stages.flatMap((entry) => [...entry.layers.keys()]))].sort((a, b) => a - b);
  if (layers.length === 0) return [];
  return present({
    id: 'old-directions-by-layer',
    title: 'Share of each update in old directions, by decoder layer, %',
    columns: [...plain('run', 'task', 'stage'), ...layers.map((layer) => ({ title: String(layer) }))],
    rows: stages.map(({ run, stage: { task, stage }, layers: of }) => [
      run.label,
      run.results.tasks[task]!,
      stage,
      ...layers.map((layer) => (of.has(layer) ? oldShare(of.get(layer)!) : null)),
    ]),
  });
}
