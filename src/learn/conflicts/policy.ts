/** What becomes of contradictions: told, refused, or settled for the new rows. */
import { UserError } from '../../support/errors.ts';
import type { Conflict } from './find.ts';

/** `warn`: go on; `error`: refuse the new rows; `prefer-new`: the accepted rows that are contradicted leave. */
export const conflictPolicies = ['warn', 'error', 'prefer-new'] as const;

export type ConflictPolicy = (typeof conflictPolicies)[number];

/** New rows that are listed one by one, unless something else is said. */
const LISTED = 20;

/** Each task's rows that leave the replay buffer, by `index`, ascending; empty unless new rows are preferred. */
export type LeavingRows = ReadonlyMap<string, readonly number[]>;

/**
 * @param file of the new rows, for the message
 * @throws {UserError} listing the conflicts, if there are some and the policy is `error`
 */
export function applyPolicy(
  policy: ConflictPolicy,
  conflicts: readonly Conflict[],
  file: string,
): LeavingRows {
  if (policy === 'error' && conflicts.length > 0) {
    throw new UserError(`${file}: ${summary(conflicts)}\n${listConflicts(conflicts)}`);
  }
  const leaving = new Map<string, number[]>();
  if (policy !== 'prefer-new') return leaving;
  for (const task of new Set(conflicts.map((conflict) => conflict.task))) {
    const rows = new Set(conflicts.filter((one) => one.task === task).map((one) => one.earlierRow));
    leaving.set(
      task,
      [...rows].sort((a, b) => a - b),
    );
  }
  return leaving;
}

/** For example `3 rows contradict 4 accepted ones`. */
export function summary(conflicts: readonly Conflict[]): string {
  const rows = new Set(conflicts.map(({ newRow }) => newRow)).size;
  const accepted = new Set(conflicts.map(({ task, earlierRow }) => JSON.stringify([task, earlierRow]))).size;
  return `${rows} ${rows === 1 ? 'row contradicts' : 'rows contradict'} ${accepted} accepted ${accepted === 1 ? 'one' : 'ones'}`;
}

/** A line for each new row, with the accepted one most like it; rows counted from 1. */
export function listConflicts(conflicts: readonly Conflict[], most = LISTED): string {
  const byRow = new Map<number, Conflict[]>();
  for (const conflict of conflicts) {
    const own = byRow.get(conflict.newRow) ?? [];
    own.push(conflict);
    byRow.set(conflict.newRow, own);
  }
  const lines = Array.from(byRow.values(), (own) => {
    const { newRow, earlierRow, task, kind, similarity } = own.toSorted(closestFirst)[0]!;
    const how = kind === 'lexical' ? 'near-duplicate' : 'paraphrase';
    const others = own.length === 1 ? '' : `, and ${own.length - 1} more`;
    return `  row ${newRow + 1} contradicts row ${earlierRow + 1} of ${task} (${how}, ${similarity.toFixed(2)})${others}`;
  });
  const left = lines.length - most;
  const rest = left > 0 ? [`  and ${left} more ${left === 1 ? 'row' : 'rows'}`] : [];
  return [...lines.slice(0, most), ...rest].join('\n');
}

/** Near-duplicates before paraphrases, whose likeness is another number. */
function closestFirst(one: Conflict, other: Conflict): number {
  return (
    Number(other.kind === 'lexical') - Number(one.kind === 'lexical') || other.similarity - one.similarity
  );
}
