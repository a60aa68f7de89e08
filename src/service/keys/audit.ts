/** The audit log: who did what that concerns others, in the database beside what it was done to. Without content. */
import type { Kysely } from 'kysely';
import type { Store } from '../store/open.ts';
import { newId, type Tables } from '../store/tables.ts';

export interface AuditEntry {
  readonly actor: string;
  /** Such as `key.add`. */
  readonly action: string;
  readonly target: string;
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

/** @param db a transaction, where the entry belongs to what it tells of */
export async function audit(
  db: Kysely<Tables>,
  { actor, action, target, detail = {} }: AuditEntry,
): Promise<void> {
  const at = Date.now();
  await db
    .insertInto('audit')
    .values({ id: newId('au', at), at, actor, action, target, detail: JSON.stringify(detail) })
    .execute();
}

export interface AuditPage {
  readonly limit: number;
  /** Entries before this one. */
  readonly before?: string | undefined;
}

/** The newest first. */
export async function readAudit({ db }: Store, { limit, before }: AuditPage) {
  let query = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit);
  if (before !== undefined) query = query.where('id', '<', before);
  const rows = await query.execute();
  return rows.map(({ detail, ...row }) => ({ ...row, detail: JSON.parse(detail) as unknown }));
}
