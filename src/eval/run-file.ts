/** Files that a run left, read and checked: what statistics and reports start from. */
import { parse } from 'yaml';
import type * as z from 'zod';
import { DataError } from '../support/errors.ts';
import { parseJsonFile, readTextFile } from '../support/json.ts';

/** @throws {DataError} naming the file, where it is broken or not what a run writes. */
export async function readRunJson<T>(schema: z.ZodType<T>, file: string): Promise<T> {
  return checked(schema, await parseJsonFile(file), file);
}

/** What was read of a run's file, as `schema` has it. @throws {DataError} naming file, line and field. */
export function checked<T>(schema: z.ZodType<T>, content: unknown, file: string, line?: number): T {
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  const where = line === undefined ? { file } : { file, line };
  throw new DataError(where, `not what a run writes: ${problemOf(result.error)}`);
}

/** A run's `config.yaml`. @throws {DataError} naming the file, where it is no record of a run. */
export async function readRunYaml<T>(schema: z.ZodType<T>, file: string): Promise<T> {
  const text = await readTextFile(file);
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new DataError({ file }, 'not the record of a run: not YAML', { cause: error });
  }
  const record = schema.safeParse(content);
  if (record.success) return record.data;
  throw new DataError({ file }, `not the record of a run: ${problemOf(record.error)}`);
}

function problemOf({ issues }: z.ZodError): string {
  const [first] = issues;
  return first === undefined ? 'unreadable' : `${first.path.join('.') || 'content'}: ${first.message}`;
}
