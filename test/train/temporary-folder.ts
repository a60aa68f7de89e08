import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { writeToyData } from './toy-stream.ts';

/** In memory where the system has such a place: a run flushes dozens of files to disk. */
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Removed when the test that asked for it is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(ROOT, 'lifealign-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** One that holds the toy stream's data. */
export function workspace(): string {
  const folder = temporaryFolder();
  writeToyData(folder);
  return folder;
}
