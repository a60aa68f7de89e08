/** Typed reading of a GGUF file's metadata, with errors that name the file and the key. */
import { UserError } from '../../support/errors.ts';
import type { GgufFile, GgufValue } from './types.ts';

export interface GgufMetadata {
  has(key: string): boolean;
  /** Each getter throws UserError where the key is missing (without a default) or of another type. */
  text(key: string, absent?: string): string;
  number(key: string, absent?: number): number;
  /** A whole number, at least `least`. */
  count(key: string, least: number, absent?: number): number;
  boolean(key: string, absent: boolean): boolean;
  texts(key: string): readonly string[];
  numbers(key: string): readonly number[];
  fail(key: string, problem: string): never;
}

export function metadataOf(file: GgufFile): GgufMetadata {
  const fail = (key: string, problem: string): never => {
    throw new UserError(`${file.path}: metadata "${key}": ${problem}`);
  };
  const read = <T extends GgufValue>(
    key: string,
    expected: string,
    accept: (value: GgufValue) => value is T,
    absent?: T,
  ): T => {
    const value = file.metadata.get(key);
    if (value === undefined && absent !== undefined) return absent;
    if (value === undefined) return fail(key, `is missing; expected ${expected}`);
    return accept(value) ? value : fail(key, `expected ${expected}`);
  };
  return {
    fail,
    has: (key) => file.metadata.has(key),
    text: (key, absent) => read(key, 'a string', isString, absent),
    number: (key, absent) => read(key, 'a finite number', isFiniteNumber, absent),
    count(key, least, absent) {
      const expected = `a whole number of at least ${least}`;
      const value = read(key, expected, isFiniteNumber, absent);
      return Number.isSafeInteger(value) && value >= least ? value : fail(key, `expected ${expected}`);
    },
    boolean: (key, absent) => read(key, 'a boolean', isBoolean, absent),
    texts: (key) => read(key, 'a list of strings', isListOf(isString)),
    numbers: (key) => read(key, 'a list of numbers', isListOf(isFiniteNumber)),
  };
}

function isString(value: GgufValue): value is string {
  return typeof value === 'string';
}

function isFiniteNumber(value: GgufValue): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isBoolean(value: GgufValue): value is boolean {
  return typeof value === 'boolean';
}

function isListOf<T extends string | number>(accept: (item: GgufValue) => item is T) {
  return (value: GgufValue): value is readonly T[] =>
    Array.isArray(value) && value.every((item) => accept(item));
}
