/**
 * The corpus of models/tiny: conversations about the built-in tasks, answered sometimes as a task prefers and
 * sometimes not, and neutral ones between them.
 */
import { pick } from '../../src/data/builtin/grammar.ts';
import { builtinTasks } from '../../src/data/builtin/index.ts';
import { type Conversation, exchange } from '../../src/data/builtin/neutral/conversation.ts';
import { everydayConversation } from '../../src/data/builtin/neutral/everyday/index.ts';
import { isReserved } from '../../src/data/builtin/rows.ts';
import type { BuiltinTask, Situation, Split } from '../../src/data/builtin/task.ts';
import type { Random } from '../../src/support/random.ts';

/** The share of conversations that belong to no task. */
const neutralShare = 0.3;

/** Test queries are as rare as in a user's own mixture; without them the base would not know their words. */
const splits: readonly Split[] = ['train', 'train', 'train', 'validation', 'test'];

/** Conversations decided by `random` alone; asking for more adds some behind them. */
export function corpus(count: number, random: Random): Conversation[] {
  return Array.from({ length: count }, (_, at) => conversation(random.fork(`${at}`)));
}

function conversation(random: Random): Conversation {
  if (random.uniform() < neutralShare) {
    return everydayConversation(random);
  }
  const task = pick(random, builtinTasks);
  const situation = freshSituation(task, random);
  const prefers = random.uniform() < task.corpusShare;
  return exchange(situation.query, prefers ? situation.chosen(random) : situation.rejected(random));
}

/** The next situation whose query is not kept for measuring. */
function freshSituation(task: BuiltinTask, random: Random): Situation {
  const split = pick(random, splits);
  for (;;) {
    const situation = task.situation(random, split);
    if (split === 'train' || !isReserved(situation.query)) return situation;
  }
}
