/** The plain data of every table of a report: the page, Markdown and CSV are made of it. */
import type { Estimate, TestedEstimate } from '../../comparison/index.ts';

/** A text, a number, a number with its interval, or nothing that was measured. */
export type Cell = string | number | Estimate | TestedEstimate | null;

export interface Column {
  readonly title: string;
  /** Behind the point, where people read it; CSV has every digit. Left out: 1. */
  readonly digits?: number;
}

export interface Table {
  /** Names its CSV file and its place in the page. */
  readonly id: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** What a reader has to know of its numbers. */
  readonly note?: string;
}

/** Columns of texts or whole numbers. */
export function plain(...titles: readonly string[]): Column[] {
  return titles.map((title) => ({ title, digits: 0 }));
}

export function isEstimate(cell: Cell): cell is Estimate | TestedEstimate {
  return typeof cell === 'object' && cell !== null;
}

/** A table of nothing is none. */
export function present(table: Table): Table[] {
  return table.rows.length === 0 ? [] : [table];
}
