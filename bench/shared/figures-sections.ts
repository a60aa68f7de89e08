/** Which recorded figures stand in which document. */
import { FIGURES, figures, isHeadline } from './figures.ts';
import type { Recorded } from './history.ts';
import { alignedTable, withSection } from './section.ts';

/** By document: its text with the figures of a history in their place. */
export function figuresSections(
  history: readonly Recorded[],
): Readonly<Record<string, (document: string) => string>> {
  const place = (text: string) => (document: string) => withSection(document, FIGURES, laidOut(text));
  return {
    'README.md': place(figures(history, isHeadline)),
    'REPRODUCIBILITY.md': place(figures(history)),
  };
}

/** Tables as the documents' formatter leaves them. */
function laidOut(text: string): string {
  return text
    .trimEnd()
    .split('\n\n')
    .map((block) => (block.startsWith('|') ? alignedTable(block.trimEnd()) : block))
    .join('\n\n');
}
