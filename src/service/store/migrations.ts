/** The schema's history. A migration that was released never changes; what is new comes as another one. */
import { type Kysely, type Migration, type MigrationProvider, sql } from 'kysely';

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

const learner: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('learner')
      .addColumn('memory', 'text', (column) => column.primaryKey())
      .addColumn('root', 'text', (column) => column.notNull())
      .addColumn('owner', 'text')
      .addColumn('token', 'bigint', (column) => column.notNull())
      .addColumn('until', 'bigint', (column) => column.notNull())
      .addColumn('paused', 'integer', (column) => column.notNull())
      .addColumn('serving', 'integer', (column) => column.notNull())
      .addColumn('requested_by', 'text')
      .addColumn('progress', 'text')
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('learner_tasks')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('memory', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('state_at', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('trigger', 'text', (column) => column.notNull())
      .addColumn('feedback', 'integer', (column) => column.notNull())
      .addColumn('rows', 'integer', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addColumn('failures', 'integer', (column) => column.notNull())
      .addColumn('data_hash', 'text')
      .addColumn('from_version', 'integer')
      .addColumn('version', 'integer')
      .addColumn('commit_hash', 'text')
      .addColumn('error', 'text')
      .addColumn('reason', 'text')
      .addColumn('gate', 'text')
      .addColumn('canary', 'text')
      .execute();
    await db.schema
      .createTable('learner_feedback')
      .addColumn('feedback_id', 'text', (column) => column.notNull())
      .addColumn('content_hash', 'text', (column) => column.notNull())
      .addColumn('task_id', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      // A piece of feedback can be part of one task only.
      .addPrimaryKeyConstraint('learner_feedback_piece', ['feedback_id', 'content_hash'])
      .execute();
    await db.schema
      .createTable('learner_comparisons')
      .addColumn('task_id', 'text', (column) => column.notNull())
      .addColumn('position', 'integer', (column) => column.notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('completion_id', 'text', (column) => column.notNull())
      .addColumn('person', 'text')
      .addColumn('prompt', 'text', (column) => column.notNull())
      .addColumn('serving_text', 'text')
      .addColumn('serving_tokens', 'integer', (column) => column.notNull())
      .addColumn('candidate_text', 'text')
      .addColumn('candidate_tokens', 'integer', (column) => column.notNull())
      .addColumn('similarity', 'double precision', (column) => column.notNull())
      .addColumn('reward', 'double precision')
      .addPrimaryKeyConstraint('learner_comparisons_key', ['task_id', 'position'])
      .execute();
    await db.schema
      .createTable('learner_traffic')
      .addColumn('task_id', 'text', (column) => column.notNull())
      .addColumn('instance', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('answers', 'integer', (column) => column.notNull())
      .addColumn('errors', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint('learner_traffic_key', ['task_id', 'instance', 'version'])
      .execute();
    await db.schema
      .createTable('learner_decisions')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('memory', 'text', (column) => column.notNull())
      .addColumn('task_id', 'text')
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('from_state', 'text')
      .addColumn('to_state', 'text')
      .addColumn('detail', 'text', (column) => column.notNull())
      .execute();
    const index = (table: string, name: string, columns: readonly string[]) =>
      db.schema
        .createIndex(`${table}_${name}`)
        .on(table)
        .columns([...columns])
        .execute();
    await index('learner_tasks', 'state', ['memory', 'state']);
    await index('learner_feedback', 'task', ['task_id']);
    await index('learner_comparisons', 'completion', ['completion_id']);
    await index('learner_decisions', 'task', ['task_id']);
    // The live signal: ratings of a version since a moment.
    await index('feedback', 'model', ['model', 'at']);
  },
};

const attempts: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('learner_tasks')
      .addColumn('stops', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
    await db.schema.alterTable('learner_tasks').addColumn('retry_at', 'bigint').execute();
    // Until now nobody told what was stopped from what was killed.
    await sql`update learner_tasks set stops = attempts - failures`.execute(db);
  },
};

const waitingThumbs: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('feedback').addColumn('learner_seen', 'integer').execute();
    await db.schema.alterTable('feedback').addColumn('waits_on', 'text').execute();
    await db.schema
      .createIndex('feedback_unseen')
      .on('feedback')
      .columns(['status', 'learner_seen', 'kind'])
      .execute();
    await db.schema
      .createIndex('feedback_waiting')
      .on('feedback')
      .columns(['waits_on', 'status'])
      .where('waits_on', 'is not', null)
      .execute();
    await sql`update feedback set learner_seen = 1 where exists (
      select 1 from learner_feedback as taken
      where taken.feedback_id = feedback.id and taken.content_hash = feedback.content_hash
    )`.execute(db);
  },
};

/** By name, in whose order they are applied. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '001-keys-and-audit': first,
  '002-feedback': feedback,
  '003-learner': learner,
  '004-attempts': attempts,
  '005-waiting-thumbs': waitingThumbs,
};

export const migrations: MigrationProvider = { getMigrations: async () => ({ ...MIGRATIONS }) };
