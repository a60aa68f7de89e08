/** Request bodies: JSON in UTF-8, of bounded size. */
import type { IncomingMessage } from 'node:http';
import { ApiError, invalid } from '../api-error.ts';

/** @throws {ApiError} 413, 415 or 400 */
export async function readJson(incoming: IncomingMessage, limit: number): Promise<unknown> {
  const { headers } = incoming;
  // Anything else could be sent by a form of a foreign page, without asking first.
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new ApiError(415, 'expected a body of content-type application/json');
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new ApiError(415, 'a compressed body is not taken');
  }
  const bytes = await readBytes(incoming, limit);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid('the body is not UTF-8 text');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('the body is not JSON');
  }
}

/** From Node's own stream: a web stream around it would cost more than all the rest of a short request. */
function readBytes(incoming: IncomingMessage, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const tooLarge = () => {
      const headers = { connection: 'close' };
      reject(new ApiError(413, `the body is larger than ${limit} bytes`, { headers }));
    };
    if (Number(incoming.headers['content-length'] ?? 0) > limit) {
      tooLarge();
      return;
    }
    const parts: Buffer[] = [];
    let size = 0;
    incoming.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= limit) parts.push(part);
      else {
        incoming.pause();
        tooLarge();
      }
    });
    incoming.on('end', () => resolve(Buffer.concat(parts)));
    const broken = () => {
      if (!incoming.readableEnded) reject(new ApiError(400, 'the body broke off'));
    };
    incoming.on('error', broken);
    incoming.on('close', broken);
  });
}
