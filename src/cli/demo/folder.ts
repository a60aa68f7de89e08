/** Where a demo's results go: never over something else, and back to where one was begun. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../support/errors.ts';
import { demoMethods } from './settings.ts';

const usual = join('runs', 'demo');

export interface DemoFolderOptions {
  readonly outputDir: string | undefined;
  readonly resume: boolean;
}

/** @throws {UserError} for a folder that holds something, or nothing to resume. */
export function demoFolder({ outputDir, resume }: DemoFolderOptions): string {
  if (resume) {
    const folder = outputDir ?? latestFolder();
    if (folder !== undefined && holdsDemo(folder)) return folder;
    throw new UserError(`${folder ?? usual}: there is no demo to resume`);
  }
  if (outputDir === undefined) return freeFolder();
  if (isEmptyOrMissing(outputDir)) return outputDir;
  throw new UserError(
    `${outputDir}: ${holdsDemo(outputDir) ? 'holds a demo already; continue it with --resume, or choose' : 'is not empty; choose'} another folder`,
  );
}

function holdsDemo(folder: string): boolean {
  return demoMethods.some((method) => existsSync(join(folder, method, 'config.yaml')));
}

function isEmptyOrMissing(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw new UserError(`${folder}: expected a folder for the results (${(error as Error).message})`);
  }
}

const numbered = (number: number) => (number === 1 ? usual : `${usual}-${number}`);

function freeFolder(): string {
  let number = 1;
  while (existsSync(numbered(number))) number++;
  return numbered(number);
}

function latestFolder(): string | undefined {
  let number = 1;
  while (existsSync(numbered(number))) number++;
  return number === 1 ? undefined : numbered(number - 1);
}
