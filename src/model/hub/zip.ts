/**
 * Takes one member out of a zip archive (a Python wheel is one), with every offset and size checked
 * against the file before it is used. [Format: PKWARE's APPNOTE]
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { UserError } from '../../support/errors.ts';
import { fileError } from '../../support/file-error.ts';

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

interface Member {
  readonly method: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly localHeader: number;
}

/**
 * Writes the member `name` of the archive to `target`. `bytes` is the size it must have unpacked; not
 * a byte more is written.
 *
 * @throws UserError naming the archive, for a damaged or lying one and for a missing member
 */
export async function extractMember(
  archive: string,
  name: string,
  bytes: number,
  target: string,
): Promise<void> {
  const handle = await open(archive, 'r').catch((error) => Promise.reject(fileError(error, archive, 'read')));
  let member: Member;
  let start: number;
  try {
    member = await findMember(handle, archive, name);
    if (member.bytes !== bytes) refuse(archive, `"${name}" has ${member.bytes} bytes; expected ${bytes}`);
    start = await contentStart(handle, archive, member);
  } finally {
    await handle.close();
  }
  const source = createReadStream(archive, { start, end: start + member.compressedBytes - 1 });
  const exactly = exactLength(bytes, () =>
    refuse(archive, `"${name}" doesn't unpack to the ${bytes} bytes it claims`),
  );
  try {
    if (member.method === STORED) await pipeline(source, exactly, createWriteStream(target));
    else await pipeline(source, createInflateRaw(), exactly, createWriteStream(target));
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      refuse(archive, `"${name}" is damaged: ${error.message}`);
    }
    throw fileError(error, target, 'write');
  }
}

async function findMember(handle: FileHandle, archive: string, name: string): Promise<Member> {
  const fileSize = (await handle.stat()).size;
  const tail = await readAt(handle, archive, Math.max(0, fileSize - END_BYTES - MAX_COMMENT_BYTES), fileSize);
  const end = findEnd(tail, archive);
  const entries = tail.readUInt16LE(end + 10);
  const directoryBytes = tail.readUInt32LE(end + 12);
  const directoryStart = tail.readUInt32LE(end + 16);
  if (directoryStart + directoryBytes > fileSize)
    refuse(archive, 'its directory lies beyond the end of the file');
  const directory = await readAt(handle, archive, directoryStart, directoryStart + directoryBytes);
  for (let at = 0, i = 0; i < entries; i++) {
    if (at + ENTRY_BYTES > directory.length || directory.readUInt32LE(at) !== ENTRY_SIGNATURE) {
      refuse(archive, `entry ${i + 1} of its directory is damaged`);
    }
    const nameBytes = directory.readUInt16LE(at + 28);
    const next =
      at + ENTRY_BYTES + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    if (directory.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes) === name) {
      return readEntry(directory, at, archive, name);
    }
    at = next;
  }
  return refuse(archive, `holds no "${name}"`);
}

function readEntry(directory: Buffer, at: number, archive: string, name: string): Member {
  const flags = directory.readUInt16LE(at + 8);
  const method = directory.readUInt16LE(at + 10);
  if ((flags & 1) !== 0) refuse(archive, `"${name}" is encrypted`);
  if (method !== STORED && method !== DEFLATED)
    refuse(archive, `"${name}" is packed by unsupported method ${method}`);
  const member = {
    method,
    compressedBytes: directory.readUInt32LE(at + 20),
    bytes: directory.readUInt32LE(at + 24),
    localHeader: directory.readUInt32LE(at + 42),
  };
  if (member.compressedBytes === 0) refuse(archive, `"${name}" is empty`);
  return member;
}

/** The content follows the member's own header, whose name and extra field have lengths of their own. */
async function contentStart(handle: FileHandle, archive: string, member: Member): Promise<number> {
  const fileSize = (await handle.stat()).size;
  if (member.localHeader + LOCAL_BYTES > fileSize)
    refuse(archive, 'a member lies beyond the end of the file');
  const header = await readAt(handle, archive, member.localHeader, member.localHeader + LOCAL_BYTES);
  if (header.readUInt32LE(0) !== LOCAL_SIGNATURE) refuse(archive, "a member's header is damaged");
  const start = member.localHeader + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (start + member.compressedBytes > fileSize) refuse(archive, 'a member lies beyond the end of the file');
  return start;
}

/** The end record is the last thing in the file but for a comment. */
function findEnd(tail: Buffer, archive: string): number {
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (
      tail.readUInt32LE(at) === END_SIGNATURE &&
      at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length
    ) {
      return at;
    }
  }
  return refuse(archive, 'is not a zip archive, or is truncated');
}

async function readAt(handle: FileHandle, archive: string, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
  if (bytesRead !== buffer.length) refuse(archive, 'became shorter while it was read');
  return buffer;
}

function exactLength(bytes: number, fail: () => never): Transform {
  let seen = 0;
  const attempt = (check: boolean, callback: TransformCallback, chunk?: Buffer) => {
    try {
      if (!check) fail();
      callback(null, chunk);
    } catch (error) {
      callback(error as Error);
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      seen += chunk.length;
      attempt(seen <= bytes, callback, chunk);
    },
    flush(callback) {
      attempt(seen === bytes, callback);
    },
  });
}

function refuse(archive: string, problem: string): never {
  throw new UserError(`${archive}: ${problem}`, { exitCode: 1 });
}
