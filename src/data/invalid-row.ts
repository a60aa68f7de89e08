/** What can be wrong with one row, and how the functions that read rows say so. */

/** What is wrong with a row, and in which field. */
export interface RowProblem {
  readonly field: string;
  readonly problem: string;
}

/** A row as JSON, CSV or Parquet gives it, before anything is known of it. */
export type Fields = Readonly<Record<string, unknown>>;

/** Thrown where a row is read; `caught` makes it the row's problem. */
export class InvalidRow extends Error {
  readonly field: string;

  constructor(field: string, problem: string) {
    super(problem);
    this.field = field;
  }
}

/** What `read` gives, or the problem it threw. Whether an invalid row is an error is the caller's choice. */
export function caught<T>(read: () => T): T | RowProblem {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidRow) return { field: error.field, problem: error.message };
    throw error;
  }
}

export function isProblem(value: object): value is RowProblem {
  return 'problem' in value;
}

/** Columnar formats write absent fields as null. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value's kind, for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A short text as it is, else its kind. */
export function shown(value: unknown): string {
  return typeof value === 'string' && value.length <= 40 ? JSON.stringify(value) : kindOf(value);
}
