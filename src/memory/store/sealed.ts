/**
 * The few files of a memory that have a fixed name and change: text that people can read, whose last line is the
 * SHA-256 of all before it. Everything else is named by its hash (objects.ts).
 */
import { createHash } from 'node:crypto';
import { DataError, UserError } from '../../support/errors.ts';
import { errorCode } from '../../support/file-error.ts';
import { readTextFile } from '../../support/json.ts';

const SEAL = /^# sha256 ([0-9a-f]{64})\n$/;

/** @param body text that ends with a line break */
export function seal(body: string): string {
  return `${body}# sha256 ${textHash(body)}\n`;
}

/**
 * The text that was sealed; comments in it are the reader's to skip.
 * @throws {DamagedError} if one bit of the file is not as it was written, or its end is missing.
 */
export async function readSealed(file: string): Promise<string> {
  const text = await readText(file);
  const start = text.lastIndexOf('\n', text.length - 2) + 1;
  const match = SEAL.exec(text.slice(start));
  const body = text.slice(0, start);
  if (match?.[1] === textHash(body)) return body;
  throw new DamagedError(file, 'its checksum is not that of its content');
}

/** A file of a memory that does not hold what was written. */
export class DamagedError extends UserError {
  override readonly name = 'DamagedError';
  readonly file: string;
  readonly problem: string;

  constructor(file: string, problem: string, options: ErrorOptions = {}) {
    super(`${file}: damaged: ${problem}`, options);
    this.file = file;
    this.problem = problem;
  }
}

/** A file of a memory that is not there. */
export class MissingError extends DamagedError {
  constructor(file: string) {
    super(file, 'it is missing');
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readTextFile(file);
  } catch (error) {
    if (error instanceof DataError) throw new DamagedError(file, 'it is not UTF-8 text', { cause: error });
    if (error instanceof Error && errorCode(error.cause) === 'ENOENT') throw new MissingError(file);
    throw error;
  }
}

function textHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
