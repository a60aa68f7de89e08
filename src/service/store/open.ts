/**
 * The service's database: a SQLite file, or PostgreSQL where several instances share one. What a transaction has
 * committed is on disk: SQLite syncs its write-ahead log at every commit (`synchronous = FULL`), PostgreSQL too
 * (`synchronous_commit = on`), whatever its configuration says.
 */
import { open } from 'node:fs/promises';
import {
  Kysely,
  Migrator,
  PostgresDialect,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteStatement,
} from 'kysely';
import { UserError } from '../../support/errors.ts';
import { errorCode, fileError } from '../../support/file-error.ts';
import { GroupCommit } from './group-commit.ts';
import { migrations } from './migrations.ts';
import type { Tables } from './tables.ts';

export interface Store {
  readonly db: Kysely<Tables>;
  /** Writes that wait for each other's commit, many at a time. */
  readonly writes: GroupCommit;
  readonly kind: StoreLocation['kind'];
  /** For people: without a password. */
  readonly shown: string;
  close(): Promise<void>;
}

export type StoreLocation =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string };

/** Milliseconds for which a writer waits for another process's. */
const BUSY = 10_000;
const CONNECTIONS = 8;
/** Statements that SQLite keeps ready: those of every request, and of commits of up to some dozens of rows. */
const MOST_PREPARED = 200;
/** PostgreSQL's type of 64-bit integers: times fit a number. */
const INT8 = 20;

/** Where the environment's DATABASE_URL, or else the file, says. @throws {UserError} for a URL of another database */
export function storeLocation(file: string, databaseUrl: string | undefined): StoreLocation {
  if (!databaseUrl) return { kind: 'sqlite', file };
  if (/^postgres(ql)?:\/\//.test(databaseUrl)) return { kind: 'postgres', url: databaseUrl };
  // It may hold a password: nothing of it is shown.
  throw new UserError('DATABASE_URL: expected postgres://..., or leave it unset for a SQLite file');
}

/** Opens the database, and brings its schema up to date. @throws {UserError} where it cannot be used */
export async function openStore(location: StoreLocation): Promise<Store> {
  const shown = shownName(location);
  const dialect = location.kind === 'sqlite' ? await sqlite(location.file) : await postgres(location.url);
  const db = new Kysely<Tables>({ dialect });
  try {
    const { error } = await new Migrator({ db, provider: migrations }).migrateToLatest();
    if (error) throw error;
  } catch (error) {
    await db.destroy().catch(() => {});
    throw unusable(shown, error);
  }
  const writes = new GroupCommit(db);
  return {
    db,
    writes,
    kind: location.kind,
    shown,
    async close() {
      await writes.close();
      await db.destroy();
    },
  };
}

async function sqlite(file: string): Promise<SqliteDialect> {
  const { default: Database } = await import('libsql');
  try {
    // Made here, so that from the first byte others on the machine cannot read it; its log gets the same mode.
    await (await open(file, 'a', 0o600)).close();
    const database = new Database(file);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma(`busy_timeout = ${BUSY}`);
    // Deleted content is overwritten, not just unlinked.
    database.pragma('secure_delete = ON');
    return new SqliteDialect({ database: preparedOnce(database) });
  } catch (error) {
    throw unusable(file, error);
  }
}

/** Statements are made ready by their text, once; Kysely asks for one anew with every query. */
function preparedOnce(database: SqliteDatabase): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    prepare(text) {
      const known = prepared.get(text);
      if (known) return known;
      const statement = database.prepare(text);
      prepared.set(text, statement);
      const [oldest = ''] = prepared.keys();
      if (prepared.size > MOST_PREPARED) prepared.delete(oldest);
      return statement;
    },
    close() {
      prepared.clear();
      database.close();
    },
  };
}

async function postgres(url: string): Promise<PostgresDialect> {
  const { default: pg } = await import('pg');
  const types = {
    getTypeParser: (id: number, format?: 'text' | 'binary') =>
      id === INT8 ? Number : pg.types.getTypeParser(id, format as 'text'),
  };
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    types,
    options: '-c synchronous_commit=on',
  });
  // A connection that breaks while nobody uses it is replaced; whoever uses one is told.
  pool.on('error', () => {});
  return new PostgresDialect({ pool });
}

function shownName(location: StoreLocation): string {
  if (location.kind === 'sqlite') return location.file;
  if (!URL.canParse(location.url)) return 'the database of DATABASE_URL';
  const { host, pathname } = new URL(location.url);
  return `PostgreSQL at ${host}${pathname}`;
}

function unusable(shown: string, error: unknown): unknown {
  if (error instanceof UserError) return error;
  const system = fileError(error, shown, 'write');
  if (system instanceof UserError) return system;
  const problem = error instanceof Error ? error.message : String(error);
  const code = errorCode(error);
  return new UserError(`${shown}: the database cannot be used: ${problem || code}`, { cause: error });
}
