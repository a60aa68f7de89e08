/** Which Python runs the worker: one that the user names, or the environment that `engine install torch` made. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { cacheFolder } from '../../support/cache-folder.ts';
import { UserError } from '../../support/errors.ts';

/** Names a Python whose environment has the worker's packages. */
export const PYTHON_VARIABLE = 'LIFEALIGN_PYTHON';

/** The worker's sources, which come along with this package. */
export const workerFolder = join(
  dirname(createRequire(import.meta.url).resolve('lifealign/package.json')),
  'worker',
);
export const workerPackage = join(workerFolder, 'src');

/** The environment that `engine install torch` makes. */
export function environmentFolder(): string {
  return join(cacheFolder(), 'engines', 'torch');
}

export function environmentPython(folder = environmentFolder()): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}

/** Written last: what a broken-off installation left can't be told from a whole one by anything else. */
export const COMPLETE = 'complete.json';

/** @throws {UserError} saying how to get one */
export async function findPython(): Promise<string> {
  const named = process.env[PYTHON_VARIABLE];
  if (named) {
    if (!isAbsolute(named) || existsSync(named)) return named;
    throw new UserError(`${PYTHON_VARIABLE}: there is no ${named}`);
  }
  if (existsSync(join(environmentFolder(), COMPLETE))) return environmentPython();
  throw new UserError(
    'the torch engine is not installed; run: lifealign engine install torch ' +
      `(or name a Python that has torch and transformers in ${PYTHON_VARIABLE})`,
  );
}
