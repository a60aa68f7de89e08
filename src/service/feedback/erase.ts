/** Deletion for good: of what is about a person, and of what has been kept for long enough. */
import { sql } from 'kysely';
import { sha256 } from '../../support/hash.ts';
import { audit } from '../keys/audit.ts';
import type { Store } from '../store/open.ts';
import type { FeedbackPolicy } from './feedback-store.ts';

const DAY = 86_400_000;

export interface Erased {
  readonly feedback: number;
  readonly completions: number;
}

export interface ErasedPerson extends Erased {
  /** Of the feedback, pieces that a memory was trained on: `memory forget` and `memory drop` are for those. */
  readonly learned: number;
}

/** Everything about a person: feedback by them, answers to them, and feedback on those answers. */
export async function erasePerson(store: Store, person: string, by: string): Promise<ErasedPerson> {
  const erased = await store.db.transaction().execute(async (transaction) => {
    const theirs = transaction.selectFrom('completions').select('id').where('person', '=', person);
    const about = transaction
      .selectFrom('feedback')
      .select('id')
      .where(({ eb, or }) => or([eb('person', '=', person), eb('completion_id', 'in', theirs)]));
    const learned = await transaction
      .selectFrom('learner_feedback as taken')
      .innerJoin('learner_tasks as task', 'task.id', 'taken.task_id')
      .select(({ fn }) => fn.count('taken.feedback_id').distinct().as('count'))
      .where('taken.feedback_id', 'in', about)
      .where('task.version', 'is not', null)
      .executeTakeFirstOrThrow();
    await transaction.deleteFrom('learner_feedback').where('feedback_id', 'in', about).execute();
    await transaction
      .deleteFrom('learner_comparisons')
      .where(({ eb, or }) => or([eb('person', '=', person), eb('completion_id', 'in', theirs)]))
      .execute();
    const feedback = await transaction
      .deleteFrom('feedback')
      .where(({ eb, or }) => or([eb('person', '=', person), eb('completion_id', 'in', theirs)]))
      .executeTakeFirst();
    const completions = await transaction
      .deleteFrom('completions')
      .where('person', '=', person)
      .executeTakeFirst();
    const counts = {
      feedback: Number(feedback.numDeletedRows),
      completions: Number(completions.numDeletedRows),
      learned: Number(learned.count),
    };
    // Whose it was must not live on in the log; that it was done, must.
    const target = `person sha256:${sha256([person]).slice(0, 16)}`;
    await audit(transaction, { actor: by, action: 'person.erase', target, detail: counts });
    return counts;
  });
  await forgetLog(store);
  return erased;
}

/** What is older than the policy keeps. */
export async function eraseOld(store: Store, { keptDays, feedbackDays }: FeedbackPolicy): Promise<Erased> {
  const now = Date.now();
  const completions = await store.db
    .deleteFrom('completions')
    .where('at', '<', now - keptDays * DAY)
    .executeTakeFirst();
  // Answers to prompts that are gone.
  await store.db
    .deleteFrom('learner_comparisons')
    // Not `not in`: that is true of nothing once an id is null, which SQLite takes for a key of text.
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('completions as kept')
            .select('kept.id')
            .whereRef('kept.id', '=', 'learner_comparisons.completion_id'),
        ),
      ),
    )
    .execute();
  const feedback = feedbackDays === 0 ? null : await eraseOldFeedback(store, now - feedbackDays * DAY);
  const erased = {
    completions: Number(completions.numDeletedRows),
    feedback: Number(feedback?.numDeletedRows ?? 0),
  };
  if (erased.completions + erased.feedback > 0) await forgetLog(store);
  return erased;
}

/** What hashes of it stand beside it goes with it. */
function eraseOldFeedback({ db }: Store, before: number) {
  return db.transaction().execute(async (transaction) => {
    const old = transaction.selectFrom('feedback').select('id').where('at', '<', before);
    await transaction.deleteFrom('learner_feedback').where('feedback_id', 'in', old).execute();
    return transaction.deleteFrom('feedback').where('at', '<', before).executeTakeFirst();
  });
}

/** SQLite overwrites what is deleted in the database; its write-ahead log still has the old pages until it is cut. */
async function forgetLog({ db, kind }: Store): Promise<void> {
  if (kind === 'sqlite') await sql`pragma wal_checkpoint(TRUNCATE)`.execute(db);
}
