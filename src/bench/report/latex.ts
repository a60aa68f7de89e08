/** A bench's tables in LaTeX, for a paper; what was rounded for people is rounded here. */
import { latexTable, latexText } from '../../eval/comparison/formats.ts';
import type { Table } from '../../eval/report/tables/table.ts';
import { cellText } from '../../eval/report/tables/text.ts';

/** Needs the booktabs package. */
export function tableLatex({ title, columns, rows, note }: Table): string {
  const texts = rows.map((row) => row.map((cell, at) => cellText(cell, columns[at]!)));
  const table = latexTable({ title, head: columns.map((column) => column.title), rows: texts });
  return note === undefined ? table : `${table}\n\n${latexText(note)}`;
}
