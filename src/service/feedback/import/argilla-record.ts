/**
 * Argilla's records in one form. The Python client writes them in two: nested (`to_json`, `to_list`, `to_disk`), and
 * flat (`to_datasets`, `to_list(flatten=True)`), where a question's answers are columns. Names of fields and questions
 * are those that whoever made the data set gave them. Only the flat form says whether an answer was submitted.
 */
import * as z from 'zod';
import { isObject } from '../../../data/invalid-row.ts';
import { problemOf } from './importer.ts';

export interface ArgillaResponse {
  readonly question: string;
  readonly value: unknown;
  readonly user: string | null;
  /** `submitted`, `draft` or `discarded`; null where it is not told. */
  readonly status: string | null;
}

export interface ArgillaRecord {
  readonly id: string;
  /** Texts, or lists of chat messages. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly responses: readonly ArgillaResponse[];
  /** By question. */
  readonly suggestions: Readonly<Record<string, unknown>>;
}

const answer = z.looseObject({ value: z.unknown(), user_id: z.string().nullish() });
const nested = z.looseObject({
  id: z.string().min(1),
  fields: z.record(z.string(), z.unknown()),
  responses: z.record(z.string(), z.array(answer)),
  suggestions: z.record(z.string(), z.looseObject({ value: z.unknown() }).nullable()).nullish(),
});
const flat = z.looseObject({ id: z.string().min(1) });

const RESPONSES = '.responses';
const SUGGESTION = '.suggestion';
/** Columns of the flat form that are neither fields nor metadata. */
const OWN = ['status', '_server_id'];

export function isNested(value: unknown): boolean {
  return isObject(value) && 'fields' in value && 'responses' in value && 'suggestions' in value;
}

export function isFlat(value: unknown): boolean {
  return isObject(value) && Object.keys(value).some((name) => name.endsWith(RESPONSES));
}

/** A text: what is wrong with it, beginning with the field. */
export function argillaRecord(value: unknown): ArgillaRecord | string {
  return isNested(value) ? ofNested(value) : ofFlat(value);
}

function ofNested(value: unknown): ArgillaRecord | string {
  const parsed = nested.safeParse(value);
  if (!parsed.success) return problemOf(parsed.error);
  const { id, fields, responses, suggestions } = parsed.data;
  return {
    ...{ id, fields },
    responses: Object.entries(responses).flatMap(([question, answers]) =>
      answers.map((one) => ({ question, value: one.value, user: one.user_id ?? null, status: null })),
    ),
    suggestions: Object.fromEntries(
      Object.entries(suggestions ?? {}).map(([question, suggestion]) => [question, suggestion?.value]),
    ),
  };
}

function ofFlat(value: unknown): ArgillaRecord | string {
  const parsed = flat.safeParse(value);
  if (!parsed.success) return problemOf(parsed.error);
  const { id, ...columns } = parsed.data;
  const responses: ArgillaResponse[] = [];
  const suggestions: Record<string, unknown> = {};
  const fields: Record<string, unknown> = {};
  for (const [name, column] of Object.entries(columns)) {
    if (name.endsWith(SUGGESTION)) suggestions[name.slice(0, -SUGGESTION.length)] = column;
    else if (!name.includes('.') && !OWN.includes(name)) fields[name] = column;
    if (!name.endsWith(RESPONSES) || column == null) continue;
    if (!Array.isArray(column)) {
      return `${name}: expected a list; export JSON or Parquet, CSV keeps no lists`;
    }
    const [users, statuses] = [columns[`${name}.users`], columns[`${name}.status`]];
    column.forEach((one, at) => {
      const [user, status] = [textAt(users, at), textAt(statuses, at)];
      // Parquet's whole numbers may be of 64 bits.
      const value = typeof one === 'bigint' ? Number(one) : one;
      responses.push({ question: name.slice(0, -RESPONSES.length), value, user, status });
    });
  }
  return { id, fields, responses, suggestions };
}

function textAt(list: unknown, at: number): string | null {
  const one = Array.isArray(list) ? (list[at] as unknown) : null;
  return typeof one === 'string' && one !== 'None' ? one : null;
}
