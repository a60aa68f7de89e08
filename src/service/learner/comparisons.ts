/**
 * The shadow stage: recent prompts answered by what is served and by the candidate, greedily, side by side, one prompt
 * after another. Nobody gets these answers; they are for whoever decides.
 */
import type { Kysely } from 'kysely';
import { sentenceChrf } from '../../eval/text-metrics/chrf.ts';
import { ApiError } from '../api-error.ts';
import { redactMessage } from '../feedback/completion-log.ts';
import type { Redact } from '../feedback/redact.ts';
import type { Store } from '../store/open.ts';
import type { Tables } from '../store/tables.ts';
import type { Answered, Answering } from './answering.ts';
import type { Lease } from './lease.ts';
import type { LearnerTask } from './tasks.ts';

export interface Comparing {
  readonly store: Store;
  readonly lease: Lease;
  readonly answering: Answering;
  readonly redact: Redact;
  /** Aborted when the service ends. */
  readonly ending: AbortSignal;
  readonly prompts: number;
  readonly maxTokens: number;
}

interface RecentPrompt {
  readonly id: string;
  readonly person: string | null;
  readonly messages: string;
}

/** Of prompts that stand there more than once, the newest; so many rows are looked at for each that is wanted. */
const LOOKED_AT = 4;

/** The prompts that a task is compared on: the newest when it came into the stage. */
export async function recentPrompts(
  db: Kysely<Tables>,
  { memory, state_at }: Pick<LearnerTask, 'memory' | 'state_at'>,
  count: number,
): Promise<readonly RecentPrompt[]> {
  const rows = await db
    .selectFrom('completions')
    .select(['id', 'person', 'messages', 'model'])
    .where(({ eb, or }) => or([eb('model', '=', memory), eb('model', 'like', `${memory}@%`)]))
    .where('at', '<=', state_at)
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(LOOKED_AT * count)
    .execute();
  const seen = new Set<string>();
  // An underscore of the name stands for any character in the pattern.
  const own = rows.filter(({ model }) => model === memory || model.startsWith(`${memory}@`));
  return own.filter(({ messages }) => !seen.has(messages) && seen.add(messages)).slice(0, count);
}

export type Compared = 'one' | 'none left' | 'later';

/** Compares one more prompt. */
export async function compareNext(comparing: Comparing, task: LearnerTask): Promise<Compared> {
  const { store, lease, redact, prompts } = comparing;
  const done = await store.db
    .selectFrom('learner_comparisons')
    .select(['position', 'completion_id'])
    .where('task_id', '=', task.id)
    .execute();
  const known = new Set(done.map(({ completion_id }) => completion_id));
  const next = (await recentPrompts(store.db, task, prompts)).find(({ id }) => !known.has(id));
  if (next === undefined || done.length >= prompts) return 'none left';
  const messages = JSON.parse(next.messages) as readonly unknown[];
  const serving = await answer(comparing, task.from_version!, task, messages);
  const candidate = serving === 'busy' ? serving : await answer(comparing, task.version!, task, messages);
  if (serving === 'busy' || candidate === 'busy') return 'later';
  const both = serving !== null && candidate !== null;
  const reward = both ? await rewardOf(comparing, task, { messages, serving, candidate }) : null;
  const clear = async (made: Answered | null) => (made === null ? null : redact(made.text));
  const row = {
    ...{ task_id: task.id, position: Math.max(-1, ...done.map(({ position }) => position)) + 1 },
    ...{ at: Date.now(), completion_id: next.id, person: next.person },
    prompt: JSON.stringify(await Promise.all(messages.map((message) => redactMessage(message, redact)))),
    ...{ serving_text: await clear(serving), serving_tokens: serving?.tokens ?? 0 },
    ...{ candidate_text: await clear(candidate), candidate_tokens: candidate?.tokens ?? 0 },
    similarity: both ? sentenceChrf({ prediction: candidate.text, reference: serving.text }) : 0,
    reward,
  };
  await lease.fenced((transaction) => transaction.insertInto('learner_comparisons').values(row).execute());
  return 'one';
}

interface Pair {
  readonly messages: readonly unknown[];
  readonly serving: Answered;
  readonly candidate: Answered;
}

/** Under the candidate; what was cut off has no end whose probability would mean anything. */
async function rewardOf(
  { answering }: Comparing,
  task: LearnerTask,
  { messages, serving, candidate }: Pair,
): Promise<number | null> {
  if (serving.text === candidate.text) return 0;
  if (!serving.ended || !candidate.ended) return null;
  return answering.reward(modelOf(task, task.version!), messages, candidate.text, serving.text);
}

function modelOf({ memory }: LearnerTask, version: number): string {
  return `${memory}@v${version}`;
}

/** Null for a prompt that cannot be answered, now or ever. */
async function answer(
  { answering, maxTokens, lease, ending }: Comparing,
  version: number,
  task: LearnerTask,
  messages: readonly unknown[],
): Promise<Answered | null | 'busy'> {
  const signal = AbortSignal.any([lease.signal, ending]);
  try {
    return await answering.answer(modelOf(task, version), messages, maxTokens, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ApiError)) throw error;
    // People's requests come first; and a version may not have been read yet.
    return error.status === 429 || error.status === 503 || error.status === 404 ? 'busy' : null;
  }
}
