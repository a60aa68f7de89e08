/** In front of another server: what is passed on, what is not, and what its faults become. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { parseUpstream, UpstreamBackend } from '../../src/service/chat/upstream.ts';
import { startTestService, type TestService } from './service.ts';

interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A service in front of a server that answers so. */
async function start(
  answer: (asked: Asked, response: ServerResponse) => void,
  { key = 'upstream-key', concurrency = 8, answerTimeout = 10_000 } = {},
) {
  const asked: Asked[] = [];
  const server: Server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const one = { path: request.url!, headers: request.headers, body: text === '' ? {} : JSON.parse(text) };
    asked.push(one);
    answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  const url = parseUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/`);
  const backend = new UpstreamBackend({ url, key, concurrency });
  const service = await startTestService(backend, { answerTimeout });
  ends.push(() => service.end());
  const client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'client-key', maxRetries: 0 });
  return { service, asked, client, backend };
}

const json = (response: ServerResponse, value: unknown, status = 200, headers: object = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));

const made = (content: string) => ({
  ...{ id: 'chatcmpl-up', object: 'chat.completion', created: 5, model: 'large' },
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop', extra: 1 }],
  usage: { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 },
});

const ASK = { model: 'large', messages: [{ role: 'user' as const, content: 'Hi' }] };
const ask = (service: TestService, more: object = {}, headers: Record<string, string> = {}) =>
  service.request('/v1/chat/completions', { body: { ...ASK, ...more }, headers });

const feedbackOn = async (service: TestService, id: string) => {
  await service.request('/v1/feedback', { body: { completion_id: id, rating: 'up' } });
  const { data } = (await (await service.request('/v1/feedback')).json()) as { data: object[] };
  return data;
};

describe('the upstream', () => {
  it('gets the request as it is, with this service’s key in place of the client’s', async () => {
    const { service, asked, client } = await start((_, response) => json(response, made('Hello.')));
    const answer = await client.chat.completions.create({ ...ASK, logprobs: true, frequency_penalty: 0.5 });
    expect(answer).toMatchObject({
      id: 'chatcmpl-up',
      choices: [{ message: { content: 'Hello.' }, extra: 1 }],
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      path: '/api/v1/chat/completions',
      headers: { authorization: 'Bearer upstream-key', 'content-type': 'application/json' },
      body: { ...ASK, logprobs: true, frequency_penalty: 0.5 },
    });
    expect(JSON.stringify(asked[0]!.headers)).not.toContain('client-key');
    expect(await feedbackOn(service, 'chatcmpl-up')).toMatchObject([
      { answer: 'Hello.', model: 'large', prompt: ASK.messages },
    ]);
  });

  it('streams through, and what it said is known at its end', async () => {
    const chunk = (delta: object, finish_reason: string | null = null) =>
      `data: ${JSON.stringify({ ...made(''), object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    const { service, client } = await start((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const text = `${chunk({ content: 'Grüße' })}${chunk({ content: ' an Sie' })}${chunk({}, 'stop')}data: [DONE]\n\n`;
      const bytes = Buffer.from(text);
      // Cut inside a character and inside lines.
      for (let from = 0; from < bytes.length; from += 7) response.write(bytes.subarray(from, from + 7));
      response.end();
    });
    const stream = await client.chat.completions.create({ ...ASK, stream: true });
    let text = '';
    for await (const part of stream) text += part.choices[0]?.delta.content ?? '';
    expect(text).toBe('Grüße an Sie');
    expect(await feedbackOn(service, 'chatcmpl-up')).toMatchObject([{ answer: 'Grüße an Sie' }]);
  });

  it('sends no headers of its own to clients', async () => {
    const { service } = await start((_, response) =>
      json(response, made('Hello.'), 200, {
        ...{ 'set-cookie': 'a=b', 'access-control-allow-origin': '*', server: 'secret 1.0' },
        'x-request-id': 'theirs',
      }),
    );
    const { headers, status } = await ask(service);
    expect(status).toBe(200);
    for (const name of ['set-cookie', 'access-control-allow-origin', 'server'])
      expect(headers.get(name)).toBeNull();
    expect(headers.get('x-request-id')).toMatch(/^req_/);
  });

  it('lists its models', async () => {
    const { client, asked } = await start((_, response) =>
      json(response, { data: [{ id: 'large', secret: 'x' }] }),
    );
    expect((await client.models.list()).data).toEqual([
      { id: 'large', object: 'model', created: 0, owned_by: 'upstream' },
    ]);
    expect(asked[0]!.path).toBe('/api/v1/models');
  });

  it('is the only server that is ever asked', async () => {
    let elsewhere = 0;
    const other = createServer((_, response) => {
      elsewhere++;
      response.end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => other.close(resolve)));
    const target = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { service, asked } = await start((_, response) =>
      response.writeHead(302, { location: `http://${target}/secret` }).end(),
    );
    const tricks = { base_url: `http://${target}`, model: `http://${target}/x`, url: `http://${target}` };
    const headers = {
      'x-forwarded-host': target,
      forwarded: `host=${target}`,
      'x-original-url': `http://${target}`,
    };
    const response = await ask(service, tricks, headers);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining('not followed') },
    });
    expect((await service.request(`/v1/models/${encodeURIComponent(`http://${target}/`)}`)).status).toBe(502);
    expect(elsewhere).toBe(0);
    expect(asked.map(({ path }) => path)).toEqual(['/api/v1/chat/completions', '/api/v1/models']);
    for (const text of ['ftp://x', 'file:///etc', 'x', 'http://a/?key=1', 'http://a/#b', 'http://u:p@a/v1']) {
      expect(() => parseUpstream(text)).toThrow('--upstream');
    }
  });
});

