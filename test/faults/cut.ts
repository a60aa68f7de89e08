/**
 * Cuts in the file system: every call that changes something on disk is counted, and at one of them the process is
 * killed, the disk is full from then on, or a write takes only a part of what it is given. The program knows nothing
 * of it: the functions of node:fs are replaced. Or every call is recorded, with what it did.
 */
import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import type { DiskEffect } from './disk-effects.ts';

/**
 * `before`, `after`: killed before or after the call. `half`: of a write, half the bytes are written, then killed.
 * `full`: this and every later write finds no space. `short`: this write takes half of its bytes, and says so.
 */
export const cutModes = ['before', 'after', 'half', 'full', 'short'] as const;
export type CutMode = (typeof cutModes)[number];
/** Those that end the process. */
export const killModes: readonly CutMode[] = ['before', 'after', 'half'];

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
  /** What the calls did, in the order in which they were done. */
  readonly effects: DiskEffect[];
}

let state: State | null = null;

export interface CutWork {
  /** That were made, as far as the work came. */
  readonly calls: number;
  /** Of calls that nothing was cut at. */
  readonly effects: readonly DiskEffect[];
  readonly error: unknown;
}

/** Runs `work` under a cut, or none. */
export async function withCut(cut: Cut | null, work: () => Promise<unknown>): Promise<CutWork> {
  install();
  const own: State = { calls: 0, dead: false, cut, effects: [] };
  state = own;
  let error: unknown;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  } finally {
    state = null;
  }
  return { calls: own.calls, effects: own.effects, error };
}

/** What a process that has been killed does not do. */
class Killed extends Error {}

function killed(own: State): never {
  own.dead = true;
  return own.cut!.kill();
}

/** Around every call that changes something; `effects` of one that is done are recorded. */
function guard<T>(isWrite: boolean, perform: (part: 'all' | 'half') => T, effects: readonly DiskEffect[]): T {
  const own = state;
  if (own === null) return perform('all');
  if (own.dead) throw new Killed('the process is gone');
  const at = own.calls++;
  const { cut } = own;
  if (cut === null) {
    const record = <R>(result: R): R => {
      own.effects.push(...effects);
      return result;
    };
    const result = perform('all');
    return result instanceof Promise ? (result.then(record) as T) : record(result);
  }
  if (at < cut.at) return perform('all');
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

const isWriting = (flags: unknown): flags is string => typeof flags === 'string' && /[wax+]/.test(flags);

function created(path: unknown, flags: string): DiskEffect[] {
  return flags.startsWith('r')
    ? []
    : [{ kind: 'create', path: String(path), empties: flags.startsWith('w') }];
}

function removed(path: unknown): DiskEffect[] {
  return [{ kind: 'remove', path: String(path) }];
}

let isInstalled = false;

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  installPromises();
  installSync();
  syncBuiltinESMExports();
}

function installPromises(): void {
  const { promises } = fs;
  const plain = { ...promises };
  promises.open = (async (path: fs.PathLike, flags?: string | number, mode?: fs.Mode) => {
    const open = () => plain.open(path, flags, mode);
    const handle = await (isWriting(flags) ? guard(true, open, created(path, flags)) : open());
    const [write, sync] = [handle.write.bind(handle), handle.sync.bind(handle)];
    let end = 0;
    handle.write = (async (bytes: Uint8Array, offset: number, length: number, position: number | null) => {
      const at = position ?? end;
      end = at + length;
      const written = Uint8Array.from(bytes.subarray(offset, offset + length));
      return guard(
        true,
        (part) => write(bytes, offset, part === 'half' ? Math.ceil(length / 2) : length, position),
        [{ kind: 'write', path: String(path), at, bytes: written }],
      );
    }) as never;
    handle.sync = async () => guard(false, () => sync(), []);
    return handle;
  }) as typeof promises.open;
  const effectsOf = {
    rename: (from: unknown, to: unknown) => [{ kind: 'rename', path: String(from), to: String(to) }],
    rm: removed,
    mkdir: (path: unknown) => [{ kind: 'folder', path: String(path) }],
  } as const satisfies Record<string, (...args: unknown[]) => DiskEffect[]>;
  for (const name of ['rename', 'rm', 'mkdir'] as const) {
    const call = plain[name] as (...args: unknown[]) => Promise<unknown>;
    (promises as unknown as Record<string, unknown>)[name] = async (...args: unknown[]) =>
      guard(name === 'mkdir', () => call(...args), effectsOf[name](args[0], args[1]));
  }
}

function installSync(): void {
  const { openSync, writeFileSync, rmSync, truncateSync } = fs;
  const paths = new Map<number, string>();
  fs.openSync = ((path: fs.PathLike, flags: fs.OpenMode, mode?: fs.Mode) => {
    const open = () => openSync(path, flags, mode);
    const descriptor = isWriting(flags) ? guard(true, open, created(path, flags)) : open();
    paths.set(descriptor, String(path));
    return descriptor;
  }) as typeof fs.openSync;
  // Node goes on by itself where such a write is short, so only what is killed half-way leaves half. What is appended
  // comes here too.
  fs.writeFileSync = ((file: number | string, content: string | Buffer, options?: fs.WriteFileOptions) => {
    const path = typeof file === 'number' ? paths.get(file)! : file;
    const flag = typeof options === 'object' ? options?.flag : undefined;
    const effects: DiskEffect[] = [
      ...(typeof file === 'number' ? [] : created(path, flag ?? 'w')),
      { kind: 'write', path, at: null, bytes: Buffer.from(content) },
    ];
    const write = (part: 'all' | 'half') => {
      const isHalf = part === 'half' && state?.cut?.mode === 'half';
      writeFileSync(file, isHalf ? content.slice(0, Math.ceil(content.length / 2)) : content, options);
    };
    guard(true, write, effects);
  }) as typeof fs.writeFileSync;
  fs.rmSync = ((path: fs.PathLike, options?: fs.RmOptions) =>
    guard(false, () => rmSync(path, options), removed(path))) as typeof fs.rmSync;
  fs.truncateSync = ((path: fs.PathLike, length = 0) =>
    guard(false, () => truncateSync(path, length), [
      { kind: 'truncate', path: String(path), length },
    ])) as typeof fs.truncateSync;
}
