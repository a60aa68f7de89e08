/**
 * A new task's rows, split once: what is trained on, what the gate looks at, and what is only ever reported. Rows with
 * the same prompt lie together, and the order of the file decides nothing.
 */
import { promptKey } from '../data/overlap.ts';
import type { PreferenceRow } from '../data/row.ts';
import { Splitter } from '../data/split.ts';
import { DataError, UserError } from '../support/errors.ts';
import { sha256 } from '../support/hash.ts';
import type { TaskRows } from '../train/task-rows.ts';
import type { SplitSettings } from './config.ts';

export interface SplitRows {
  readonly train: TaskRows;
  /** Limits are checked, and settings searched, on these. */
  readonly gate: TaskRows;
  /** Nothing is ever decided by these. */
  readonly report: TaskRows;
}

/**
 * @param rows of the data file
 * @param test of a file of its own: these are the report rows then, and none of `rows` are
 * @throws {DataError} naming the part that would be too small, and the setting.
 */
export function splitRows(
  rows: TaskRows,
  test: TaskRows | null,
  { gate, report, least }: SplitSettings,
  seed: number,
): SplitRows {
  const count = rows.rows.length;
  const shares = {
    gate: shareOf(gate, count),
    ...(test ? {} : { report: shareOf(report, count) }),
  };
  const left = 1 - Object.values(shares).reduce((sum, share) => sum + share, 0);
  const tooFew = (part: string, found: number) =>
    new DataError(
      { file: rows.file },
      `its ${count} rows leave ${found} for ${part}; at least ${least} are needed (bring more rows, or set ` +
        `${part === 'train' ? 'split.gate and split.report lower' : `split.${part} higher`})`,
    );
  if (left <= 0) throw tooFew('train', 0);
  const names = Object.entries({ ...shares, train: left });
  const splitter = new Splitter(
    names.map(([name, size]) => ({ name, size })),
    seed,
  );
  const keys = rows.rows.map(promptKey);
  for (const key of keys) splitter.see(key);
  try {
    splitter.decide();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new DataError(
      { file: rows.file },
      `its ${count} rows cannot be split: ${error.message.replace(/^--split: /, '')}`,
      { cause: error },
    );
  }
  const partOf = keys.map((key) => splitter.partOf(key));
  const part = (name: string) =>
    subset(
      rows,
      keys.flatMap((_, at) => (partOf[at] === name ? [at] : [])),
    );
  const parts = { train: part('train'), gate: part('gate'), report: test ?? part('report') };
  for (const [name, { rows: own }] of Object.entries(parts)) {
    if (own.length < least) throw tooFew(name, own.length);
  }
  return parts;
}

/** Rows of a data file below which some part would be too small, whatever their prompts. */
export function rowsNeeded({ gate, report, least }: SplitSettings): number {
  const sizes = [gate, report];
  const counts = sizes.filter((size) => size >= 1).reduce((sum, size) => sum + size, 0);
  const shares = sizes.filter((size) => size < 1);
  const left = 1 - shares.reduce((sum, size) => sum + size, 0);
  return Math.max(...shares.map((size) => Math.ceil(least / size)), Math.ceil((least + counts) / left));
}

/** Below 1 a share, from 1 on a number of rows. */
function shareOf(size: number, rows: number): number {
  return size < 1 ? size : Math.min(1, size / rows);
}

/** The rows at some positions of the list, counted from 0. */
export function subset(all: TaskRows, positions: readonly number[]): TaskRows {
  const rows = positions.map((at) => all.rows[at]!);
  return {
    file: all.file,
    sha256: contentHash(rows),
    rows,
    encoded: positions.map((at) => all.encoded[at]!),
    cutPrompts: 0,
    skippedRows: 0,
  };
}

/** Over the texts alone: wherever the rows came from, the same rows have the same hash. */
export function contentHash(rows: readonly PreferenceRow[]): string {
  return sha256(rows.map(({ prompt, chosen, rejected }) => JSON.stringify([prompt, chosen, rejected])));
}
