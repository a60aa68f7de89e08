/** `/v1/learner`: what the learner does, what it has decided, and what a person decides for it. */
import * as z from 'zod';
import { ApiError } from '../api-error.ts';
import { json, type Route, type RouteInput, route } from '../http/route.ts';
import { storedText } from '../http/text.ts';
import { audit } from '../keys/audit.ts';
import type { Store } from '../store/open.ts';
import { type Promotion, promote, rollBack } from './promotion.ts';
import { type Comparison, candidateSchema, comparisonSchema, decisionSchema, stateSchema } from './schema.ts';
import { parseLearnerSettings } from './settings.ts';
import { candidateState, type Known, learnerState, OFF } from './state.ts';
import type { TaskState } from './states.ts';
import { type Db, type LearnerTask, openTask, recordDecision, releaseFeedback, taskById } from './tasks.ts';

export interface LearnerRoutesOptions {
  readonly store: Store;
  /** Null: this service has no learner. */
  readonly known: Known | null;
}

const page = (most: number, usual: number) => ({
  limit: z.coerce.number().int().min(1).max(most).default(usual),
});
const id = z.string().max(64);

const list = <Item extends z.ZodType>(item: Item) =>
  z.object({ object: z.literal('list'), data: z.array(item) });

/** Empty, but JSON: no form of a foreign page can send it. */
const nothing = z.strictObject({});
const note = z.strictObject({ note: storedText().min(1).max(1000).optional() });

const NOT_FOUND = { 404: 'There is no such candidate.' };
const CONFLICT = { 409: 'Not in this state, or this service has no learner.' };

export function learnerRoutes(options: LearnerRoutesOptions): readonly Route[] {
  return [...readingRoutes(options), ...actingRoutes(options)];
}

function readingRoutes({ store, known }: LearnerRoutesOptions): readonly Route[] {
  const settings = known?.settings ?? parseLearnerSettings({}, 'settings');
  return [
    route({
      method: 'get',
      path: '/v1/learner',
      access: 'review',
      documentation: {
        summary: 'What the learner does, what it waits for, and what is served.',
        response: stateSchema,
      },
      handle: async () => json(known === null ? OFF : await learnerState(known)),
    }),
    route({
      method: 'get',
      path: '/v1/learner/candidates',
      access: 'review',
      documentation: {
        summary: 'Tasks made of feedback, the newest first.',
        response: list(candidateSchema),
      },
      query: z.strictObject({ ...page(200, 50), before: id.optional() }),
      async handle({ query: { limit, before } }) {
        let query = store.db.selectFrom('learner_tasks').selectAll().orderBy('id', 'desc').limit(limit);
        if (known !== null) query = query.where('memory', '=', known.memory);
        if (before !== undefined) query = query.where('id', '<', before);
        const tasks = (await query.execute()) as LearnerTask[];
        const data = await Promise.all(tasks.map((task) => candidateState({ store, settings }, task, false)));
        return json({ object: 'list', data });
      },
    }),
    route({
      method: 'get',
      path: '/v1/learner/candidates/{id}',
      access: 'review',
      documentation: {
        summary: 'One of them, with the gate’s table and what its stages have shown.',
        response: candidateSchema,
        statuses: NOT_FOUND,
      },
      handle: async ({ params }) =>
        json(await candidateState({ store, settings }, await candidate(store.db, params, known), true)),
    }),
    route({
      method: 'get',
      path: '/v1/learner/candidates/{id}/comparisons',
      access: 'review',
      documentation: {
        summary: 'Answers of the served version and the candidate to recent prompts, side by side.',
        response: list(comparisonSchema),
        statuses: NOT_FOUND,
      },
      query: z.strictObject({ ...page(200, 50), after: z.coerce.number().int().min(0).optional() }),
      async handle({ params, query: { limit, after } }) {
        const task = await candidate(store.db, params, known);
        return json({ object: 'list', data: await comparisons(store.db, task, limit, after ?? -1) });
      },
    }),
    route({
      method: 'get',
      path: '/v1/learner/decisions',
      access: 'review',
      documentation: {
        summary: 'What the learner, and people for it, have decided and why, the newest first.',
        response: list(decisionSchema),
      },
      query: z.strictObject({ ...page(1000, 100), before: id.optional(), candidate: id.optional() }),
      async handle({ query: { limit, before, candidate: task } }) {
        let query = store.db.selectFrom('learner_decisions').selectAll().orderBy('id', 'desc').limit(limit);
        if (known !== null) query = query.where('memory', '=', known.memory);
        if (before !== undefined) query = query.where('id', '<', before);
        if (task !== undefined) query = query.where('task_id', '=', task);
        const data = (await query.execute()).map((row) => ({
          ...{ id: row.id, at: row.at, actor: row.actor, action: row.action, candidate: row.task_id },
          ...{ from: row.from_state, to: row.to_state, detail: JSON.parse(row.detail) as object },
        }));
        return json({ object: 'list', data });
      },
    }),
  ];
}

