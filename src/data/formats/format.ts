/**
 * What there is to know of one shape that preference data comes in: its name, how it is recognised, and how a
 * record of it becomes raw rows {prompt, chosen, rejected}, which parse-row.ts then checks like any other.
 */
import { type Fields, InvalidRow, isGiven, isObject, kindOf } from '../invalid-row.ts';

export interface Format {
  readonly name: string;
  /** The fields as its own documentation shows them, and whose it is. */
  readonly description: string;
  /** Why these fields are of this shape; nothing if they are not. A shape that is only read when asked for has none. */
  readonly recognise?: (fields: Fields) => string | undefined;
  /** @throws {InvalidRow} for a record that lacks what the shape needs. */
  readonly read: (fields: Fields, options: ReadingOptions) => Reading;
  /** What the parts of a raw row are called in the file, for messages. */
  readonly names?: Readonly<Record<string, string>>;
}

export interface ReadingOptions {
  /** Of several rated answers: the best against the worst, or every pair of different ratings. */
  readonly pairs: 'best-worst' | 'all';
  /** The least difference of the ratings of a pair. */
  readonly margin: number;
}

export const defaultReading: ReadingOptions = { pairs: 'best-worst', margin: 0 };

export type Reading =
  /** Raw rows; of several rated answers there may be none or many. `unused` says why there are none. */
  | { readonly kind: 'pairs'; readonly pairs: readonly Fields[]; readonly unused?: string }
  /** One answer, liked or not: a row once the same prompt has one of the other kind. */
  | { readonly kind: 'labelled'; readonly fields: Fields; readonly liked: boolean };

/** One raw row. */
export function onePair(fields: Fields): Reading {
  return { kind: 'pairs', pairs: [fields] };
}

export function has(fields: Fields, ...names: readonly string[]): boolean {
  return names.every((name) => isGiven(fields[name]));
}

/** The first of `names` that the record has. */
export function firstOf(fields: Fields, names: readonly string[]): string | undefined {
  return names.find((name) => isGiven(fields[name]));
}

/** The prompt as it stands there, under one of these names. */
export function promptField(fields: Fields, names: readonly string[] = ['prompt', 'query']): unknown {
  const name = firstOf(fields, names);
  if (name === undefined) throw new InvalidRow(names[0] ?? '', `missing; expected ${names.join(' or ')}`);
  return fields[name];
}

/** @throws {InvalidRow} unless it is a text or absent (null). */
export function optionalText(fields: Fields, name: string | undefined): string | null {
  const value = name === undefined ? null : fields[name];
  if (!isGiven(value)) return null;
  if (typeof value === 'string') return value;
  throw new InvalidRow(name ?? '', `expected a text, found ${kindOf(value)}`);
}

export function objectField(fields: Fields, name: string): Fields {
  const value = fields[name];
  if (isObject(value)) return value;
  throw new InvalidRow(name, `expected an object, found ${kindOf(value)}`);
}

export function listField(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (Array.isArray(value)) return value;
  throw new InvalidRow(name, `expected a list, found ${kindOf(value)}`);
}

/** A number, a big one of Parquet's, or one that CSV holds as a text; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string' || !/^[+-]?\d+(\.\d*)?$/.test(value.trim())) return undefined;
  return Number(value);
}
