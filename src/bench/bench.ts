/**
 * A bench from its config file to its tables: plan, check everything, do the trials, choose, do the runs, write. Each
 * step finds what earlier sittings left, so that a bench that was broken off, or whose config has grown, goes on.
 */
import { basename, extname, join } from 'node:path';
import { openModel } from '../model/resolve.ts';
import { makeFolder } from '../support/atomic-file.ts';
import { lockFolder } from '../support/folder-lock.ts';
import { codeIdentity } from './code-identity.ts';
import type { Bench } from './config/read.ts';
import { Identities } from './identity.ts';
import { type JobList, listJobs, otherRecords } from './jobs.ts';
import { type Place, reportRuns, tuningRuns } from './plan.ts';
import { type JobRecord, readRecord } from './record.ts';
import { matricesJson } from './report/matrices.ts';
import { writeBenchOutput } from './report/write.ts';
import { gatherResults } from './results/gather.ts';
import { chosenBy, firstTrials, type Tuned, tune } from './tuning.ts';
import { runJobs } from './work/run-jobs.ts';

/** A table has dozens of comparisons; where it matters there are several seeds, and nothing is resampled. */
const RESAMPLES = 2000;

export interface BenchOptions {
  /** Where everything goes; what is there goes on. */
  readonly folder: string;
  /** Runs at a time. */
  readonly parallel: number;
  /** Of each run's engine; left out: as many as there are cores. */
  readonly threads?: number | undefined;
  /** Write tables of what is finished, and run nothing. */
  readonly tablesOnly?: boolean;
  readonly keepRuns?: boolean;
  /** Of the bootstrap, where there is one seed; left out: 2,000. */
  readonly resamples?: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/**
 * @returns the main tables as Markdown
 * @throws {UserError} for a config, rows or bases that cannot be used, before anything runs or is written; for a
 *   folder that another bench is at work in; for what a run refuses
 * @throws {Interrupted} after an abort; everything is saved
 */
export async function runBench(bench: Bench, options: BenchOptions): Promise<string> {
  const { folder, log } = options;
  const identities = new Identities();
  // All of it is checked before anything begins; which trial is chosen is not known yet.
  const trials = await listJobs(bench, tuningRuns(bench), folder, identities);
  const assumed = await listJobs(bench, reportRuns(bench, firstTrials), folder, identities);
  if (options.tablesOnly !== true) await checkBases(assumed, log);
  const lock = await lockFolder(folder, log);
  try {
    return await sitting(bench, options, { trials, identities });
  } finally {
    lock.release();
  }
}

async function sitting(
  bench: Bench,
  options: BenchOptions,
  { trials, identities }: { readonly trials: JobList; readonly identities: Identities },
): Promise<string> {
  const { folder, log, tablesOnly = false, resamples = RESAMPLES } = options;
  const code = await codeIdentity();
  const records = new Map<string, JobRecord>();
  const doJobs = async ({ jobs }: JobList) => {
    const done = tablesOnly ? await finished(jobs) : await runJobs(jobs, workOptions(options, code));
    for (const record of done) records.set(record.identity, record);
  };
  const recordOf = (list: JobList) => (place: Place, seed: number) =>
    records.get(list.of(place, seed)?.identity ?? '');

  await makeFolder(join(folder, 'jobs'));
  await doJobs(trials);
  const tuned = tune(bench, recordOf(trials));
  sayChoices(tuned, bench, log);
  const planned = reportRuns(bench, chosenBy(bench, tuned));
  const reported = await listJobs(bench, planned, folder, identities);
  await doJobs(reported);

  const remarks = remarksOn({ folder, code, lists: [trials, reported], records });
  for (const remark of remarks) log(remark);
  log('making the tables');
  const source = { seeds: bench.seeds, record: recordOf(reported), resamples };
  const results = gatherResults(bench, source, tuned);
  const matrices = matricesJson(planned, reported, (identity) => records.get(identity));
  return writeBenchOutput(folder, { results, title: benchTitle(bench), matrices, remarks });
}

/** What a bench is called, by its file. */
export function benchTitle({ file }: Pick<Bench, 'file'>): string {
  return basename(file, extname(file));
}

function workOptions(options: BenchOptions, code: string) {
  const { parallel, threads, keepRuns = false, signal, log } = options;
  return { parallel, threads, keepRuns, signal, log, code };
}

async function finished(jobs: JobList['jobs']): Promise<JobRecord[]> {
  const records = await Promise.all(jobs.map(({ record, identity }) => readRecord(record, identity)));
  return records.filter((record) => record !== null);
}

/** Here, so that a base that is fetched or converted first is so once. */
async function checkBases({ jobs }: JobList, log: (line: string) => void): Promise<void> {
  const warn = (message: string) => log(`warning: ${message}`);
  for (const base of new Set(jobs.map(({ config }) => config.base)))
    await openModel(base, { warn, prefer: 'name' });
}

function sayChoices(tuned: readonly Tuned[], bench: Bench, log: (line: string) => void): void {
  for (const { base, method, trials, chosen } of tuned) {
    const over = bench.bases.length > 1 ? ` over ${base}` : '';
    log(`${method}${over}: trial ${chosen + 1} of ${trials.length}, ${JSON.stringify(trials[chosen]!.set)}`);
  }
}

interface Remarkable {
  readonly folder: string;
  readonly code: string;
  readonly lists: readonly JobList[];
  readonly records: ReadonlyMap<string, JobRecord>;
}

/** What a reader of the tables has to know. */
function remarksOn({ folder, code, lists, records }: Remarkable): string[] {
  const older = [...records.values()].filter((record) => record.code !== code);
  const others = otherRecords(folder, lists);
  return [
    ...(older.length === 0
      ? []
      : [
          `${older.length} of ${records.size} finished runs were made by other code than this (${code}); ` +
            'where a change could have changed numbers, remove their files in jobs/ and run the bench again.',
        ]),
    ...(others.length === 0
      ? []
      : [
          `${others.length} finished runs in jobs/ belong to other settings than the config has now; they stand in no table.`,
        ]),
  ];
}
