/**
 * Texts of rows. What is immutable names rows by id only, so that texts can be deleted without breaking the chain of
 * commits. An id is a hash over the text and a random number that is kept beside the text and goes with it: what is
 * left then cannot be matched against a guess.
 */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { Message, PreferenceRow } from '../../data/row.ts';
import { sha256 } from '../../support/hash.ts';
import type { ObjectFolder } from './objects.ts';
import { DamagedError } from './sealed.ts';

export interface RowText {
  readonly prompt: readonly Message[];
  readonly chosen: string;
  readonly rejected: string;
}

export interface StoredRow extends RowText {
  readonly id: string;
  /** Hex; decides the id together with the texts. */
  readonly nonce: string;
}

/** Names a row for a memory; a row that is named twice has two ids. */
export function nameRow({ prompt, chosen, rejected }: RowText): StoredRow {
  const nonce = randomBytes(16).toString('hex');
  const text = { prompt: prompt.map(({ role, content }) => ({ role, content })), chosen, rejected };
  return { id: rowId(nonce, text), nonce, ...text };
}

/** As what trains and scores rows takes them. */
function preferenceRow({ prompt, chosen, rejected }: StoredRow, index: number): PreferenceRow {
  return { index, prompt, chosen, rejected };
}

/**
 * Those of the named rows whose texts are there, with their positions among all that are named: positions stay when
 * rows are withdrawn.
 */
export function preferenceRows(
  ids: readonly string[],
  texts: ReadonlyMap<string, StoredRow>,
): readonly PreferenceRow[] {
  return ids.flatMap((id, at): PreferenceRow[] => {
    const text = texts.get(id);
    return text ? [preferenceRow(text, at)] : [];
  });
}

/** Equal for rows of equal texts. */
export function rowContent({ prompt, chosen, rejected }: RowText): string {
  return JSON.stringify([prompt.map(({ role, content }) => [role, content]), chosen, rejected]);
}

function rowId(nonce: string, text: RowText): string {
  return sha256([nonce, rowContent(text)]);
}

const storedRowSchema = z.strictObject({
  id: z.string(),
  nonce: z.string(),
  prompt: z.array(z.strictObject({ role: z.string(), content: z.string() })),
  chosen: z.string(),
  rejected: z.string(),
});

/** JSON lines, in the order given. Returns the file's hash. */
export function putRows(objects: ObjectFolder, rows: readonly StoredRow[]): Promise<string> {
  const lines = rows.map(({ id, nonce, prompt, chosen, rejected }) =>
    Buffer.from(`${JSON.stringify({ id, nonce, prompt, chosen, rejected })}\n`),
  );
  return objects.put('jsonl', lines);
}

/** @throws {DamagedError} if the file is missing or not as it was written. */
export async function readRowsFile(objects: ObjectFolder, hash: string): Promise<readonly StoredRow[]> {
  const name = { hash, kind: 'jsonl' } as const;
  const lines = (await objects.read(name)).toString('utf8').split('\n').slice(0, -1);
  return lines.map((line, at) => {
    const parsed = storedRowSchema.safeParse(JSON.parse(line));
    if (parsed.success && rowId(parsed.data.nonce, parsed.data) === parsed.data.id) return parsed.data;
    throw new DamagedError(objects.file(name), `line ${at + 1} is not a row of a memory`);
  });
}
