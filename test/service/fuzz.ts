/** Requests as nobody would write them: valid ones with pieces exchanged, and noise. */
import * as fc from 'fast-check';
import type { StoreLocation } from '../../src/service/store/open.ts';
import { openTinyBackend, startTestService } from './service.ts';

export interface MadeUp {
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

const PATHS = [
  '/v1/chat/completions',
  '/v1/feedback',
  '/v1/feedback/fb_0/accept',
  '/v1/feedback/fb_0/fix',
  '/v1/models',
  '/v1/models/tiny',
  '/v1/learner',
  '/v1/learner/learn',
  '/v1/learner/candidates/x',
  '/v1/learner/candidates/x/promote',
  '/v1/learner/candidates/x/comparisons',
  '/v1/learner/decisions',
  '/v1/persons/x',
  '/v1/audit',
  '/metrics',
  '/healthz',
  '/openapi.json',
];

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('tiny', 'user', 'up', 'Hi', '../x', 'a\0b', '\ud800'),
);
const junk = fc.oneof(fc.jsonValue({ maxDepth: 2 }), text, fc.constantFrom(null, -1, 0, 1e308, true, [], {}));

const message = fc.record(
  {
    role: fc.oneof({ weight: 8, arbitrary: fc.constantFrom('system', 'user', 'assistant') }, junk),
    content: fc.oneof({ weight: 8, arbitrary: text }, fc.constant([{ type: 'text', text: 'Hi' }]), junk),
    name: junk,
  },
  { requiredKeys: ['role', 'content'] },
);

/** Mostly what a setting may be. */
const setting = (valid: fc.Arbitrary<unknown>) => fc.oneof({ weight: 6, arbitrary: valid }, junk);

const chat = fc.record(
  {
    model: fc.oneof({ weight: 20, arbitrary: fc.constant('tiny') }, junk),
    messages: fc.oneof({ weight: 12, arbitrary: fc.array(message, { minLength: 1, maxLength: 4 }) }, junk),
    max_tokens: setting(fc.integer({ min: 1, max: 4 })),
    n: setting(fc.integer({ min: 1, max: 4 })),
    temperature: setting(fc.double({ min: 0, max: 2, noNaN: true })),
    top_p: setting(fc.double({ min: 0, max: 1, noNaN: true })),
    seed: setting(fc.maxSafeInteger()),
    stop: setting(fc.oneof(text, fc.array(text, { maxLength: 5 }))),
    stream: setting(fc.boolean()),
    stream_options: setting(fc.constant({ include_usage: true })),
    user: setting(text),
    logit_bias: junk,
    tools: junk,
  },
  { requiredKeys: ['model', 'messages'] },
);

const anything = fc.record(
  {
    completion_id: text,
    choice: setting(fc.nat(3)),
    prompt: setting(text),
    answer: setting(text),
    rating: setting(fc.constantFrom('up', 'down')),
    edited: setting(text),
    chosen: setting(text),
    rejected: setting(text),
    comment: setting(text),
    tags: setting(fc.array(text, { maxLength: 3 })),
    person: setting(text),
  },
  { requiredKeys: [] },
);

/** Pieces of feedback, most of them with something in them exchanged or added. */
const feedback = fc
  .tuple(
    fc.constantFrom(
      { prompt: 'a', chosen: 'b', rejected: 'c' },
      { prompt: 'a', answer: 'b', rating: 'up' },
      { prompt: 'a', answer: 'b', edited: 'c' },
    ),
    fc.oneof(fc.constant({}), anything),
    fc.subarray(['completion_id', 'choice', 'prompt', 'answer', 'rating', 'comment', 'tags', 'person']),
  )
  .map(([valid, other, names]) => ({
    ...valid,
    ...Object.fromEntries(Object.entries(other).filter(([name]) => names.includes(name))),
  }));

const query = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  fc
    .tuple(fc.constantFrom('status', 'limit', 'after', 'kind', 'before', 'x'), text)
    .map(([name, value]) => `?${name}=${encodeURIComponent(value.replace(/\p{Cs}/gu, ''))}`),
);

const path = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...PATHS) },
  text.map((part) => `/v1/${encodeURIComponent(part.replace(/\p{Cs}/gu, ''))}`),
);

const requestOf = (of: fc.Arbitrary<string>, method: fc.Arbitrary<string>, body: fc.Arbitrary<unknown>) =>
  fc.record({
    path: fc.tuple(of, query).map(([start, end]) => start + end),
    method,
    headers: fc.record(
      {
        'content-type': fc.oneof(
          { weight: 12, arbitrary: fc.constant('application/json') },
          fc.constantFrom('text/plain', 'application/json; charset=utf-16', 'x'),
        ),
        'idempotency-key': fc.constantFrom('a', 'b', 'c d', 'e'.repeat(300)),
        authorization: fc.constantFrom('', 'Bearer x', 'Basic eDp5'),
      },
      { requiredKeys: ['content-type'] },
    ),
    body: body.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))),
  });

const post = fc.constant('POST');

export const fuzzRequests: fc.Arbitrary<MadeUp> = fc.oneof(
  { weight: 4, arbitrary: requestOf(fc.constant('/v1/chat/completions'), post, chat) },
  { weight: 4, arbitrary: requestOf(fc.constant('/v1/feedback'), post, feedback) },
  { weight: 2, arbitrary: requestOf(path, fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE'), junk) },
  requestOf(path, fc.constantFrom('GET', 'DELETE', 'HEAD', 'OPTIONS'), fc.constant(null)).map((one) => ({
    ...one,
    body: null,
  })),
);

export interface FuzzReport {
  /** How many answers there were of each status. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly failures: readonly string[];
}

/**
 * Sends made-up requests to a service over the embedded base: a status of 500 or more is a failure, and so is a
 * service that does not answer any more.
 */
export async function fuzzService(
  count: number,
  seed: number,
  location?: StoreLocation,
): Promise<FuzzReport> {
  const { backend } = await openTinyBackend({ maxTokens: 4 });
  const service = await startTestService(backend, { bodyLimit: 2 ** 16, ...(location ? { location } : {}) });
  const statuses: Record<number, number> = {};
  const failures: string[] = [];
  try {
    for (const made of fc.sample(fuzzRequests, { numRuns: count, seed })) {
      const { path, method, headers, body } = made;
      const response = await fetch(`${service.url}${path}`, {
        method,
        headers,
        ...(body === null ? {} : { body }),
      });
      const text = await response.text();
      const { status } = response;
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status >= 500 || text.includes('"type":"server_error"'))
        failures.push(`${status}: ${JSON.stringify(made)}`);
    }
    const { status } = await service.request('/healthz');
    if (status !== 200) failures.push(`/healthz: ${status}`);
    failures.push(...service.log.filter((line) => line.includes('"level":"error"')));
  } finally {
    await service.end();
  }
  return { statuses, failures };
}
