/** Turns the operating system's refusals into messages a user can act on; used by every reader and writer. */
import { UserError } from './errors.ts';

const NO_ROOM = new Map([
  ['ENOSPC', 'no space left on the device'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EFBIG', 'the file would be larger than this system allows'],
  ['EIO', 'the device reported an input/output error'],
]);

const WRONG_PATH = new Map([
  ['ENOENT', 'no such file or folder'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['EROFS', 'the file system is read-only'],
  ['ENOTDIR', 'a part of the path is not a folder'],
  ['EISDIR', 'it is a folder'],
  ['EEXIST', 'it already exists'],
  ['ENOTEMPTY', 'the folder is not empty'],
  ['ENAMETOOLONG', 'the name is too long'],
  ['ELOOP', 'too many symbolic links'],
]);

/** The system's error code (`ENOENT`, ...), or undefined for an error that did not come from the system. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * A `UserError` for a system error met while reading or writing `path`: exit code 1 where the machine
 * ran out of something, 2 where the path given is wrong. Any other error is returned as it is.
 */
export function fileError(error: unknown, path: string, action: 'read' | 'write'): unknown {
  const code = errorCode(error);
  if (code === undefined || error instanceof UserError) return error;
  const noRoom = NO_ROOM.get(code);
  if (noRoom !== undefined) {
    return new UserError(`${path}: cannot ${action}: ${noRoom} (${code})`, { exitCode: 1, cause: error });
  }
  const wrongPath = WRONG_PATH.get(code);
  if (wrongPath === undefined) return error;
  return new UserError(`${path}: cannot ${action}: ${wrongPath} (${code})`, { cause: error });
}
