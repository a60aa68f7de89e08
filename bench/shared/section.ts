/** Parts of documents that commands write, between two comments that say which. */

export interface Marks {
  readonly begin: string;
  readonly end: string;
}

/** `document` with what stands between the marks replaced. @throws where it has no such place */
export function withSection(document: string, { begin, end }: Marks, section: string): string {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`expected the lines ${begin} and ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${section}\n\n${document.slice(to)}`;
}

/** A Markdown table as the formatter lays it out, which has the document too. */
export function alignedTable(table: string): string {
  const lines = table.split('\n').map((line) => line.slice(2, -2).split(' | '));
  const widths = lines[0]!.map((_, at) => Math.max(...lines.map((cells) => [...cells[at]!].length)));
  const line = (cells: readonly string[], fill: string) =>
    `| ${cells.map((cell, at) => cell + fill.repeat(widths[at]! - [...cell].length)).join(' | ')} |`;
  return lines.map((cells, at) => line(cells, at === 1 ? '-' : ' ')).join('\n');
}
