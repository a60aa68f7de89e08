/** Uploaded files: bytes in the body, into a file of a folder of their own that is gone when the work is done. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiError } from '../api-error.ts';

/** Of no form of a foreign page: a browser asks first, and is told no. */
const CONTENT_TYPE = 'application/octet-stream';

/**
 * @param name the file's in the folder; nothing of it comes from the request
 * @throws {ApiError} 413, 415 or 400
 */
export async function withUpload<T>(
  incoming: IncomingMessage,
  { limit, name }: { readonly limit: number; readonly name: string },
  work: (file: string) => Promise<T>,
): Promise<T> {
  const { headers } = incoming;
  if (headers['content-type'] !== CONTENT_TYPE) {
    throw new ApiError(415, `expected the file's bytes as a body of content-type ${CONTENT_TYPE}`);
  }
  const tooLarge = () =>
    new ApiError(413, `the file is larger than ${limit} bytes`, { headers: { connection: 'close' } });
  if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge();
  const folder = await mkdtemp(join(tmpdir(), 'lifealign-upload-'));
  try {
    const file = join(folder, name);
    let size = 0;
    const bounded = new Transform({
      transform(part: Buffer, _, done) {
        size += part.length;
        if (size > limit) done(tooLarge());
        else done(null, part);
      },
    });
    await pipeline(incoming, bounded, createWriteStream(file, { mode: 0o600 }), { end: true }).catch(
      (cause: unknown) => {
        if (cause instanceof ApiError) throw cause;
        throw incoming.readableEnded ? cause : new ApiError(400, 'the body broke off', { cause });
      },
    );
    return await work(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
