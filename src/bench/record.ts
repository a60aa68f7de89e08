/** What a finished run of a bench leaves: one small file, which stays when the run's folder is gone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { readRunJson } from '../eval/run-file.ts';
import { writeFileAtomic } from '../support/atomic-file.ts';
import { DataError } from '../support/errors.ts';
import type { ConfigTree } from '../train/config/overrides.ts';
import { type BenchRun, readWritten, written, writtenRun } from './results/run.ts';

/** Where the run stands among the others is not in it: that is the config's to say, and changes as it grows. */
export interface JobRecord {
  /** For people, as the job was called when it was done. */
  readonly title: string;
  /** The run's identity, whole. */
  readonly identity: string;
  /** Of the sources that decided it. */
  readonly code: string;
  /** Of this program, of Node and of what the engine computes with. */
  readonly versions: Readonly<Record<string, string>>;
  /** As a config of `train` in the bench's folder would have it. */
  readonly config: ConfigTree;
  /** Of work, over all resumes. */
  readonly seconds: number;
  /** Why there are no results. */
  readonly diverged: string | null;
  readonly run: BenchRun | null;
}

const FORMAT = 1;

const recordFile = z.object({
  format: z.literal(FORMAT),
  title: z.string(),
  identity: z.string(),
  code: z.string(),
  versions: z.record(z.string(), z.string()),
  config: z.record(z.string(), z.unknown()),
  seconds: z.number(),
  diverged: z.string().nullable(),
  run: writtenRun.nullable(),
});

export function recordPath(root: string, name: string): string {
  return join(root, 'jobs', `${name}.json`);
}

/** `null` where the job is not done. @throws {DataError} naming a file that is damaged or of another run. */
export async function readRecord(file: string, identity: string): Promise<JobRecord | null> {
  if (!existsSync(file)) return null;
  const { format: _, run, ...record } = await readRunJson(recordFile, file);
  if (record.identity !== identity) {
    throw new DataError({ file, field: 'identity' }, 'not the run that the file is named after; remove it');
  }
  return { ...record, run: run && readWritten(run) };
}

export async function writeRecord(file: string, { run, ...record }: JobRecord): Promise<void> {
  const content = { format: FORMAT, ...record, run: run && written(run) };
  await writeFileAtomic(file, `${JSON.stringify(content)}\n`);
}
