/** The schema's history. A migration that was released never changes; what is new comes as another one. */
import type { Kysely, Migration, MigrationProvider } from 'kysely';

const first: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('settings')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('value', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('api_keys')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('roles', 'text', (column) => column.notNull())
      .addColumn('hash', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('revoked_at', 'bigint')
      .execute();
    await db.schema
      .createTable('audit')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('target', 'text', (column) => column.notNull())
      .addColumn('detail', 'text', (column) => column.notNull())
      .execute();
  },
};

const feedback: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('completions')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('model', 'text', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('person', 'text')
      .addColumn('messages', 'text', (column) => column.notNull())
      .addColumn('answers', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('feedback')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('person', 'text')
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('completion_id', 'text')
      .addColumn('model', 'text')
      .addColumn('prompt', 'text')
      .addColumn('answer', 'text')
      .addColumn('chosen', 'text')
      .addColumn('rejected', 'text')
      .addColumn('rating', 'integer')
      .addColumn('comment', 'text')
      .addColumn('tags', 'text', (column) => column.notNull())
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('content_hash', 'text', (column) => column.notNull())
      .addColumn('subject_hash', 'text', (column) => column.notNull())
      .addColumn('decided_at', 'bigint')
      .addColumn('decided_by', 'text')
      .addColumn('idempotency_key', 'text')
      .addColumn('request_hash', 'text')
      // Rows without a key are never equal in it.
      .addUniqueConstraint('feedback_idempotency', ['source', 'idempotency_key'])
      .execute();
    const index = (table: string, name: string, columns: readonly string[]) =>
      db.schema
        .createIndex(`${table}_${name}`)
        .on(table)
        .columns([...columns])
        .execute();
    await index('completions', 'at', ['at']);
    await index('completions', 'person', ['person']);
    await index('feedback', 'queue', ['status', 'id']);
    await index('feedback', 'content', ['content_hash', 'status']);
    await index('feedback', 'subject', ['subject_hash']);
    await index('feedback', 'person', ['person', 'at']);
    await index('feedback', 'source', ['source', 'at']);
  },
};

/** By name, in whose order they are applied. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '001-keys-and-audit': first,
  '002-feedback': feedback,
};

export const migrations: MigrationProvider = { getMigrations: async () => ({ ...MIGRATIONS }) };
