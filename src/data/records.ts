/**
 * The first step of the data's way: a file becomes a list of raw records. Whether it is a JSON array or
 * JSONL is decided by its content, not its name. What a record must hold is decided further on.
 */
import { constants } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { DataError } from '../support/errors.ts';
import { fileError } from '../support/file-error.ts';
import { sha256 } from '../support/hash.ts';
import { parseJson } from '../support/json.ts';
import { findJsonError } from '../support/json-syntax.ts';
import { isBuiltinSource, readBuiltinSource } from './builtin/source.ts';

export interface DataRecord {
  /** Counted from 1; blank lines of a JSONL file are no rows. */
  readonly row: number;
  /** The line in a JSONL file, counted from 1. */
  readonly line?: number;
  readonly value: unknown;
}

export interface RecordFile {
  readonly format: 'json' | 'jsonl';
  readonly records: readonly DataRecord[];
  /** Of the file's bytes. */
  readonly sha256: string;
}

const SHAPE = 'expected a JSON array of rows, or JSONL with one row (a JSON object) per line';

/**
 * Reads a JSON array or JSONL file, or built-in rows by name; a byte order mark is passed over.
 * @throws {UserError} for a file that cannot be read; {DataError} for one that is too big, not UTF-8,
 *   broken (with the line), or holds no rows.
 */
export async function readRecords(file: string): Promise<RecordFile> {
  if (isBuiltinSource(file)) return builtinRecords(file);
  const bytes = await readBytes(file);
  const text = decodeUtf8(bytes, file);
  const start = text.match(/\S/)?.[0];
  if (start === undefined) throw new DataError({ file }, `the file is empty; ${SHAPE}`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const parsed = start === '[' ? parseArray(text, file) : parseLines(text, file);
  if (parsed.records.length === 0) throw new DataError({ file }, `no rows; ${SHAPE}`);
  return { ...parsed, sha256 };
}

function builtinRecords(source: string): RecordFile {
  const rows = readBuiltinSource(source);
  const records = rows.map((value, at) => ({ row: at + 1, value }));
  return { format: 'json', records, sha256: sha256([JSON.stringify(rows)]) };
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    const status = await stat(file);
    if (status.isDirectory()) throw new DataError({ file }, `it is a folder; ${SHAPE}`);
    if (status.size > constants.MAX_STRING_LENGTH) {
      const limit = Math.floor(constants.MAX_STRING_LENGTH / 1e6);
      throw new DataError(
        { file },
        `${Math.ceil(status.size / 1e6)} MB; at most ${limit} MB per file, split it`,
      );
    }
    return await readFile(file);
  } catch (error) {
    throw fileError(error, file, 'read');
  }
}

/** Wrong bytes would become U+FFFD without a word, and a model would be trained on them. */
function decodeUtf8(bytes: Buffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DataError({ file }, `not UTF-8 text; ${SHAPE}`, { cause: error });
  }
}

function parseArray(text: string, file: string): Pick<RecordFile, 'format' | 'records'> {
  const values = parseJson(text, file) as unknown[];
  return { format: 'json', records: values.map((value, index) => ({ row: index + 1, value })) };
}

function parseLines(text: string, file: string): Pick<RecordFile, 'format' | 'records'> {
  const records: DataRecord[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    if (content.trim() === '') continue;
    const row = records.length + 1;
    const line = index + 1;
    try {
      records.push({ row, line, value: JSON.parse(content) });
    } catch (error) {
      // A first "row" that goes on after its line may be one JSON value laid out over several lines.
      if (row === 1 && findJsonError(text) === undefined) {
        throw new DataError({ file }, `one JSON value that is not an array; ${SHAPE}`);
      }
      const problem = `invalid JSON: ${findJsonError(content)?.message ?? (error as Error).message}`;
      throw new DataError({ file, line, row }, problem, { cause: error });
    }
  }
  return { format: 'jsonl', records };
}
