/** Tables of texts as Markdown and CSV. */

/** A pipe table; the cells are Markdown already, but for their pipes. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/**
 * A line for each row. [RFC 4180] Texts that a spreadsheet would take for a formula get an apostrophe in front, as
 * spreadsheets themselves mark texts: some were written by models.
 */
export function csvLines(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(csvField).join(',')}\n`).join('');
}

function csvField(field: string | number): string {
  const text = typeof field === 'string' ? field.replace(/^[=+\-@\t\r]/, "'$&") : String(field);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
