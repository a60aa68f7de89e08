/**
 * Cuts in the file system: every call that changes something on disk is counted, and at one of them the process is
 * killed, the disk is full from then on, or a write takes only a part of what it is given. The program knows nothing
 * of it: the functions of node:fs are replaced.
 */
import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/**
 * `before`, `after`: killed before or after the call. `half`: of a write, half the bytes are written, then killed.
 * `full`: this and every later write finds no space. `short`: this write takes half of its bytes, and says so.
 */
export const cutModes = ['before', 'after', 'half', 'full', 'short'] as const;
export type CutMode = (typeof cutModes)[number];

export interface Cut {
  /** Of the calls, counted from 0. */
  readonly at: number;
  readonly mode: CutMode;
  /** Ends the process; or plays that it has ended, by an error. From then on nothing is written any more. */
  readonly kill: () => never;
}

interface State {
  calls: number;
  dead: boolean;
  readonly cut: Cut | null;
}

let state: State | null = null;

/** Runs `work` under a cut, or none; returns how many calls it made as far as it came. */
export async function withCut(
  cut: Cut | null,
  work: () => Promise<unknown>,
): Promise<{ calls: number; error: unknown }> {
  install();
  const own: State = { calls: 0, dead: false, cut };
  state = own;
  try {
    await work();
    return { calls: own.calls, error: undefined };
  } catch (error) {
    return { calls: own.calls, error };
  } finally {
    state = null;
  }
}

/** What a process that has been killed does not do. */
class Killed extends Error {}

function killed(own: State): never {
  own.dead = true;
  return own.cut!.kill();
}

/** Around every call that changes something. */
function guard<T>(isWrite: boolean, perform: (part: 'all' | 'half') => T): T {
  const own = state;
  if (own === null) return perform('all');
  if (own.dead) throw new Killed('the process is gone');
  const at = own.calls++;
  const { cut } = own;
  if (cut === null || at < cut.at) return perform('all');
  if (cut.mode === 'full' && isWrite) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  if (at > cut.at || cut.mode === 'full') return perform('all');
  if (cut.mode === 'before') killed(own);
  if (cut.mode === 'short') return perform(isWrite ? 'half' : 'all');
  const result = perform(cut.mode === 'half' && isWrite ? 'half' : 'all');
  if (!(result instanceof Promise)) return killed(own);
  return result.then((opened) => {
    // A file that was opened would stay open where the end is only played.
    (opened as Partial<FileHandle> | undefined)?.close?.();
    killed(own);
  }) as T;
}

const isWriting = (flags: unknown) => typeof flags === 'string' && /[wax+]/.test(flags);

let isInstalled = false;

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { promises } = fs;
  const plain = { ...promises };
  const plainSync = { openSync: fs.openSync, writeFileSync: fs.writeFileSync, rmSync: fs.rmSync };

  promises.open = (async (path: fs.PathLike, flags?: string | number, mode?: fs.Mode) => {
    const open = () => plain.open(path, flags, mode);
    const handle = await (isWriting(flags) ? guard(true, open) : open());
    const [write, sync] = [handle.write.bind(handle), handle.sync.bind(handle)];
    handle.write = (async (bytes: Uint8Array, offset: number, length: number, position: number | null) =>
      guard(true, (part) =>
        write(bytes, offset, part === 'half' ? Math.ceil(length / 2) : length, position),
      )) as never;
    handle.sync = async () => guard(false, () => sync());
    return handle;
  }) as typeof promises.open;
  for (const name of ['rename', 'rm', 'mkdir'] as const) {
    const call = plain[name] as (...args: unknown[]) => Promise<unknown>;
    (promises as unknown as Record<string, unknown>)[name] = async (...args: unknown[]) =>
      guard(name === 'mkdir', () => call(...args));
  }
  fs.openSync = ((path: fs.PathLike, flags: fs.OpenMode, mode?: fs.Mode) =>
    isWriting(flags)
      ? guard(true, () => plainSync.openSync(path, flags, mode))
      : plainSync.openSync(path, flags, mode)) as typeof fs.openSync;
  // Node goes on by itself where such a write is short, so only what is killed half-way leaves half.
  fs.writeFileSync = ((file: number | string, content: string, options?: fs.WriteFileOptions) =>
    guard(true, (part) => {
      const isHalf = part === 'half' && state?.cut?.mode === 'half';
      const some = isHalf ? content.slice(0, Math.ceil(content.length / 2)) : content;
      plainSync.writeFileSync(file, some, options);
    })) as typeof fs.writeFileSync;
  fs.rmSync = ((path: fs.PathLike, options?: fs.RmOptions) =>
    guard(false, () => plainSync.rmSync(path, options))) as typeof fs.rmSync;
  syncBuiltinESMExports();
}
