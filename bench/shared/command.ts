/** What the measurements' command lines share: flags, errors, and where results go. */
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { makeFolder, writeFileAtomic, writeJsonFile } from '../../src/support/atomic-file.ts';
import { UserError } from '../../src/support/errors.ts';
import { errorCode } from '../../src/support/file-error.ts';
import { BENCHMARK } from '../../test/parity/benchmark-data.ts';
import { commitOfCheckout } from './checkout.ts';
import type { Comparison } from './comparison.ts';
import { appendHistory, type Form } from './history.ts';
import { type Machine, machineSlug } from './machine.ts';
import { ourVersions } from './versions.ts';

/** As `parseArgs`, with a `UserError` for a flag that is not known. */
export function readFlags<Options extends NonNullable<ParseArgsConfig['options']>>(options: Options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    if (errorCode(error)?.startsWith('ERR_PARSE_ARGS_')) throw new UserError((error as Error).message);
    throw error;
  }
}

/** A flag's value in a measurement that counts, and in one of a minute or two. */
export type Sizes<Name extends string> = Readonly<
  Record<Name, { readonly full: string; readonly short: string }>
>;

export interface SizedFlags<Name extends string> {
  readonly sizes: Readonly<Record<Name, string>>;
  /** `custom`: a size, or the number of threads, is neither the full nor the short form's. */
  readonly form: Form;
  readonly threads: number;
  /** The benchmark's folder. */
  readonly data: string;
  readonly record: boolean;
  readonly resume: boolean;
}

/** `--short`, `--record`, `--resume`, `--threads N`, `--data FOLDER`, and a flag for each size. */
export function readSizedFlags<Name extends string>(sizes: Sizes<Name>): SizedFlags<Name> {
  const flags = readFlags({
    ...Object.fromEntries(Object.keys(sizes).map((name) => [name, { type: 'string' } as const])),
    short: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
    threads: { type: 'string', default: String(availableParallelism()) },
    data: { type: 'string', default: BENCHMARK },
  }) as Readonly<Record<string, string | boolean | undefined>>;
  const isShort = flags['short'] === true;
  const usual = (name: Name) => sizes[name][isShort ? 'short' : 'full'];
  const names = Object.keys(sizes) as Name[];
  const given = Object.fromEntries(names.map((name) => [name, flags[name] ?? usual(name)]));
  const threads = wholeNumber('--threads', String(flags['threads']), 1, 1024);
  const isUsual = threads === availableParallelism() && names.every((name) => given[name] === usual(name));
  return {
    sizes: given as Record<Name, string>,
    form: isUsual ? (isShort ? 'short' : 'full') : 'custom',
    threads,
    data: String(flags['data']),
    record: flags['record'] === true,
    resume: flags['resume'] === true,
  };
}

/**
 * Runs a measurement; bad usage gives a message alone, and its exit code. Signals end it in order: measured
 * processes and scratch folders go with it.
 */
export async function runCommand(work: () => Promise<void>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  try {
    await work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

export interface Publication {
  /** For people. */
  readonly markdown: string;
  /** All that was measured. */
  readonly numbers: object;
  readonly comparisons: readonly Comparison[];
  /** Of the other programs that were at work. */
  readonly versions: Readonly<Record<string, string>>;
  readonly form: Form;
  readonly record: boolean;
}

/** What the last run of a measurement left, whether it was recorded or not. */
export interface LastResult {
  readonly machine: string;
  readonly form: Form;
  /** With the machine's name in each. */
  readonly comparisons: readonly (Comparison & { readonly machine: string })[];
}

export function lastResultFile(bench: string): string {
  return fileURLToPath(new URL(`../../runs/bench/${bench}-result.json`, import.meta.url));
}

/**
 * Prints the report and writes its comparisons to runs/bench/. With `record` they are added to the history; of the
 * full form the report, with all its numbers, goes to `bench/results/<bench>-<machine>.md` and `.json` as well.
 */
export async function publish(bench: string, machine: Machine, publication: Publication): Promise<void> {
  const { markdown, numbers, comparisons, form, record } = publication;
  const slug = machineSlug(machine);
  process.stdout.write(markdown);
  const last = lastResultFile(bench);
  await makeFolder(dirname(last));
  const named = comparisons.map((comparison) => ({ ...comparison, machine: slug }));
  await writeJsonFile(last, { machine: slug, form, comparisons: named } satisfies LastResult);
  if (!record) return;
  const versions = { ...ourVersions(), ...publication.versions };
  const [date, commit] = [new Date().toISOString(), await commitOfCheckout()];
  await appendHistory({ date, bench, form, machine: slug, cpu: machine.cpu, commit, versions }, comparisons);
  process.stderr.write('recorded in bench/results/history.jsonl\n');
  if (form !== 'full') return;
  const path = fileURLToPath(new URL(`../results/${bench}-${slug}`, import.meta.url));
  await writeFileAtomic(`${path}.md`, markdown);
  await writeJsonFile(`${path}.json`, { machine, commit, comparisons: named, ...numbers });
  process.stderr.write(`recorded in bench/results/${bench}-${slug}.md and .json\n`);
}
