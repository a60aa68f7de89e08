/** Recorded comparisons as tables for documents. */
import { newest, type Recorded } from './history.ts';
import type { Marks } from './section.ts';
import { table } from './summary.ts';

/** Where they stand in documents. */
export const FIGURES: Marks = {
  begin: '<!-- figures: npm run make:figures -->',
  end: '<!-- end of figures -->',
};

/** What somebody asks first: our usual settings beside another program's. */
const HEADLINES: Readonly<Record<string, RegExp>> = {
  train: /: (speed|peak memory), exact, /,
  generate: /float32, sdpa$/,
  startup: /./,
};

/** Whether README.md has it. */
export function isHeadline({ bench, name }: Recorded): boolean {
  return HEADLINES[bench]?.test(name) ?? false;
}

const PREFERENCE = ['full', 'custom', 'short'] as const;

/**
 * A table a machine, a line for each comparison: the newest of the full form, or of sizes of its own where it was
 * never measured in full, or of the short form, which is for `bench:check`, where in neither; with the ratios of the same
 * form that were recorded before.
 */
export function figures(
  history: readonly Recorded[],
  isShown: (record: Recorded) => boolean = () => true,
): string {
  const last = newest(history).filter(isShown);
  const preferred = PREFERENCE.flatMap((form) => last.filter((record) => record.form === form));
  const shown = last.filter((record) => preferred.find((other) => keyOf(other) === keyOf(record)) === record);
  if (shown.length === 0) return 'Nothing is recorded yet.\n';
  const machines = [...new Set(shown.map(({ machine }) => machine))];
  const sections = machines.map((machine) =>
    section(
      shown.filter((record) => record.machine === machine),
      history,
    ),
  );
  return sections.join('\n');
}

function keyOf({ machine, bench, name }: Recorded): string {
  return JSON.stringify([machine, bench, name]);
}

function section(records: readonly Recorded[], history: readonly Recorded[]): string {
  const head = ['measured', 'ours', 'beside it', 'ratio (spread)', 'recorded before', 'when'];
  const rows = records.map((record) => {
    const { name, against, unit, ours, peer, ratio, spread, date, commit, form } = record;
    const earlier = history.filter(
      (other) => keyOf(other) === keyOf(record) && other.form === form && other !== record,
    );
    const [least, most] = spread.ratio;
    return [
      name,
      `${digits(ours)} ${unit}`,
      `${digits(peer)} (${against})`,
      least === most
        ? `${ratio.toFixed(2)} (once)`
        : `${ratio.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`,
      earlier.map((other) => other.ratio.toFixed(2)).join(', ') || '-',
      `${date.slice(0, 10)}, ${commit}${{ full: '', short: ', short form', custom: ', other sizes' }[form]}`,
    ];
  });
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
