/** Several blocks of text on one screen. */
import { stripVTControlCharacters } from 'node:util';

const GAP = 4;

/** Blocks beside each other, tops aligned, where `width` allows that; else one below the other. */
export function sideBySide(blocks: readonly string[], width: number): string {
  const columns = blocks.map((block) => block.split('\n'));
  const widths = columns.map((lines) => Math.max(...lines.map(visibleLength)));
  const needed = widths.reduce((sum, columnWidth) => sum + columnWidth, GAP * (blocks.length - 1));
  if (needed > width) return blocks.join('\n\n');
  const height = Math.max(...columns.map((lines) => lines.length));
  return Array.from({ length: height }, (_, at) =>
    columns
      .map((lines, column) => {
        const line = lines[at] ?? '';
        return line + ' '.repeat(widths[column]! - visibleLength(line));
      })
      .join(' '.repeat(GAP))
      .trimEnd(),
  ).join('\n');
}

/** Colours take no room. */
function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
