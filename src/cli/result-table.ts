/** Result matrices as text, for people watching a run. */
import { decimal } from '../eval/number-text.ts';
import type { GeneralAbility, RunSummary } from '../train/results.ts';
import { heatmap } from './heatmap.ts';
import { type Screen, screenOf } from './screen.ts';

/**
 * Preference accuracy in percent: a line per trained task, a column per tested one, then the summary. For standard
 * error unless another screen is given.
 */
export function resultTable(
  { tasks, preference_accuracy: scores, general }: RunSummary,
  screen: Screen = screenOf(process.stderr),
): string {
  const { base, matrix, last, bwt, ap } = scores;
  const trained = tasks.map((task) => `after ${task}`);
  const table = heatmap(
    {
      title: 'preference accuracy, %',
      rows: base ? ['before training', ...trained] : trained,
      columns: tasks,
      values: base ? [base, ...matrix] : matrix,
      ...(general ? { further: generalColumns(general, base !== undefined) } : {}),
    },
    screen,
  );
  const totals = `Last ${decimal(last)}   BWT ${decimal(bwt)}   AP ${decimal(ap)}`;
  const legend = 'KL, loss: drift from the base and loss on neutral conversations, nats per token';
  return [table, totals, ...(general ? [legend] : [])].join('\n');
}

function generalColumns({ base_loss, loss, kl }: GeneralAbility, hasBase: boolean) {
  const rows = loss.map((value, at) => [kl[at] ?? null, value]);
  return { columns: ['KL', 'loss'], values: hasBase ? [[0, base_loss], ...rows] : rows, digits: 4 };
}
