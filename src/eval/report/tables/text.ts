/** A report's tables as text: Markdown with rounded numbers for people, CSV with all digits for programs. */
import { decimal, shown, tested } from '../../number-text.ts';
import { csvLines, markdownTable } from '../../table-text.ts';
import { type Cell, type Column, isEstimate, type Table } from './table.ts';

/** As people read it; a dash where nothing was measured. */
export function cellText(cell: Cell, { digits = 1 }: Column): string {
  if (typeof cell === 'string') return cell;
  if (!isEstimate(cell)) return decimal(cell, digits);
  return 'pValue' in cell ? tested(cell, digits) : shown(cell, digits);
}

export function tableMarkdown({ title, columns, rows, note }: Table): string {
  const head = columns.map((column) => markdownText(column.title));
  const lines = rows.map((row) =>
    row.map((cell, at) => (typeof cell === 'string' ? markdownText(cell) : cellText(cell, columns[at]!))),
  );
  const parts = [`## ${markdownText(title)}`, markdownTable(head, lines)];
  return [...parts, ...(note === undefined ? [] : [markdownText(note)])].join('\n\n');
}

/** So that a text is shown as it is: no HTML, links (bare addresses too), images or emphasis; one line. */
export function markdownText(text: string): string {
  return text
    .replace(/[\\`*_[\]~#]/g, (sign) => `\\${sign}`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('://', '&#58;//')
    .replace(/www\./gi, (start) => start.replace('.', '&#46;'))
    .replaceAll('@', '&#64;')
    .replace(/\r\n|[\r\n]/g, '<br>');
}

/** Where a column has intervals, their ends and p-values stand in columns of their own behind it. */
export function tableCsv({ columns, rows }: Table): string {
  const parts = columns.map((_, at) => {
    const estimates = rows.map((row) => row[at] ?? null).filter(isEstimate);
    if (estimates.length === 0) return [''];
    return ['', ' low', ' high', ...(estimates.some((cell) => 'pValue' in cell) ? [' p'] : [])];
  });
  const head = columns.flatMap(({ title }, at) => parts[at]!.map((part) => `${title}${part}`));
  const lines = rows.map((row) => row.flatMap((cell, at) => csvCells(cell).slice(0, parts[at]!.length)));
  return csvLines([head, ...lines.map((line) => line.map((value) => value ?? ''))]);
}

function csvCells(cell: Cell): (string | number | null)[] {
  if (!isEstimate(cell)) return [cell, null, null, null];
  return [cell.estimate, cell.low, cell.high, 'pValue' in cell ? cell.pValue : null];
}
