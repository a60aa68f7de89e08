/** SHA-256 as lower-case hex: the identity of weights, rows, caches and memories. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { fileError } from './file-error.ts';

/** Hash of a file's bytes, read in pieces. @throws {UserError} naming the file if it cannot be read. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
      hash.update(chunk as Buffer);
  } catch (error) {
    throw fileError(error, path, 'read');
  }
  return hash.digest('hex');
}

/**
 * Hash of a list of parts. Each part is preceded by its length, so that moving a character from one
 * part to the next changes the hash; text is taken as UTF-8.
 */
export function sha256(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.byteLength));
    hash.update(length).update(bytes);
  }
  return hash.digest('hex');
}
