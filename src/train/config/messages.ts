/** What is wrong with a config, said so that it can be found and mended. */
import * as z from 'zod';
import { DataError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { isTree } from './overrides.ts';

type Issue = z.core.$ZodIssue;

/** The first problem of a config as an error naming file and key. Unknown keys come first: the rest may follow from them. */
export function configError(
  file: string,
  schema: z.ZodType,
  tree: unknown,
  issues: readonly Issue[],
): DataError {
  const issue = issues.find((candidate) => candidate.code === 'unrecognized_keys') ?? issues[0];
  if (!issue) throw new RangeError('expected at least one issue');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = keysAt(schema, issue.path, tree);
    const field = [...issue.path, key].join('.');
    return new DataError(
      { file, field },
      `unknown key; expected one of ${known.join(', ')}.${didYouMean(key, known)}`,
    );
  }
  const field = issue.path.join('.');
  return new DataError(field === '' ? { file } : { file, field }, describe(issue, valueAt(tree, issue.path)));
}

function describe(issue: Issue, value: unknown): string {
  if (value === undefined)
    return issue.message.replace(/^.*?: (expected .*), received undefined$/, 'missing; $1');
  // zod says "Too small: expected number to be >0"; what was expected is the part worth reading.
  const expected = issue.message.replace(/^[A-Z][a-z ]*: /, '');
  return `${expected}, found ${shown(value)}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let here = tree;
  for (const part of path) {
    if (Array.isArray(here)) here = here[Number(part)];
    else if (isTree(here)) here = here[String(part)];
    else return undefined;
  }
  return here;
}

/** The keys a schema knows in the mapping at `path`. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[], tree: unknown): string[] {
  let here: unknown = schema;
  for (const part of path) {
    here = unwrap(here);
    if (here instanceof z.ZodArray) here = here.element;
    else if (here instanceof z.ZodObject) here = (here.shape as Record<string, unknown>)[String(part)];
    else return [];
  }
  here = optionOf(unwrap(here), valueAt(tree, path));
  return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
}

/** Of kinds that a name tells apart, the one that the mapping names. */
function optionOf(schema: unknown, value: unknown): unknown {
  if (!(schema instanceof z.ZodDiscriminatedUnion) || !isTree(value)) return schema;
  return schema.options.find((option) => option instanceof z.ZodObject && hasName(option, value['name']));
}

function hasName({ shape }: z.ZodObject, name: unknown): boolean {
  return shape['name'] instanceof z.ZodLiteral && shape['name'].value === name;
}

function unwrap(schema: unknown): unknown {
  let here = schema;
  while (here instanceof z.ZodDefault || here instanceof z.ZodPrefault || here instanceof z.ZodNullable) {
    here = here.unwrap();
  }
  return here;
}
