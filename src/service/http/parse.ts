/** Values from outside, checked against a schema, with errors that name the field as OpenAI's do. */
import type * as z from 'zod';
import { type ApiError, invalid } from '../api-error.ts';

/** @throws {ApiError} 400 naming the first field that is wrong */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw problemOf(parsed.error.issues[0] as z.core.$ZodIssue);
}

function problemOf(issue: z.core.$ZodIssue): ApiError {
  const field = fieldOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const unknown = fieldOf([...issue.path, String(issue.keys[0]).slice(0, 100)]);
    return invalid(`unrecognized field: ${unknown}`, unknown, 'unknown_parameter');
  }
  return invalid(field === '' ? issue.message : `${field}: ${issue.message}`, field || undefined);
}

/** `messages[0].content` */
function fieldOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}
