/**
 * `insert ... on conflict do nothing returning id` for any number of rows: written out here, because a query builder
 * takes longer over hundreds of values than the database does.
 */
import { CompiledQuery, type Transaction } from 'kysely';
import type { StoreLocation } from './open.ts';
import type { Tables } from './tables.ts';

/** Statements are kept for up to so many rows: for most commits. */
const MOST_KEPT = 64;

export class InsertMany<Row extends { readonly id: string }> {
  readonly #kind: StoreLocation['kind'];
  readonly #table: keyof Tables;
  readonly #columns: readonly (keyof Row & string)[];
  /** By number of rows. */
  readonly #statements: string[] = [];

  constructor(kind: StoreLocation['kind'], table: keyof Tables, columns: readonly (keyof Row & string)[]) {
    this.#kind = kind;
    this.#table = table;
    this.#columns = columns;
  }

  /** Inserts the rows that no constraint forbids. @returns their ids */
  async run(transaction: Transaction<Tables>, rows: readonly Row[]): Promise<ReadonlySet<string>> {
    const parameters: unknown[] = [];
    for (const row of rows) for (const column of this.#columns) parameters.push(row[column]);
    const query = CompiledQuery.raw(this.#statement(rows.length), parameters) as CompiledQuery<{
      id: string;
    }>;
    const inserted = await transaction.executeQuery(query);
    return new Set(inserted.rows.map(({ id }) => id));
  }

  #statement(rows: number): string {
    const kept = this.#statements[rows];
    if (kept !== undefined) return kept;
    const names = this.#columns.map((column) => `"${column}"`).join(', ');
    let parameter = 0;
    const place = () => (this.#kind === 'postgres' ? `$${++parameter}` : '?');
    const values = Array.from({ length: rows }, () => `(${this.#columns.map(place).join(', ')})`);
    const into = `insert into "${this.#table}" (${names}) values ${values.join(', ')}`;
    const statement = `${into} on conflict do nothing returning "id"`;
    if (rows <= MOST_KEPT) this.#statements[rows] = statement;
    return statement;
  }
}
