/** A comparison as text: Markdown and LaTeX for people, CSV (a line for each number) and JSON for programs. */
import { csvLines, markdownTable } from '../table-text.ts';
import {
  type Comparison,
  generalMeasures,
  listed,
  type Quantities,
  statisticNames,
  type TestedEstimate,
} from './index.ts';
import { comparisonNotes, comparisonTables, type Table } from './tables.ts';

export const formatNames = ['markdown', 'csv', 'json', 'latex'] as const;
export type FormatName = (typeof formatNames)[number];

export const formats: Readonly<Record<FormatName, (comparison: Comparison) => string>> = {
  markdown: (comparison) =>
    [
      ...comparisonTables(comparison).map(
        ({ title, head, rows }) => `${title}\n\n${markdownTable(head, rows)}`,
      ),
      ...comparisonNotes(comparison),
    ]
      .join('\n\n')
      .concat('\n'),
  latex: (comparison) =>
    [...comparisonTables(comparison).map(latexTable), ...comparisonNotes(comparison).map(latexText)]
      .join('\n\n')
      .concat('\n'),
  csv: csv,
  json: (comparison) => `${JSON.stringify(comparison, null, 2)}\n`,
};

/** Needs the booktabs package. */
export function latexTable({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]) => `  ${cells.map(latexText).join(' & ')} \\\\`;
  return [
    '\\begin{table}',
    `\\caption{${latexText(title)}}`,
    `\\begin{tabular}{l${'r'.repeat(head.length - 1)}}`,
    '  \\toprule',
    line(head),
    '  \\midrule',
    ...rows.map(line),
    '  \\bottomrule',
    '\\end{tabular}',
    '\\end{table}',
  ].join('\n');
}

const latexCommands: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
};

/** So that a text is shown as it is. */
export function latexText(text: string): string {
  return text.replace(/[\\~^<>#$%&_{}]/g, (sign) => latexCommands[sign] ?? `\\${sign}`);
}

const CSV_HEAD = ['score', 'run', 'minus', 'task', 'statistic', 'estimate', 'low', 'high', 'p'];

/**
 * A number is a task's, from the matrix's last row, or a statistic's; `minus` marks a difference. General ability
 * is a score of no task.
 */
function csv({ tasks, compared, scores, general }: Comparison): string {
  const rows = scores.flatMap(({ score, runs, differences }) => [
    ...runs.flatMap((run, at) => csvRows([score, compared[at]!, ''], tasks, run)),
    ...differences.flatMap((difference, at) =>
      csvRows([score, compared[0]!, compared[at + 1]!], tasks, difference),
    ),
  ]);
  const generalRows = [
    ...(general?.runs ?? []).map((run, at) => ({ run, of: [compared[at]!, ''] })),
    ...(general?.differences ?? []).map((run, at) => ({ run, of: [compared[0]!, compared[at + 1]!] })),
  ].flatMap(({ run, of }) =>
    generalMeasures.map((measure) => csvRow(['general', ...of, '', measure], run[measure])),
  );
  return csvLines([CSV_HEAD, ...rows, ...generalRows]);
}

function csvRows(
  start: readonly string[],
  tasks: readonly string[],
  quantities: Quantities<Partial<TestedEstimate>>,
): (string | number)[][] {
  const labels = [...tasks.map((task) => [task, '']), ...statisticNames.map((name) => ['', name])];
  return listed(quantities).map((quantity, at) => csvRow([...start, ...labels[at]!], quantity));
}

function csvRow(
  labels: readonly string[],
  { estimate, low, high, pValue }: Partial<TestedEstimate>,
): (string | number)[] {
  return [...labels, ...[estimate, low, high, pValue].map((value) => value ?? '')];
}
