/** Each task as it was right after it was learned: the result matrix's diagonal, taken for a last row. */
import type { RunResults } from '../../eval/comparison/index.ts';

/**
 * The results with every task measured when it was learned and not later, so that Last is the mean over the diagonal.
 * It is what single-task learning is compared by, which has no stream, and what a method learned at all.
 */
export function onDiagonal(results: RunResults): RunResults {
  const end = results.tasks.length - 1;
  const moved = <T>(cells: readonly (readonly T[])[]) =>
    cells.map((row, at) => row.map((_, task) => (at === end ? cells[task]![task]! : null)));
  return { ...results, scores: moved(results.scores), judged: moved(results.judged) };
}