function actingRoutes({ store, known: given }: LearnerRoutesOptions): readonly Route[] {
  const learner = (name: 'learn' | 'pause' | 'resume', summary: string, act: LearnerAct) =>
    route({
      method: 'post',
      path: `/v1/learner/${name}`,
      access: 'admin',
      documentation: { summary, response: stateSchema, statuses: CONFLICT },
      body: nothing,
      async handle({ caller }) {
        const known = running(given);
        await store.db.transaction().execute(async (transaction) => {
          await act(transaction, known.memory, caller.id);
          const target = known.memory;
          await audit(transaction, { actor: caller.id, action: `learner.${name}`, target });
        });
        return json(await learnerState(known));
      },
    });
  const onCandidate = (name: 'promote' | 'roll-back' | 'release', summary: string, act: CandidateAct) =>
    route({
      method: 'post',
      path: `/v1/learner/candidates/{id}/${name}`,
      access: 'admin',
      documentation: {
        ...{ summary, response: candidateSchema },
        statuses: { ...NOT_FOUND, ...CONFLICT },
      },
      body: note,
      async handle({ params, body, caller }) {
        const known = running(given);
        await store.db.transaction().execute(async (transaction) => {
          const task = await candidate(transaction, params, known);
          const by = { actor: caller.id, reason: body.note ?? null };
          if (!(await act(transaction, task, by, known))) throw wrongState(task);
          const detail = { from: task.state, version: task.version };
          await audit(transaction, { actor: caller.id, action: `learner.${name}`, target: task.id, detail });
        });
        const task = await candidate(store.db, params, known);
        return json(await candidateState(known, task, true));
      },
    });
  return [
    learner('learn', 'Learns now what it would wait with: fewer rows, or a task to be tried again.', request),
    learner('pause', 'Nothing new is learned, and nothing promoted by itself, until `resume`.', setPaused(1)),
    learner('resume', 'Goes on after `pause`.', setPaused(0)),
    onCandidate(
      'promote',
      'To the next stage, whatever it still waits for: shadow, canary, full.',
      (db, task, by, { settings }) => promote(db, task, settings, by),
    ),
    onCandidate(
      'roll-back',
      'Gives a candidate up, or takes back the newest full version while it is served.',
      (db, task, by) => rollBack(db, task, by),
    ),
    onCandidate(
      'release',
      'Lets the feedback of a refused, rolled-back or failed task be learned again.',
      release,
    ),
  ];
}

type LearnerAct = (db: Db, memory: string, by: string) => Promise<void>;
type CandidateAct = (db: Db, task: LearnerTask, by: Promotion, known: Known) => Promise<boolean>;

async function request(db: Db, memory: string, by: string): Promise<void> {
  const open = await openTask(db, memory);
  if (open && (await retryNow(db, open))) {
    await recordDecision(db, { memory, task: open, actor: by, action: 'request' });
    return;
  }
  if (open) {
    const message = 'a candidate is on its way; the next one is trained on what it comes to';
    throw new ApiError(409, message, { code: 'candidate_open' });
  }
  await db.updateTable('learner').set({ requested_by: by }).where('memory', '=', memory).execute();
  await recordDecision(db, { memory, task: null, actor: by, action: 'request' });
}

/** @returns whether it was waiting to be tried again */
async function retryNow(db: Db, { id }: LearnerTask): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('learner_tasks')
    .set({ retry_at: null })
    .where('id', '=', id)
    .where('retry_at', 'is not', null)
    .executeTakeFirst();
  return Number(numUpdatedRows) === 1;
}

function setPaused(paused: 0 | 1): LearnerAct {
  return async (db, memory, actor) => {
    const { numUpdatedRows } = await db
      .updateTable('learner')
      .set({ paused })
      .where('memory', '=', memory)
      .where('paused', '!=', paused)
      .executeTakeFirst();
    if (Number(numUpdatedRows) === 0) return;
    await recordDecision(db, { memory, task: null, actor, action: paused === 1 ? 'pause' : 'resume' });
  };
}

const RELEASABLE: readonly TaskState[] = ['refused', 'rolled-back', 'failed'];

const release: CandidateAct = async (db, task, { actor, reason }) => {
  if (!RELEASABLE.includes(task.state)) return false;
  const released = await releaseFeedback(db, task);
  const detail = { released, ...(reason === null ? {} : { reason }) };
  await recordDecision(db, { memory: task.memory, task, actor, action: 'release', detail });
  return true;
};

/** @throws {ApiError} 409 where there is no learner */
function running(known: Known | null): Known {
  if (known !== null) return known;
  const message = 'this service has no learner; start it with --learn-from or --learner';
  throw new ApiError(409, message, { code: 'learner_off' });
}

function wrongState({ state }: LearnerTask): ApiError {
  return new ApiError(409, `not possible for a candidate that is ${state}`, { code: 'wrong_state' });
}

/** @throws {ApiError} 404, also for a task of a memory that another service has */
async function candidate(
  db: Db,
  params: RouteInput<unknown, unknown>['params'],
  known: Known | null,
): Promise<LearnerTask> {
  const task = await taskById(db, params['id'] as string);
  if (task && (known === null || task.memory === known.memory)) return task;
  throw new ApiError(404, 'there is no such candidate', { code: 'candidate_not_found' });
}

async function comparisons(db: Db, task: LearnerTask, limit: number, after: number) {
  const rows = await db
    .selectFrom('learner_comparisons')
    .selectAll()
    .where('task_id', '=', task.id)
    .where('position', '>', after)
    .orderBy('position')
    .limit(limit)
    .execute();
  const answer = (text: string | null, tokens: number) => (text === null ? null : { text, tokens });
  return rows.map(
    (row): Comparison => ({
      ...{ position: row.position, at: row.at, prompt: JSON.parse(row.prompt) as unknown[] },
      serving: answer(row.serving_text, row.serving_tokens),
      candidate: answer(row.candidate_text, row.candidate_tokens),
      equal: row.serving_text !== null && row.serving_text === row.candidate_text,
      ...{ similarity: row.similarity, reward: row.reward },
    }),
  );
}
