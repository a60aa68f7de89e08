/**
 * Downloads one file of a hub repository: continued where an earlier try broke off, never longer than
 * announced, and accepted only with the hash the listing gave.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { makeFolder } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { errorCode, fileError } from '../../support/file-error.ts';
import type { Progress } from '../../support/progress.ts';
import { writeFully } from '../../support/write-fully.ts';
import { asking, type Hub, HubError, isNetworkError, refusal } from './hub-client.ts';
import type { RepositoryFile } from './repository.ts';

/** A broken connection is taken up again this often, as long as each try brings something new. */
const MAX_FRUITLESS_TRIES = 3;
const RETRY_DELAY_MS = 500;

/**
 * Downloads `url` to `target`; what was there before is taken as the start of the same file.
 *
 * @throws HubError when the hub can't be reached or refuses; UserError when the content isn't the
 *   one announced
 */
export async function downloadFile(
  hub: Hub,
  url: string,
  file: RepositoryFile,
  target: string,
  progress: Progress,
): Promise<void> {
  await makeFolder(dirname(target));
  let start = await lengthOf(target);
  if (start > file.bytes) {
    await removeFile(target);
    start = 0;
  }
  progress.advance(start);
  await fetchRest(hub, url, file, target, progress);
  if ((await hashOf(target, file)) === file.hash.hex) return;
  await removeFile(target);
  if (start > 0) {
    // The part found here may have been the wrong one: once more, from the first byte.
    progress.advance(-file.bytes);
    return downloadFile(hub, url, file, target, progress);
  }
  const kind = file.hash.kind === 'sha256' ? 'SHA-256' : 'Git hash';
  throw new UserError(
    `${file.path} from ${hub.url}: its ${kind} is not ${file.hash.hex}, the one announced`,
    {
      exitCode: 1,
    },
  );
}

async function fetchRest(
  hub: Hub,
  url: string,
  file: RepositoryFile,
  target: string,
  progress: Progress,
): Promise<void> {
  for (let fruitless = 0, have = await lengthOf(target); have < file.bytes; ) {
    const problem = await fetchOnce(hub, url, file, target, have, progress);
    const now = await lengthOf(target);
    if (now >= file.bytes) return;
    fruitless = now > have ? 0 : fruitless + 1;
    have = now;
    if (fruitless >= MAX_FRUITLESS_TRIES) {
      throw new HubError(
        `${file.path}: the connection to ${hub.url} broke off at byte ${have} of ${file.bytes}; ` +
          'run the command again to continue from there',
        undefined,
        { cause: problem },
      );
    }
    await setTimeout(RETRY_DELAY_MS * fruitless);
  }
}

/** One request for what is missing; returns the error that ended it early, if one did. */
async function fetchOnce(
  hub: Hub,
  url: string,
  file: RepositoryFile,
  target: string,
  have: number,
  progress: Progress,
): Promise<Error | undefined> {
  // Compressed transfer would make positions in the stream mean something else.
  const headers = { 'accept-encoding': 'identity', ...(have > 0 ? { range: `bytes=${have}-` } : {}) };
  const response = await asking(hub, file.path, () => hub.fetch(url, { headers }));
  if (!response.ok || response.body === null) throw refusal(hub, file.path, response.status);
  // A server that ignores the range sends all from the start.
  const continued = response.status === 206 && startsAt(response, have);
  if (!continued) progress.advance(-have);
  let position = continued ? have : 0;
  const handle = await open(target, continued ? 'r+' : 'w').catch((error) =>
    // The very first bytes: nothing is there yet.
    errorCode(error) === 'ENOENT' ? open(target, 'w') : Promise.reject(fileError(error, target, 'write')),
  );
  try {
    for await (const chunk of response.body) {
      const bytes = chunk as Uint8Array;
      if (position + bytes.length > file.bytes) {
        throw new UserError(
          `${file.path} from ${hub.url}: is longer than the ${file.bytes} bytes announced`,
          {
            exitCode: 1,
          },
        );
      }
      await writeFully(handle, bytes, position);
      position += bytes.length;
      progress.advance(bytes.length);
    }
    await handle.sync();
    return undefined;
  } catch (error) {
    if (isNetworkError(error)) return error;
    if (error instanceof UserError) throw error;
    throw fileError(error, target, 'write');
  } finally {
    await handle.close();
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await rm(path);
  } catch (error) {
    throw fileError(error, path, 'write');
  }
}

function startsAt(response: Response, position: number): boolean {
  const range = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
  return range !== null && Number(range[1]) === position;
}

async function lengthOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw fileError(error, path, 'read');
  }
}

/** Git hashes a header with the length before the content. */
async function hashOf(path: string, file: RepositoryFile): Promise<string> {
  const hash = createHash(file.hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (file.hash.kind === 'git-sha1') hash.update(`blob ${file.bytes}\0`);
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw fileError(error, path, 'read');
  }
  return hash.digest('hex');
}
