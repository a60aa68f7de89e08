/** `/v1/feedback` and the review queue behind it; deletion by person; the audit log. */
import * as z from 'zod';
import { ApiError, invalid } from '../api-error.ts';
import type { Metrics } from '../http/metrics.ts';
import { json, type Route, route } from '../http/route.ts';
import { readAudit } from '../keys/audit.ts';
import type { Store } from '../store/open.ts';
import { erasePerson } from './erase.ts';
import type { FeedbackStore } from './feedback-store.ts';
import { itemSchema } from './item.ts';
import { feedbackRequestSchema, KINDS, kindOf } from './request.ts';
import { decide, fixSchema, listQueue, queueQuery, readItem } from './review.ts';

export interface FeedbackRoutesOptions {
  readonly feedback: FeedbackStore;
  readonly store: Store;
  readonly metrics: Metrics;
}

const acknowledgement = z.object({
  id: z.string(),
  object: z.literal('feedback'),
  kind: z.enum(KINDS),
  created_at: z.int(),
});

const auditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: z.string().max(64).optional(),
});

const auditEntry = z.object({
  id: z.string(),
  at: z.int(),
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  detail: z.unknown(),
});

const MOST_PERSON = 256;

export function feedbackRoutes({ feedback, store, metrics }: FeedbackRoutesOptions): readonly Route[] {
  const decision = (name: 'accept' | 'reject', summary: string) =>
    route({
      method: 'post',
      path: `/v1/feedback/{id}/${name}`,
      access: 'review',
      documentation: { summary, response: itemSchema, statuses: NOT_FOUND },
      // Empty, but JSON: no form of a foreign page can send it.
      body: z.strictObject({}),
      handle: async ({ params, caller }) =>
        json(
          await decide(
            store,
            params['id'] as string,
            { status: name === 'accept' ? 'accepted' : 'rejected' },
            caller.id,
          ),
        ),
    });
  return [
    route({
      method: 'post',
      path: '/v1/feedback',
      access: 'feedback',
      documentation: {
        summary: 'A rating, an edited answer, a pair or a comment; stored when it is acknowledged.',
        response: acknowledgement,
        success: [200, 201],
        statuses: {
          404: 'No such answer is kept.',
          409: 'The Idempotency-Key came with other feedback before.',
        },
      },
      body: feedbackRequestSchema,
      async handle({ body, caller, headers, logFields }) {
        const kind = kindOf(body);
        try {
          const made = await feedback.add(body, caller.id, idempotencyKey(headers));
          metrics.feedback(kind, made.repeated ? 'repeated' : 'stored');
          logFields['feedback'] = made.id;
          const { id, createdAt } = made;
          return json(
            { id, object: 'feedback', kind: made.kind, created_at: createdAt },
            made.repeated ? 200 : 201,
          );
        } catch (error) {
          if (error instanceof ApiError) metrics.feedback(kind, 'refused');
          throw error;
        }
      },
    }),
    route({
      method: 'get',
      path: '/v1/feedback',
      access: 'review',
      documentation: {
        summary: 'The review queue, in order of arrival; of feedback that says the same, the first.',
        response: z.object({ object: z.literal('list'), data: z.array(itemSchema) }),
      },
      query: queueQuery,
      handle: async ({ query }) => json({ object: 'list', data: await listQueue(store, query) }),
    }),
    route({
      method: 'get',
      path: '/v1/feedback/{id}',
      access: 'review',
      documentation: { summary: 'One item of the queue.', response: itemSchema, statuses: NOT_FOUND },
      handle: async ({ params }) => json(await readItem(store, params['id'] as string)),
    }),
    decision('accept', 'Accepts an item, and all that say the same.'),
    decision('reject', 'Rejects an item, and all that say the same.'),
    route({
      method: 'post',
      path: '/v1/feedback/{id}/fix',
      access: 'review',
      documentation: {
        summary: 'Accepts an item with other texts: a pair of a better and a worse answer.',
        response: itemSchema,
        statuses: NOT_FOUND,
      },
      body: fixSchema,
      handle: async ({ params, body, caller }) =>
        json(await decide(store, params['id'] as string, { status: 'accepted', fix: body }, caller.id)),
    }),
    route({
      method: 'delete',
      path: '/v1/persons/{person}',
      access: 'admin',
      documentation: {
        summary: 'Deletes feedback by a person, answers to them, and feedback on those.',
        response: z.object({
          feedback: z.int(),
          completions: z.int(),
          learned: z.int().meta({
            description:
              'Of the feedback, pieces that a memory was trained on: "lifealign memory forget" is for those.',
          }),
        }),
      },
      async handle({ params, caller }) {
        const person = params['person'] as string;
        if (person.length > MOST_PERSON)
          throw invalid(`a person's name has at most ${MOST_PERSON} characters`);
        return json(await erasePerson(store, person, caller.id));
      },
    }),
    route({
      method: 'get',
      path: '/v1/audit',
      access: 'admin',
      documentation: {
        summary: 'Who did what, the newest first.',
        response: z.object({ object: z.literal('list'), data: z.array(auditEntry) }),
      },
      query: auditQuery,
      handle: async ({ query }) => json({ object: 'list', data: await readAudit(store, query) }),
    }),
  ];
}

const NOT_FOUND = { 404: 'There is no such feedback.' };

/** @throws {ApiError} 400 for one that is none */
function idempotencyKey(headers: Headers): string | null {
  const key = headers.get('idempotency-key');
  if (key === null || /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw invalid('Idempotency-Key: expected 1 to 255 printable ASCII characters without blanks');
}
