/**
 * A new task's training rows held against those the memory was trained on, before anything is trained. What is found is
 * told, refuses the task, or settles for the new rows: the accepted ones then leave the replay buffer. What they have
 * taught stays in the adapter; `drop` takes a whole task away. [conflicts/ has the search itself]
 */
import * as z from 'zod';
import type { BufferEntry } from '../memory/store/records.ts';
import { preferenceRows } from '../memory/store/rows.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import type { ProgressFactory } from '../support/progress.ts';
import { type AcceptedRow, type Conflict, findConflicts } from './conflicts/find.ts';
import { applyPolicy, conflictPolicies, listConflicts, summary } from './conflicts/policy.ts';
import type { EmbeddingSource } from './conflicts/text-vectors.ts';
import type { NewTask } from './new-task.ts';

export const conflictsSchema = z.strictObject({
  policy: z.enum(conflictPolicies).default('warn'),
  /** Looked for by the base's embeddings too, beside near-duplicates by letters. */
  paraphrases: z.boolean().default(true),
});
export type ConflictSettings = z.output<typeof conflictsSchema>;

export interface Contradictions {
  /** Rows of the new file, and positions in the earlier task's training rows. */
  readonly conflicts: readonly Conflict[];
  /** Of the accepted rows that are not replayed any more. */
  readonly leaving: ReadonlySet<string>;
}

export interface ContradictionOptions {
  /** `null`: nothing is looked for. */
  readonly settings: ConflictSettings | null;
  /** The base's; paraphrases need it. */
  readonly source?: EmbeddingSource | undefined;
  readonly progress?: ProgressFactory | undefined;
  readonly log: (line: string) => void;
}

/** @throws {UserError} listing the contradictions, where the policy is `error` */
export async function contradictionsOf(
  { task, data, rows }: Pick<NewTask, 'task' | 'data' | 'rows'>,
  store: MemoryStore,
  head: Commit,
  { settings, source, progress, log }: ContradictionOptions,
): Promise<Contradictions> {
  if (settings === null) return { conflicts: [], leaving: new Set() };
  const records = await store.tasks(head);
  const texts = await store.rows(records.flatMap(({ train }) => train));
  const accepted = records.flatMap(({ task: name, train }) =>
    preferenceRows(train, texts).map((row): AcceptedRow => ({ task: name, row })),
  );
  const conflicts = findConflicts(rows.train.rows, accepted, {
    ...(settings.paraphrases && source ? { source } : {}),
    ...(progress ? { progress } : {}),
  });
  const byTask = applyPolicy(settings.policy, conflicts, data.file ?? `task ${task}`);
  const leaving = records.flatMap(({ task: name, train }) =>
    (byTask.get(name) ?? []).map((at) => train[at] as string),
  );
  if (conflicts.length > 0) {
    const settled = settings.policy === 'prefer-new' ? '; the accepted ones are not replayed any more' : '';
    log(`warning: task ${task}: ${summary(conflicts)}${settled}\n${listConflicts(conflicts)}`);
  }
  return { conflicts, leaving: new Set(leaving) };
}

/** The buffer without rows that left it. */
export function withoutLeaving(
  buffer: readonly BufferEntry[],
  leaving: ReadonlySet<string>,
): readonly BufferEntry[] {
  return buffer.filter(({ row }) => !leaving.has(row));
}
