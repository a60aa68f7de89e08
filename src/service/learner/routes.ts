/** `/v1/learner`: what the learner does, what it has decided, and what a person decides for it. */
import * as z from 'zod';
import { ApiError } from '../api-error.ts';
import { json, type Route, type RouteInput, route } from '../http/route.ts';
import { storedText } from '../http/text.ts';
import { audit } from '../keys/audit.ts';
import type { Store } from '../store/open.ts';
import { type Promotion, promote, rollBack } from './promotion.ts';
import { parseLearnerSettings } from './settings.ts';
import { candidateSchema, candidateState, type Known, learnerState, OFF, stateSchema } from './state.ts';
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

const decisionSchema = z.object({
  id: z.string(),
  at: z.int(),
  actor: z.string(),
  action: z.string(),
  candidate: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
});

const answerSchema = z.object({ text: z.string(), tokens: z.int() }).nullable();
const comparisonSchema = z.object({
  position: z.int(),
  at: z.int(),
  prompt: z.array(z.unknown()),
  serving: answerSchema,
  candidate: answerSchema,
  equal: z.boolean(),
  similarity: z.number(),
  reward: z.number().nullable(),
});

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
        json(await candidateState({ store, settings }, await candidate(store.db, params), true)),
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
        const task = await candidate(store.db, params);
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
          const task = await candidate(transaction, params);
          const by = { actor: caller.id, reason: body.note ?? null };
          if (!(await act(transaction, task, by, known))) throw wrongState(task);
          const detail = { from: task.state, version: task.version };
          await audit(transaction, { actor: caller.id, action: `learner.${name}`, target: task.id, detail });
        });
        const task = await candidate(store.db, params);
        return json(await candidateState(known, task, true));
      },
    });
  return [
    learner('learn', 'Learns now what is accepted, though it be less than it would wait for.', request),
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
    onCandidate('release', 'Lets the feedback of a refused or rolled-back task be learned again.', release),
  ];
}

type LearnerAct = (db: Db, memory: string, by: string) => Promise<void>;
type CandidateAct = (db: Db, task: LearnerTask, by: Promotion, known: Known) => Promise<boolean>;

async function request(db: Db, memory: string, by: string): Promise<void> {
  if (await openTask(db, memory)) {
    const message = 'a candidate is on its way; the next one is trained on what it comes to';
    throw new ApiError(409, message, { code: 'candidate_open' });
  }
  await db.updateTable('learner').set({ requested_by: by }).where('memory', '=', memory).execute();
  await recordDecision(db, { memory, task: null, actor: by, action: 'request' });
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

const release: CandidateAct = async (db, task, { actor, reason }) => {
  if (task.state !== 'refused' && task.state !== 'rolled-back') return false;
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

/** @throws {ApiError} 404 */
async function candidate(db: Db, params: RouteInput<unknown, unknown>['params']): Promise<LearnerTask> {
  const task = await taskById(db, params['id'] as string);
  if (task) return task;
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
    (row): z.output<typeof comparisonSchema> => ({
      ...{ position: row.position, at: row.at, prompt: JSON.parse(row.prompt) as unknown[] },
      serving: answer(row.serving_text, row.serving_tokens),
      candidate: answer(row.candidate_text, row.candidate_tokens),
      equal: row.serving_text !== null && row.serving_text === row.candidate_text,
      ...{ similarity: row.similarity, reward: row.reward },
    }),
  );
}
