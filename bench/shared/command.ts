/** What the measurements' command lines share: flags, errors, and where results go. */

import { fileURLToPath } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { writeFileAtomic, writeJsonFile } from '../../src/support/atomic-file.ts';
import { UserError } from '../../src/support/errors.ts';
import { errorCode } from '../../src/support/file-error.ts';
import { type Machine, machineSlug } from './machine.ts';

/** As `parseArgs`, with a `UserError` for a flag that is not known. */
export function readFlags<Options extends NonNullable<ParseArgsConfig['options']>>(options: Options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    if (errorCode(error)?.startsWith('ERR_PARSE_ARGS_')) throw new UserError((error as Error).message);
    throw error;
  }
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

/**
 * Prints the report; with `record` it is also written, with all its numbers, to
 * `bench/results/<name>-<machine>.md` and `.json`.
 */
export async function publish(
  name: string,
  machine: Machine,
  { markdown, numbers, record }: { markdown: string; numbers: object; record: boolean },
): Promise<void> {
  process.stdout.write(markdown);
  if (!record) return;
  const path = fileURLToPath(new URL(`../results/${name}-${machineSlug(machine)}`, import.meta.url));
  await writeFileAtomic(`${path}.md`, markdown);
  await writeJsonFile(`${path}.json`, { machine, ...numbers });
  process.stderr.write(`recorded in bench/results/${name}-${machineSlug(machine)}.md and .json\n`);
}
