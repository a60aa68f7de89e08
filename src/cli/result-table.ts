/** Result matrices as text, for people watching a run. */
import type { RunSummary } from '../train/results.ts';

/** Preference accuracy in percent: a line per trained task, a column per tested one, then the summary. */
export function resultTable({ tasks, preference_accuracy: scores }: RunSummary): string {
  const width = Math.max(8, ...tasks.map((task) => task.length)) + 2;
  const label = Math.max('before training'.length, ...tasks.map((task) => `after ${task}`.length));
  const line = (name: string, cells: readonly (number | null | string)[]) =>
    name.padEnd(label) + cells.map((cell) => formatCell(cell).padStart(width)).join('');
  const rows = scores.matrix.map((row, at) => line(`after ${tasks[at]}`, row));
  const totals = `Last ${formatCell(scores.last)}   BWT ${formatCell(scores.bwt)}   AP ${formatCell(scores.ap)}`;
  const base = scores.base ? [line('before training', scores.base)] : [];
  return ['preference accuracy, %', line('', tasks), ...base, ...rows, totals].join('\n');
}

function formatCell(cell: number | null | string): string {
  if (cell === null) return '-';
  return typeof cell === 'string' ? cell : cell.toFixed(1);
}
