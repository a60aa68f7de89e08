/**
 * What calls of the file system did, one after another, so that every state in which a killed process can have left the
 * disk is made again without running the program again. [cut.ts records -> here -> cuts.ts]
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join, relative } from 'node:path';

export type DiskEffect =
  /** Makes an empty file, or empties one. */
  | { readonly kind: 'create'; readonly path: string; readonly empties: boolean }
  /** `null`: at the file's end. */
  | { readonly kind: 'write'; readonly path: string; readonly at: number | null; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly path: string; readonly length: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  /** With all that lies below. */
  | { readonly kind: 'remove'; readonly path: string }
  /** With its missing parents: states in which only some of them are there are not made. */
  | { readonly kind: 'folder'; readonly path: string };

/** The same effect on the disk of another folder. */
export function moved(effect: DiskEffect, from: string, to: string): DiskEffect {
  const there = (path: string) => join(to, relative(from, path));
  const own = { ...effect, path: there(effect.path) };
  return own.kind === 'rename' ? { ...own, to: there(own.to) } : own;
}

/** Where a kill can end a call half-way, what is done before and after that: a write, or the removal of a folder. */
export function halves(effect: DiskEffect): readonly (readonly DiskEffect[])[] {
  if (effect.kind === 'remove') return [halfOf(effect.path), [effect]];
  if (effect.kind !== 'write' || effect.bytes.length < 2) return [[effect]];
  const middle = Math.ceil(effect.bytes.length / 2);
  const rest = effect.at === null ? null : effect.at + middle;
  return [
    [{ ...effect, bytes: effect.bytes.subarray(0, middle) }],
    [{ ...effect, at: rest, bytes: effect.bytes.subarray(middle) }],
  ];
}

/** A folder's files go in any order: what else than `halves` says can be done when a kill ends its removal half-way. */
export function otherHalf(effect: DiskEffect): readonly DiskEffect[] {
  return effect.kind === 'remove' ? halfOf(effect.path, 'last') : [];
}

/** Removals of half the files below a folder. */
function halfOf(folder: string, which: 'first' | 'last' = 'first'): DiskEffect[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const middle = Math.floor(files.length / 2);
  return (which === 'first' ? files.slice(0, middle) : files.slice(middle)).map((entry) => ({
    kind: 'remove',
    path: join(entry.parentPath, entry.name),
  }));
}

/** Returns whether anything on the disk has changed. */
export function apply(effect: DiskEffect): boolean {
  const { kind, path } = effect;
  switch (kind) {
    case 'create': {
      const isNew = !existsSync(path);
      if (!isNew && !(effect.empties && statSync(path).size > 0)) return false;
      closeSync(openSync(path, effect.empties ? 'w' : 'a'));
      return true;
    }
    case 'write': {
      const file = openSync(path, 'r+');
      writeSync(file, effect.bytes, 0, effect.bytes.length, effect.at ?? statSync(path).size);
      closeSync(file);
      return effect.bytes.length > 0;
    }
    case 'truncate': {
      if (statSync(path).size === effect.length) return false;
      truncateSync(path, effect.length);
      return true;
    }
    case 'rename':
      renameSync(path, effect.to);
      return true;
    case 'remove': {
      if (!existsSync(path)) return false;
      rmSync(path, { recursive: true });
      return true;
    }
    case 'folder': {
      if (existsSync(path)) return false;
      mkdirSync(path, { recursive: true });
      return true;
    }
  }
}

/** @throws unless two folders hold the same files, byte for byte. */
export function expectSameFiles(one: string, other: string): void {
  const filesOf = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .map((entry) => ({ isFile: entry.isFile(), path: join(entry.parentPath, entry.name) }))
      .map(({ isFile, path }) => ({ isFile, name: relative(folder, path) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  const [found, expected] = [filesOf(one), filesOf(other)];
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`other files: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
  }
  for (const { isFile, name } of found) {
    if (isFile && !readFileSync(join(one, name)).equals(readFileSync(join(other, name))))
      throw new Error(`${name}: another content`);
  }
}
