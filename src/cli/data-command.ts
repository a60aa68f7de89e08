/** What the `data` commands share: the group, the flags that say how a file is read, progress in bytes. */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { StreamOptions } from '../data/row-stream.ts';
import { UserError } from '../support/errors.ts';
import { type Progress, silentProgress, streamProgress } from '../support/progress.ts';

export function dataCommand(program: Command): Command {
  const existing = program.commands.find((command) => command.name() === 'data');
  return existing ?? program.command('data').description('look at data files and make rows of them');
}

export interface ReadFlags {
  readonly format?: string;
  readonly columns?: string;
  readonly pairs?: string;
  readonly margin?: string;
}

/** The flags that say what a file is, where it shall not be recognised. */
export function withReadFlags(command: Command): Command {
  return command
    .option('--format <name>', 'what the file is, instead of recognising it')
    .option('--columns <names>', 'its columns by the names they should have: prompt=question,chosen=good')
    .option('--pairs <which>', 'of several rated answers: best-worst, or all', 'best-worst')
    .option('--margin <number>', 'the least difference of the ratings of a pair', '0');
}

/** @throws {UserError} */
export async function readingOf({
  format,
  columns,
  pairs = 'best-worst',
  margin = '0',
}: ReadFlags): Promise<StreamOptions> {
  const { columnsOf } = await import('../data/row-stream.ts');
  const { findFormat } = await import('../data/formats/index.ts');
  if (pairs !== 'best-worst' && pairs !== 'all')
    throw new UserError(`--pairs ${pairs}: expected best-worst or all`);
  if (!/^\d+(\.\d+)?$/.test(margin))
    throw new UserError(`--margin ${margin}: expected a number of at least 0`);
  return {
    ...(format === undefined ? {} : { format: findFormat(format).name }),
    ...(columns === undefined ? {} : { columns: columnsOf(columns) }),
    reading: { pairs, margin: Number(margin) },
  };
}

const MEGABYTE = 1e6;

/** A bar over the files' bytes, for files that take a while; `times` says how often they are gone through. */
export async function byteProgress(
  label: string,
  files: readonly string[],
  times = 1,
): Promise<{ onBytes: (bytes: number) => void; bar: Progress }> {
  let total = 0;
  for (const file of files) total += (await stat(file).catch(() => ({ size: 0 }))).size;
  const progress = total < 20 * MEGABYTE ? silentProgress : streamProgress(process.stderr);
  const megabytes = Math.round((times * total) / MEGABYTE);
  const bar = progress({ label, total: megabytes, unit: 'MB' });
  let bytes = 0;
  let shown = 0;
  const onBytes = (more: number) => {
    bytes += more;
    const whole = Math.min(megabytes, Math.round(bytes / MEGABYTE));
    if (whole > shown) bar.advance(whole - shown);
    shown = whole;
  };
  return { onBytes, bar };
}
