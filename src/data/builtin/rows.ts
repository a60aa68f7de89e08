/** Rows of the built-in tasks: situations drawn one after another, no query twice. */
import { Random } from '../../support/random.ts';
import type { BuiltinTask, Split } from './task.ts';

export interface BuiltinRow {
  readonly query: string;
  readonly chosen: string;
  readonly rejected: string;
}

/** Draws in a row that may give nothing new before a task is taken to have no more queries. */
const patience = 2000;

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
    if (!rows.has(query)) {
      rows.set(query, { query, chosen: chosen(own), rejected: rejected(own) });
      idle = 0;
    } else if (++idle === patience) {
      throw new RangeError(`${task.name}: no more than ${rows.size} different ${split} queries`);
    }
  }
  return [...rows.values()];
}
