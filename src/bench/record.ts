/**
 * What a finished run of a bench leaves: one file, which stays when the run's folder is gone, with everything that
 * tables and tests are made of. No text of any row is in it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { type RunResults, readRunResults } from '../eval/comparison/index.ts';
import { readRunJson } from '../eval/run-file.ts';
import { writeFileAtomic } from '../support/atomic-file.ts';
import { DataError } from '../support/errors.ts';
import type { ConfigTree } from '../train/config/overrides.ts';
import type { RunSummary } from '../train/results.ts';

const FORMAT = 1;

/** Where the run stood among the others is not in it: that is the config's to say, and changes as it grows. */
export interface JobRecord {
  /** For people, as the job was called when it was done. */
  readonly title: string;
  /** The run's identity, whole. */
  readonly identity: string;
  /** Of the sources that decided it, and of what it ran on. */
  readonly code: string;
  readonly versions: Readonly<Record<string, string>>;
  /** As a config of `train` in the bench's folder would have it. */
  readonly config: ConfigTree;
  /** Of work, over all resumes. */
  readonly seconds: number;
  /** Why there are no results. */
  readonly diverged: string | null;
  readonly results: RunResults | null;
  readonly summary: RunSummary | null;
}

const recordFile = z.looseObject({
  format: z.literal(FORMAT),
  title: z.string(),
  identity: z.string(),
  code: z.string(),
  seconds: z.number(),
  diverged: z.string().nullable(),
  results: z.looseObject({ tasks: z.array(z.string()), scores: z.array(z.unknown()) }).nullable(),
});

/** `null` where the job is not done. @throws {DataError} naming a file that is damaged or of another run. */
export async function readRecord(file: string, identity: string): Promise<JobRecord | null> {
  if (!existsSync(file)) return null;
  const record = await readRunJson(recordFile, file);
  if (record.identity !== identity) {
    throw new DataError({ file, field: 'identity' }, 'not the run it is named after; remove the file');
  }
  return record as unknown as JobRecord;
}

export async function writeRecord(file: string, record: JobRecord): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify({ format: FORMAT, ...record })}\n`);
}

/** The results of a run's folder; named as the job is, for messages and tables. */
export async function resultsOf(folder: string, title: string): Promise<RunResults> {
  return { ...(await readRunResults(folder)), folder: title };
}

/** The steps' log of a run is not read; its folder may be removed once the record is written. */
export function recordPath(root: string, name: string): string {
  return join(root, 'jobs', `${name}.json`);
}
