/**
 * Damaged files of rows: each is a fixture with a few random changes. Whatever is done to a file, reading it ends
 * in rows or in a `UserError` with exit code 2, within a time, and never in anything else.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isProblem } from '../../src/data/invalid-row.ts';
import { openPreferenceRows } from '../../src/data/row-stream.ts';
import { UserError } from '../../src/support/errors.ts';
import type { Random } from '../../src/support/random.ts';

const FIXTURES = fileURLToPath(new URL('../data/fixtures', import.meta.url));

/** A file of a few thousand bytes that takes longer hangs. */
const LONGEST_MILLISECONDS = 20_000;

export interface MutationReport {
  readonly read: number;
  readonly refused: number;
  /** Files that ended otherwise: what happened, and the bytes in base64. */
  readonly failures: readonly string[];
}

/** Reads `count` damaged files. */
export async function readMutated(
  count: number,
  random: Random,
  onFile: (done: number) => void = () => {},
): Promise<MutationReport> {
  const folder = mkdtempSync(join(tmpdir(), 'lifealign-mutated-'));
  const names = readdirSync(FIXTURES);
  const originals = names.map((name) => readFileSync(join(FIXTURES, name)));
  const failures: string[] = [];
  let refused = 0;
  try {
    for (let at = 0; at < count; at++) {
      const which = random.integer(names.length);
      const name = names[which] as string;
      const bytes = mutated(originals[which] as Buffer, name, random);
      const path = join(folder, `mutated${extname(name)}`);
      writeFileSync(path, bytes);
      const outcome = await readWithin(path);
      if (outcome === 'refused') refused++;
      else if (outcome !== 'read') failures.push(`${name}: ${outcome}: ${bytes.toString('base64')}`);
      onFile(at + 1);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { read: count - refused - failures.length, refused, failures };
}

async function readWithin(path: string): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((done) => {
    timer = setTimeout(done, LONGEST_MILLISECONDS, 'it takes too long');
  });
  return Promise.race([readWhole(path), late]).finally(() => clearTimeout(timer));
}

async function readWhole(path: string): Promise<string> {
  try {
    const stream = await openPreferenceRows(path);
    for await (const batch of stream.results) {
      for (const result of batch) {
        if (isProblem(result)) continue;
        const { prompt, chosen, rejected } = result.row;
        const texts = [...prompt.map(({ content }) => content), chosen, rejected];
        if (texts.some((text) => typeof text !== 'string' || text.includes('\ufffd')))
          return 'a row of broken texts';
        if (chosen === rejected || chosen.trim() === '' || rejected.trim() === '') return 'an invalid row';
      }
    }
    return 'read';
  } catch (error) {
    if (error instanceof UserError && error.exitCode === 2) return 'refused';
    return error instanceof Error ? `${error.stack}` : String(error);
  }
}

/** Of an archive, now the packed bytes, now the unpacked ones. */
function mutated(original: Buffer, name: string, random: Random): Buffer {
  if (!name.endsWith('.gz') || random.uniform() < 0.5) return changed(original, random);
  return gzipSync(changed(gunzipSync(original), random));
}

const PIECES = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\n',
  '\r\n',
  '\0',
  '\ufeff',
  '""',
  '\\u0000',
  '\\ud83d',
  'null',
  'true',
  '1e999',
  '-',
  '9'.repeat(400),
  '['.repeat(5000),
  '{"a":'.repeat(5000),
  '{"chosen":"x","chosen":"y"}',
  ',,,,',
  ';',
  '\t',
].map((text) => Buffer.from(text));
const BYTES = [
  Buffer.of(0xff),
  Buffer.of(0xc3),
  Buffer.of(0xed, 0xa0, 0x80),
  Buffer.of(0x1f, 0x8b),
  Buffer.of(0xff, 0xff, 0xff, 0x7f),
];

function changed(original: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(original);
  for (let changes = 1 + random.integer(4); changes > 0; changes--) {
    const at = random.integer(bytes.length + 1);
    const to = Math.min(bytes.length, at + random.integer(64));
    const piece = [...PIECES, ...BYTES][random.integer(PIECES.length + BYTES.length)] as Buffer;
    const kind = random.integer(7);
    if (kind === 0) bytes = bytes.subarray(0, at);
    else if (kind === 1) bytes = joined(bytes.subarray(0, at), bytes.subarray(to));
    else if (kind === 2) bytes = joined(bytes.subarray(0, at), piece, bytes.subarray(at));
    else if (kind === 3) bytes = joined(bytes.subarray(0, to), bytes.subarray(at));
    else if (kind === 4)
      bytes = joined(bytes.subarray(0, at), piece, bytes.subarray(Math.min(bytes.length, at + piece.length)));
    else if (at < bytes.length)
      bytes[at] = kind === 5 ? random.integer(256) : (bytes[at] as number) ^ (1 << random.integer(8));
  }
  return bytes;
}

function joined(...parts: readonly Buffer[]): Buffer<ArrayBuffer> {
  return Buffer.concat(parts);
}
