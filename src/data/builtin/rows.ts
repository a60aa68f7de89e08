/**
 * Rows of the built-in tasks: situations drawn one after another, no query twice. Half of all queries are
 * reserved for measuring, whatever the seed: the corpus of the embedded base has none of them.
 */
import { sha256 } from '../../support/hash.ts';
import { Random } from '../../support/random.ts';
import type { BuiltinTask, Split } from './task.ts';

export interface BuiltinRow {
  readonly query: string;
  readonly chosen: string;
  readonly rejected: string;
}

/** Draws in a row that may give nothing new before a task is taken to have no more queries. */
const patience = 2000;

/** Whether validation and test rows may ask this and the base's corpus may not: half of all queries. */
export function isReserved(query: string): boolean {
  return Number.parseInt(sha256(['built-in query', query]).slice(0, 2), 16) % 2 === 0;
}

/**
 * The split's first `count` rows under a seed: asking for more adds rows behind them.
 *
 * @throws {RangeError} if the task has not that many different queries: a defect of its grammar.
 */
export function builtinRows(task: BuiltinTask, split: Split, count: number, seed: number): BuiltinRow[] {
  const random = Random.fromSeed(seed).fork(`${task.name} ${split}`);
  const rows = new Map<string, BuiltinRow>();
  for (let draw = 0, idle = 0; rows.size < count; draw++) {
    const own = random.fork(`${draw}`);
    const { query, chosen, rejected } = task.situation(own, split);
    const isWanted = split === 'train' || isReserved(query);
    if (isWanted && !rows.has(query)) {
      rows.set(query, { query, chosen: chosen(own), rejected: rejected(own) });
      idle = 0;
    } else if (++idle === patience) {
      throw new RangeError(`${task.name}: no more than ${rows.size} different ${split} queries`);
    }
  }
  return [...rows.values()];
}
