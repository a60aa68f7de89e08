/** Planned runs as jobs: each has a file and a folder of its own, and runs of one identity are one job. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ConfigTree } from '../train/config/overrides.ts';
import { resolveRunConfig } from '../train/config/resolve.ts';
import type { RunConfig } from '../train/config/schema.ts';
import type { Bench } from './config/read.ts';
import type { Identities } from './identity.ts';
import { type Place, type PlannedRun, placeKey, runOrigin } from './plan.ts';
import { recordPath } from './record.ts';

export interface Job {
  /** For people: `lifealign, lambda 0.3, seed 2`. */
  readonly title: string;
  readonly identity: string;
  /** What is there once it is done. */
  readonly record: string;
  /** Where it is under way. */
  readonly folder: string;
  /** As planned, with paths relative to the bench's file. */
  readonly tree: ConfigTree;
  /** Complete, with absolute paths: what the run is started from. */
  readonly config: RunConfig;
  /** Where the config came from, for messages. */
  readonly origin: string;
}

/** The jobs to do, in that order, and which of them stands behind a number. */
export interface JobList {
  readonly jobs: readonly Job[];
  of(place: Place, seed: number): Job | undefined;
}

/** Of the identity: enough that no two runs of a bench are mixed up. */
const HASH_LENGTH = 12;

/**
 * Resolves every run's config, which checks it, and finds its place below `root`: names end with the run's
 * identity, and what stands before that, from the labels, may have changed since.
 *
 * @throws {UserError} for the first config that `train` would refuse, naming method and key; for rows not there.
 */
export async function listJobs(
  bench: Bench,
  runs: readonly PlannedRun[],
  root: string,
  identities: Identities,
): Promise<JobList> {
  const known = knownNames(root);
  const jobs = new Map<string, Job>();
  const places = new Map<string, Job>();
  for (const { place, seed, tree } of runs) {
    const origin = runOrigin(bench, place);
    const config = await resolveRunConfig(tree, { file: origin, folder: bench.folder });
    const identity = await identities.of(config);
    const hash = identity.slice(0, HASH_LENGTH);
    const name = known.get(hash) ?? `${folderLabel(place, seed)}-${hash}`;
    const job = jobs.get(identity) ?? {
      title: titleOf(bench, place, seed),
      identity,
      record: recordPath(root, name),
      folder: join(root, 'runs', name),
      tree,
      config,
      origin,
    };
    jobs.set(identity, job);
    places.set(seededKey(place, seed), job);
  }
  return { jobs: [...jobs.values()], of: (place, seed) => places.get(seededKey(place, seed)) };
}

/** Finished runs that are none of these jobs: of a config as it was before. */
export function otherRecords(root: string, lists: readonly JobList[]): string[] {
  const ours = new Set(lists.flatMap(({ jobs }) => jobs.map(({ record }) => basename(record))));
  return entriesOf(join(root, 'jobs')).filter((name) => name.endsWith('.json') && !ours.has(name));
}

function seededKey(place: Place, seed: number): string {
  return `${placeKey(place)} ${seed}`;
}

/** Names of finished runs and of those under way, by the hash they end with. */
function knownNames(root: string): Map<string, string> {
  const names = [
    ...entriesOf(join(root, 'runs')),
    ...entriesOf(join(root, 'jobs')).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : [])),
  ];
  return new Map(names.map((name) => [name.slice(-HASH_LENGTH), name]));
}

function entriesOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function folderLabel({ base, order, method, setting, split }: Place, seed: number): string {
  const parts = [split === 'test' ? '' : split, base, order, method, setting, `seed${seed}`];
  return parts
    .map((part) => part.replaceAll(/[^A-Za-z0-9.=]+/g, '_').slice(0, 40))
    .filter((part) => part !== '')
    .join('-');
}

/** What is the same for all jobs need not be said. */
function titleOf(
  { bases, orders }: Bench,
  { base, order, method, setting, split }: Place,
  seed: number,
): string {
  const parts = [
    method,
    setting,
    split === 'test' ? '' : 'validation rows',
    orders.length > 1 ? `order ${order}` : '',
    bases.length > 1 ? `base ${base}` : '',
    `seed ${seed}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
