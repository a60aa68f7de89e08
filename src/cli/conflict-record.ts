/** A contradiction as JSON. */
import type { Conflict } from '../learn/conflicts/find.ts';

/** Indices count from 0, as in every file of ours; messages count rows from 1. */
export function conflictRecord({ newRow, earlierRow, task, kind, similarity }: Conflict) {
  return { new_index: newRow, task, accepted_index: earlierRow, kind, similarity };
}
