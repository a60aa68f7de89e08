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

/** Everything about a person: feedback by them, answers to them, and feedback on those answers. */
export async function erasePerson(store: Store, person: string, by: string): Promise<Erased> {
  const erased = await store.db.transaction().execute(async (transaction) => {
    const theirs = transaction.selectFrom('completions').select('id').where('person', '=', person);
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
  const feedback =
    feedbackDays === 0
      ? null
      : await store.db
          .deleteFrom('feedback')
          .where('at', '<', now - feedbackDays * DAY)
          .executeTakeFirst();
  const erased = {
    completions: Number(completions.numDeletedRows),
    feedback: Number(feedback?.numDeletedRows ?? 0),
  };
  if (erased.completions + erased.feedback > 0) await forgetLog(store);
  return erased;
}

/** SQLite overwrites what is deleted in the database; its write-ahead log still has the old pages until it is cut. */
async function forgetLog({ db, kind }: Store): Promise<void> {
  if (kind === 'sqlite') await sql`pragma wal_checkpoint(TRUNCATE)`.execute(db);
}
