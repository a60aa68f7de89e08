/** Field-by-field reading of a model's `config.json`, with errors that name file and field. */
import { DataError } from '../support/errors.ts';

export interface ConfigReader {
  /** A field that is `null` counts as absent, everywhere. */
  has(field: string): boolean;
  /** Each getter throws DataError where the field is missing (without a default) or of another type. */
  text(field: string, absent?: string): string;
  boolean(field: string, absent: boolean): boolean;
  number(field: string, absent?: number): number;
  /** A number above zero. */
  positive(field: string, absent?: number): number;
  /** A whole number above zero; the default is returned as it is. */
  count(field: string, absent?: number): number;
  optionalCount(field: string): number | null;
  /** A list of numbers, or `null`. */
  numbers(field: string): readonly number[] | null;
  /** A nested object, or `null`. */
  section(field: string): ConfigReader | null;
  fail(field: string, problem: string): never;
}

/** @throws DataError when `json` is not an object */
export function configReader(json: unknown, file: string, prefix = ''): ConfigReader {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    const location = prefix === '' ? { file } : { file, field: prefix.slice(0, -1) };
    throw new DataError(location, 'expected an object');
  }
  const fields = new Map(Object.entries(json).filter(([, value]) => value !== null));
  const fail = (field: string, problem: string): never => {
    throw new DataError({ file, field: prefix + field }, problem);
  };
  const read = <T>(
    field: string,
    expected: string,
    accept: (value: unknown) => value is T,
    absent: T | undefined,
  ): T => {
    const value: unknown = fields.get(field);
    if (value === undefined)
      return absent === undefined ? fail(field, `is missing; expected ${expected}`) : absent;
    return accept(value)
      ? value
      : fail(field, `${JSON.stringify(value)?.slice(0, 80)}; expected ${expected}`);
  };
  const count = (field: string, absent?: number) => read(field, 'a whole number above 0', isCount, absent);
  return {
    fail,
    has: (field) => fields.has(field),
    text: (field, absent) => read(field, 'a string', isText, absent),
    boolean: (field, absent) => read(field, 'true or false', isBoolean, absent),
    number: (field, absent) => read(field, 'a number', isNumber, absent),
    positive: (field, absent) => read(field, 'a number above 0', isPositive, absent),
    count,
    optionalCount: (field) => (fields.has(field) ? count(field) : null),
    numbers: (field) => (fields.has(field) ? read(field, 'a list of numbers', isNumbers, undefined) : null),
    section: (field) =>
      fields.has(field) ? configReader(fields.get(field), file, `${prefix}${field}.`) : null,
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isNumber);
}

function isPositive(value: unknown): value is number {
  return isNumber(value) && value > 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
