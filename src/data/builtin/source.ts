/**
 * Built-in rows by name, wherever a file of rows is named: `builtin:facts/train`, or with another seed
 * `builtin:facts/train?seed=3`.
 */
import { resolve } from 'node:path';
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { builtinTasks } from './index.ts';
import { type BuiltinRow, builtinRows } from './rows.ts';
import type { Split } from './task.ts';

/** Rows there are in each split; fewer are taken with the config's `train_rows` and `test_rows`. */
export const builtinRowCounts: Readonly<Record<Split, number>> = { train: 400, validation: 80, test: 120 };

const prefix = 'builtin:';

export function isBuiltinSource(file: string): boolean {
  return file.startsWith(prefix);
}

/** Where rows are: a path made absolute from `folder`, or the name of built-in rows as it is. */
export function resolveSource(folder: string, source: string): string {
  return isBuiltinSource(source) ? source : resolve(folder, source);
}

/** @throws {UserError} saying what is wrong with the name. */
export function readBuiltinSource(source: string): BuiltinRow[] {
  const match = /^builtin:([^/?]+)\/([^/?]+)(?:\?seed=(\d{1,9}))?$/.exec(source);
  if (!match)
    throw new UserError(`${source}: expected builtin:<task>/<split>, with ?seed=<number> if wanted`);
  const [, name = '', split = '', seed = '0'] = match;
  const names = builtinTasks.map((task) => task.name);
  const task = builtinTasks.find((candidate) => candidate.name === name);
  if (!task) {
    throw new UserError(
      `${source}: no built-in task "${name}"; there are ${names.join(', ')}.${didYouMean(name, names)}`,
    );
  }
  const count = builtinRowCounts[split as Split];
  if (!Object.hasOwn(builtinRowCounts, split) || count === undefined) {
    const splits = Object.keys(builtinRowCounts).join(', ');
    throw new UserError(`${source}: no split "${split}"; there are ${splits}`);
  }
  return builtinRows(task, split as Split, count, Number(seed));
}
