/** The database's clock: the one that all instances share, whatever their own say. */
import { type RawBuilder, sql } from 'kysely';
import type { Store } from './open.ts';

/** Milliseconds since 1970 at the moment the statement runs. */
export function databaseNow({ kind }: Pick<Store, 'kind'>): RawBuilder<number> {
  return kind === 'sqlite'
    ? sql<number>`cast((julianday('now') - 2440587.5) * 86400000 as integer)`
    : sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`;
}
