/**
 * Built-in rows by name, wherever a file of rows is named: `builtin:facts/train`, or with another seed
 * `builtin:facts/train?seed=3`. Neutral conversations have names too: `builtin:neutral/general`.
 */
import { resolve } from 'node:path';
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { builtinTasks } from './index.ts';
import { type NeutralRow, neutralNames, neutralRows } from './neutral/rows.ts';
import { type BuiltinRow, builtinRows } from './rows.ts';
import type { Split } from './task.ts';

/** Rows there are in each split; fewer are taken with the config's `train_rows` and `test_rows`. */
export const builtinRowCounts: Readonly<Record<Split, number>> = { train: 400, validation: 80, test: 120 };

const splits = Object.keys(builtinRowCounts) as Split[];

const prefix = 'builtin:';

/** In a task's place: conversations that belong to none. */
const NEUTRAL = 'neutral';

export function isBuiltinSource(file: string): boolean {
  return file.startsWith(prefix);
}

/** Where rows are: a path made absolute from `folder`, or the name of built-in rows as it is. */
export function resolveSource(folder: string, source: string): string {
  return isBuiltinSource(source) ? source : resolve(folder, source);
}

/**
 * A task's rows, or neutral conversations, by name.
 * @throws {UserError} saying what is wrong with the name.
 */
export function readBuiltinSource(source: string): readonly (BuiltinRow | NeutralRow)[] {
  const { name, part, seed } = parsed(source);
  return name === NEUTRAL
    ? neutralRows(knownPart(source, part, neutralNames), seed)
    : readBuiltinTask(source);
}

/** @throws {UserError} saying what is wrong with the name; neutral conversations are no task. */
export function readBuiltinTask(source: string): BuiltinRow[] {
  const { name, part, seed } = parsed(source);
  const task = builtinTasks.find((candidate) => candidate.name === name);
  if (!task) {
    const known = [...builtinTasks.map((candidate) => candidate.name), NEUTRAL];
    throw new UserError(
      `${source}: no built-in task "${name}"; there are ${known.join(', ')}.${didYouMean(name, known)}`,
    );
  }
  const split = knownPart(source, part, splits);
  return builtinRows(task, split, builtinRowCounts[split], seed);
}

function parsed(source: string): { name: string; part: string; seed: number } {
  const match = /^builtin:([^/?]+)\/([^/?]+)(?:\?seed=(\d{1,9}))?$/.exec(source);
  if (!match)
    throw new UserError(`${source}: expected builtin:<task>/<split>, with ?seed=<number> if wanted`);
  const [, name = '', part = '', seed = '0'] = match;
  return { name, part, seed: Number(seed) };
}

function knownPart<Part extends string>(source: string, given: string, known: readonly Part[]): Part {
  const part = known.find((name) => name === given);
  if (part !== undefined) return part;
  throw new UserError(`${source}: no split "${given}"; there are ${known.join(', ')}`);
}
