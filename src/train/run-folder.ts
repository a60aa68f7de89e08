/**
 * The output folder's record of what the run is: config.yaml, complete enough to start the run again,
 * with versions and hashes. Decides whether a run may begin or go on there.
 */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { enginePrecision } from '../engine/settings.ts';
import { isLeftover, writeFileAtomic } from '../support/atomic-file.ts';
import { DataError, UserError } from '../support/errors.ts';
import { readTextFile } from '../support/json.ts';
import { PROVENANCE_KEY } from './config/resolve.ts';
import type { RunConfig } from './config/schema.ts';
import { fingerprint, firstDifference, type RunHashes } from './fingerprint.ts';

interface RecordedRun {
  readonly config: RunConfig;
  readonly hashes: RunHashes;
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * Makes the folder, which is there and locked, ready for the run.
 *
 * @returns whether a run is there that goes on.
 * @throws {UserError} if the folder holds a run that was not to be resumed, or another run, naming the
 *   first key that differs.
 */
export async function enterRunFolder(
  folder: string,
  run: RecordedRun,
  { resume, log }: { readonly resume: boolean; readonly log: (line: string) => void },
): Promise<boolean> {
  const file = join(folder, 'config.yaml');
  if (!existsSync(file)) {
    if (resume) log(`nothing to resume in ${folder}: starting the run`);
    const { config, hashes, versions } = run;
    await writeFileAtomic(file, stringify({ ...config, [PROVENANCE_KEY]: { versions, hashes } }));
    return false;
  }
  if (!resume) {
    throw new UserError(
      `${folder}: holds a run already; continue it with --resume, or choose another folder`,
    );
  }
  const recorded = await readRecordedRun(file);
  const before = fingerprint(recorded.config, recorded.hashes);
  const difference = firstDifference(before, fingerprint(run.config, run.hashes));
  if (difference) {
    const { key, before: old, now } = difference;
    const problem = `was ${JSON.stringify(old)}, is now ${JSON.stringify(now)}`;
    const why = key === 'base' ? otherNumbers(recorded.config, run.config) : '';
    throw new DataError({ file, field: key }, `the run to resume differs: ${problem}${why}`);
  }
  const version = firstDifference(recorded.versions, run.versions);
  if (version) {
    log(
      `warning: the run began with ${version.key} ${version.before} and goes on with ${version.now}; ` +
        'its numbers may differ from an uninterrupted run',
    );
  }
  await removeLeftovers(folder);
  return true;
}

/** The engine's identity is a hash; what of it users have chosen is the precision. */
function otherNumbers(before: Partial<RunConfig>, now: RunConfig): string {
  if (before.engine === undefined) return '';
  const [was, is] = [enginePrecision(before.engine), enginePrecision(now.engine)];
  return was === is ? '' : `; its base was held in ${was}, and is now in ${is}`;
}

/** What a killed writer left beside the files it was about to replace; all of it is written again. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (isLeftover(entry.name)) await rm(path, { recursive: true, force: true });
    else if (entry.isDirectory()) await removeLeftovers(path);
  }
}

/** @throws {UserError} if the file was changed into something this program does not write. */
async function readRecordedRun(file: string): Promise<RecordedRun> {
  try {
    const { [PROVENANCE_KEY]: provenance, ...config } = parse(await readTextFile(file));
    const { versions, hashes } = provenance;
    if (!Array.isArray(config.tasks) || !Array.isArray(hashes.tasks)) throw new TypeError('no tasks');
    return { config, versions, hashes };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new DataError({ file }, 'not the record of a run; choose another folder', { cause: error });
  }
}
