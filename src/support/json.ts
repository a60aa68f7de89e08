/** Reading JSON from files people write: every problem names the file and the line. */
import { readFile } from 'node:fs/promises';
import { DataError } from './errors.ts';
import { fileError } from './file-error.ts';
import { findJsonError } from './json-syntax.ts';

/**
 * The parsed content of a JSON file.
 * @throws {DataError} with the line of a syntax error, or when the file is not UTF-8 text.
 * @throws {UserError} when the file cannot be read.
 */
export async function parseJsonFile(path: string): Promise<unknown> {
  return parseJson(await readTextFile(path), path);
}

/** A whole text file; a byte order mark is dropped. Bytes that are not UTF-8 are an error, not U+FFFD. */
export async function readTextFile(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof TypeError) throw new DataError({ file: path }, 'the file is not UTF-8 text');
    throw fileError(error, path, 'read');
  }
}

/**
 * Parses `text`, which starts at line `firstLine` (counted from 1) of `file`.
 * @throws {DataError} with the line, and the row if the text is an array and breaks inside it.
 */
export function parseJson(text: string, file: string, firstLine = 1): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const found = findJsonError(text);
    if (found === undefined) throw error;
    const before = text.slice(0, found.offset);
    const line = firstLine + (before.match(/\n/g)?.length ?? 0);
    const row = found.element === undefined ? {} : { row: found.element };
    throw new DataError({ file, line, ...row }, `invalid JSON: ${found.message}`, { cause: error });
  }
}
