/** Request bodies: JSON in UTF-8, of bounded size. */
import { ApiError, invalid } from '../api-error.ts';

/** @throws {ApiError} 413, 415 or 400 */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  const type = request.headers.get('content-type') ?? '';
  // Anything else could be sent by a form of a foreign page, without asking first.
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError(415, 'expected a body of content-type application/json');
  }
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw new ApiError(415, 'a compressed body is not taken');
  const bytes = await readBytes(request, limit);
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

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new ApiError(413, `the body is larger than ${limit} bytes`, { headers: { connection: 'close' } });
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge();
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of request.body ?? []) {
      size += part.byteLength;
      if (size > limit) break;
      parts.push(part);
    }
  } catch (error) {
    throw new ApiError(400, 'the body broke off', { cause: error });
  }
  if (size > limit) throw tooLarge();
  return Buffer.concat(parts);
}
