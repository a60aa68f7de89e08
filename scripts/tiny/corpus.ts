/**
 * The corpus of models/tiny: conversations about the built-in tasks, answered sometimes as a task prefers and
 * sometimes not, and neutral ones between them.
 */
import { pick } from '../../src/data/builtin/grammar.ts';
import { builtinTasks } from '../../src/data/builtin/index.ts';
import { builtinRows } from '../../src/data/builtin/rows.ts';
import { builtinRowCounts } from '../../src/data/builtin/source.ts';
import type { BuiltinTask, Situation, Split } from '../../src/data/builtin/task.ts';
import type { Random } from '../../src/support/random.ts';
import { type Conversation, exchange } from './conversation.ts';
import { contentConversation } from './filler/content.ts';
import { supportConversation } from './filler/support.ts';

/** The share of conversations that belong to no task. */
const neutralShare = 0.3;

/** Test queries are as rare as in a user's own mixture; without them the base would not know their words. */
const splits: readonly Split[] = ['train', 'train', 'train', 'validation', 'test'];

/** Seeds of the built-in rows whose test queries the corpus does without. */
export const withheldSeeds: readonly number[] = [0, 1, 2, 3, 4];

/** Conversations decided by `random` alone; asking for more adds some behind them. */
export function corpus(count: number, random: Random): Conversation[] {
  const withheld = publishedTestQueries();
  return Array.from({ length: count }, (_, at) => conversation(random.fork(`${at}`), withheld));
}

function conversation(random: Random, withheld: ReadonlySet<string>): Conversation {
  if (random.uniform() < neutralShare) {
    return pick(random, [supportConversation, contentConversation])(random);
  }
  const task = pick(random, builtinTasks);
  const situation = freshSituation(task, random, withheld);
  const prefers = random.uniform() < task.corpusShare;
  return exchange(situation.query, prefers ? situation.chosen(random) : situation.rejected(random));
}

/** The next situation whose query is none of the test rows'. */
function freshSituation(task: BuiltinTask, random: Random, withheld: ReadonlySet<string>): Situation {
  const split = pick(random, splits);
  for (let draw = 0; draw < 100; draw++) {
    const situation = task.situation(random, split);
    if (!withheld.has(situation.query)) return situation;
  }
  throw new Error(`${task.name}: the test rows hold nearly every ${split} query`);
}

/** Of the built-in stream under the first seeds: the base must not have seen what it is tested on. */
function publishedTestQueries(): Set<string> {
  const rows = builtinTasks.flatMap((task) =>
    withheldSeeds.flatMap((seed) => builtinRows(task, 'test', builtinRowCounts.test, seed)),
  );
  return new Set(rows.map(({ query }) => query));
}
