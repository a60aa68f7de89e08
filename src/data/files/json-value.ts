/** One JSON value of a file of many: parsed, with what `JSON.parse` passes over in silence. */
import { DataError, type DataLocation } from '../../support/errors.ts';
import { findJsonError } from '../../support/json-syntax.ts';
import type { RowProblem } from '../invalid-row.ts';
import type { DataRecord } from './record.ts';

/** Every string, and whether a colon makes it a name. */
const STRING = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?/gs;

/** @throws {DataError} at `where` for what is no JSON. */
export function jsonRecord(text: string, where: DataLocation & { row: number }): DataRecord {
  const place = { row: where.row, ...(where.line === undefined ? {} : { line: where.line }) };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const problem = `invalid JSON: ${findJsonError(text)?.message ?? (error as Error).message}`;
    throw new DataError(where, problem, { cause: error });
  }
  const problem = repeatedName(text, value);
  return { ...place, value, ...(problem === undefined ? {} : { problem }) };
}

/**
 * `JSON.parse` takes the last of two equal names, others the first: nobody knows which was meant. There are as
 * many names in the text as in the value unless one stands twice in an object.
 */
function repeatedName(text: string, value: unknown): RowProblem | undefined {
  let written = 0;
  for (const match of text.matchAll(STRING)) if (match[2] !== undefined) written++;
  if (written === countNames(value)) return undefined;
  return { field: firstRepeated(text), problem: 'the name stands twice in one object' };
}

function countNames(value: unknown): number {
  let names = 0;
  // A list of what is still to be counted: nesting may be any depth.
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const values: unknown[] = Object.values(next);
    if (!Array.isArray(next)) names += values.length;
    for (const inner of values) if (typeof inner === 'object' && inner !== null) open.push(inner);
  }
  return names;
}

/** Goes through the text's brackets and names, each object with a set of its own. */
function firstRepeated(text: string): string {
  const open: Set<string>[] = [];
  const token = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|[[\]{}]/gs;
  for (const [found, content = '', colon] of text.matchAll(token)) {
    if (found === '{' || found === '[') open.push(new Set());
    else if (found === '}' || found === ']') open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(`"${content}"`) as string;
      if (open.at(-1)?.has(name)) return name;
      open.at(-1)?.add(name);
    }
  }
  return '';
}
