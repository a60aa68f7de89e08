/** Each task as it was right after it was learned: the result matrix's diagonal, taken for a last row. */
import type { RowMatrix } from '../../eval/comparison/index.ts';

/**
 * A matrix in which every task was measured when it was learned and not later, so that Last is the mean over the
 * diagonal. It is what single-task learning is compared by, which has no stream, and what a method learned at all.
 */
export function onDiagonal({ base, cells }: RowMatrix): RowMatrix {
  const end = cells.length - 1;
  return {
    base,
    cells: cells.map((row, at) => row.map((_, task) => (at === end ? cells[task]![task]! : null))),
  };
}
