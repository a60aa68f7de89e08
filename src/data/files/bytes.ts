/**
 * A file's bytes piece by piece, unpacked where they are gzip, with the hash of what lies on the disk.
 * What a file is, is decided by its content; its name only helps where the content cannot tell.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DataError } from '../../support/errors.ts';
import { errorCode, fileError } from '../../support/file-error.ts';

export interface ByteSource {
  /** The first bytes, enough to recognise what they are; they come again from `chunks`. */
  readonly head: Buffer;
  readonly compressed: boolean;
  /** To be gone through once. */
  chunks(): AsyncGenerator<Buffer>;
  /** Of the file's bytes as they lie on the disk; known once `chunks` has ended. */
  sha256(): string;
}

const PIECE = 1 << 20;
const GZIP = Buffer.from([0x1f, 0x8b]);

/**
 * Text of preferences packs to a fifth, a file of one repeated row to a few hundredths: what grows more than
 * this, and past the size from which it matters, was made to fill memory or disks.
 */
const MOST_GROWTH = 200;
const GROWTH_MATTERS = 64 * 2 ** 20;

/** First bytes of what is no text and no Parquet, and what to do about it. */
const OTHERS: readonly (readonly [string, string])[] = [
  ['fd377a585a00', 'an xz archive; unpack it first (xz -d)'],
  ['28b52ffd', 'a Zstandard archive; unpack it first (zstd -d)'],
  ['425a68', 'a bzip2 archive; unpack it first (bunzip2)'],
  ['504b0304', 'a zip archive; unpack it first'],
  ['4152524f5731', 'an Arrow file; write it as Parquet or JSONL'],
  ['53514c69746520', 'an SQLite database; export a table as CSV'],
];

/** @throws {UserError} if the file cannot be read or is of a kind that is known and not read here. */
export async function openBytes(file: string, onBytes: (bytes: number) => void): Promise<ByteSource> {
  const hash = createHash('sha256');
  const raw = counted(hash, file, onBytes);
  const first = await raw.chunks.next();
  const start = first.done ? Buffer.alloc(0) : first.value;
  const compressed = start.subarray(0, 2).equals(GZIP);
  const all = startingWith(start, raw.chunks);
  const unpacked = compressed ? gunzip(all, raw.count, file) : all;
  const { head, rest } = await withHead(unpacked);
  const hex = head.subarray(0, 8).toString('hex');
  for (const [magic, what] of OTHERS) {
    if (!hex.startsWith(magic)) continue;
    await rest.return(undefined);
    throw new DataError({ file }, `it is ${what}`);
  }
  return { head, compressed, chunks: () => rest, sha256: () => hash.digest('hex') };
}

/** The file as it lies there; `count` tells how many bytes were read so far. */
function counted(hash: ReturnType<typeof createHash>, file: string, onBytes: (bytes: number) => void) {
  let bytes = 0;
  async function* read(): AsyncGenerator<Buffer> {
    try {
      if ((await stat(file)).isDirectory()) throw new DataError({ file }, 'it is a folder');
      for await (const chunk of createReadStream(file, { highWaterMark: PIECE })) {
        hash.update(chunk as Buffer);
        bytes += (chunk as Buffer).length;
        onBytes((chunk as Buffer).length);
        yield chunk as Buffer;
      }
    } catch (error) {
      throw fileError(error, file, 'read');
    }
  }
  return { chunks: read(), count: () => bytes };
}

async function* gunzip(
  packed: AsyncGenerator<Buffer>,
  packedBytes: () => number,
  file: string,
): AsyncGenerator<Buffer> {
  const inflate = createGunzip({ chunkSize: 1 << 18 });
  // Errors come out of the iteration below.
  pipeline(Readable.from(packed), inflate, () => {});
  let bytes = 0;
  try {
    for await (const chunk of inflate) {
      bytes += (chunk as Buffer).length;
      if (bytes > GROWTH_MATTERS && bytes > MOST_GROWTH * packedBytes()) {
        const problem = `it unpacks to more than ${MOST_GROWTH} times its size, as no rows of text do`;
        throw new DataError({ file }, `${problem}; unpack it yourself if it is meant so`);
      }
      yield chunk as Buffer;
    }
  } catch (error) {
    if (!errorCode(error)?.startsWith('Z_')) throw error;
    const what = errorCode(error) === 'Z_BUF_ERROR' ? 'it ends early' : (error as Error).message;
    throw new DataError({ file }, `the gzip archive is damaged: ${what}`, { cause: error });
  }
}

/** Enough for the longest magic number, and beyond blank space at the start. */
async function withHead(
  chunks: AsyncGenerator<Buffer>,
): Promise<{ head: Buffer; rest: AsyncGenerator<Buffer> }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < PIECE && (head.length < 16 || /^[\s\ufeff]*$/.test(head.toString('utf8')))) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  return { head, rest: startingWith(head, chunks) };
}

async function* startingWith(head: Buffer, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    yield* chunks;
  } finally {
    await chunks.return(undefined);
  }
}