describe('faults of the upstream', () => {
  it.each([
    [
      400,
      { error: { message: 'bad seed', param: 'seed', code: 'x' } },
      400,
      { message: 'bad seed', param: 'seed' },
    ],
    [404, { error: { message: 'no model' } }, 404, { message: 'no model' }],
    [429, { error: { message: 'later' } }, 429, { message: 'later' }],
    [
      401,
      { error: { message: 'upstream-key is wrong' } },
      502,
      { message: expect.stringContaining('UPSTREAM_API_KEY') },
    ],
    [500, 'oops', 502, { message: expect.stringContaining('HTTP 500') }],
    [503, 'busy', 503, {}],
  ])('of status %d are told', async (status, body, expected, error) => {
    const { service } = await start((_, response) => json(response, body, status, { 'retry-after': '7' }));
    const response = await ask(service);
    expect(response.status).toBe(expected);
    expect(await response.json()).toMatchObject({ error });
    if (status === 429) expect(response.headers.get('retry-after')).toBe('7');
  });

  it('such as silence, noise, a cut and absence are told', async () => {
    const silent = await start(() => {}, { answerTimeout: 100 });
    expect((await ask(silent.service)).status).toBe(504);
    const noisy = await start((_, response) => void response.end('<html>'));
    expect((await ask(noisy.service)).status).toBe(502);
    const cut = await start((_, response) => void response.destroy());
    expect((await ask(cut.service)).status).toBe(502);
    const backend = new UpstreamBackend({
      url: parseUpstream('http://127.0.0.1:9/v1'),
      key: null,
      concurrency: 1,
    });
    const absent = await startTestService(backend);
    ends.push(() => absent.end());
    const response = await ask(absent);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringMatching(/cannot be reached/) },
    });
  });

  it('in the middle of a stream end it with an error, which clients throw', async () => {
    const { client } = await start((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const choices = [{ index: 0, delta: { content: 'Hel' } }];
      response.write(`data: ${JSON.stringify({ ...made(''), choices })}\n\n`);
      setTimeout(() => response.destroy(), 50);
    });
    const stream = await client.chat.completions.create({ ...ASK, stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow();
  });

  it('do not use up its share: requests at a time are bounded, and a client that leaves frees its own', async () => {
    const { service, backend } = await start(() => {}, { concurrency: 2 });
    const abort = new AbortController();
    const body = JSON.stringify(ASK);
    const headers = { 'content-type': 'application/json' };
    const hanging = [1, 2].map(() =>
      fetch(`${service.url}/v1/chat/completions`, {
        method: 'POST',
        body,
        headers,
        signal: abort.signal,
      }).catch(() => {}),
    );
    while (backend.load().running < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await ask(service)).status).toBe(429);
    abort.abort();
    await Promise.all(hanging);
    while (backend.load().running > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
