/** Recorded comparisons as tables for documents. */
import { newest, type Recorded } from './history.ts';
import { table } from './summary.ts';

/** A table a machine; full forms, and short ones of what was never measured in full. */
export function figures(history: readonly Recorded[]): string {
  const last = newest(history);
  const hasFull = new Set(last.filter(({ form }) => form === 'full').map(keyOf));
  const shown = last.filter(
    (record) => record.form === 'full' || (record.form === 'short' && !hasFull.has(keyOf(record))),
  );
  if (shown.length === 0) return 'Nothing is recorded yet.\n';
  const machines = [...new Set(shown.map(({ machine }) => machine))];
  return machines.map((machine) => section(shown.filter((record) => record.machine === machine))).join('\n');
}

function keyOf({ machine, bench, name }: Recorded): string {
  return JSON.stringify([machine, bench, name]);
}

function section(records: readonly Recorded[]): string {
  const head = ['measured', 'ours', 'beside it', 'ratio (spread)', 'when'];
  const rows = records.map(({ name, against, unit, ours, peer, ratio, spread, date, commit, form }) => [
    name,
    `${digits(ours)} ${unit}`,
    `${digits(peer)} (${against})`,
    `${ratio.toFixed(2)} (${spread.ratio[0].toFixed(2)} to ${spread.ratio[1].toFixed(2)})`,
    `${date.slice(0, 10)}, ${commit}${form === 'short' ? ', short form' : ''}`,
  ]);
  const { cpu, machine, versions } = records.at(-1)!;
  const programs = Object.assign(
    {},
    ...records.map((record) => record.versions),
    versions,
  ) as typeof versions;
  const list = Object.entries(programs).map(([name, version]) => `${name} ${version}`);
  return `${cpu} (${machine}); ${list.join(', ')}\n\n${table(head, rows)}`;
}

/** Three that count. */
function digits(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
