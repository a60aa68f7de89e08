/** Requests that mean no good: damaged, huge, slow, made up. None is answered 500, and the service goes on. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuzzService } from './fuzz.ts';
import { echoBackend, openTinyBackend, startTestService, type TestService } from './service.ts';

let service: TestService;
beforeAll(async () => {
  const { backend } = await openTinyBackend({ maxTokens: 4 });
  service = await startTestService(backend, { bodyLimit: 2 ** 16 });
});
afterAll(() => service?.end());

/** Sends bytes over a connection of its own; what came back until it was closed. */
function send(text: string | Buffer, { end = true, patience = 5000 } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    const parts: Buffer[] = [];
    const timer = setTimeout(() => socket.destroy(), patience);
    socket.on('data', (part) => parts.push(part));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(parts).toString('latin1'));
    });
    socket.write(text);
    if (end) socket.end();
  });
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
const alive = async () => expect((await service.request('/healthz')).status).toBe(200);

describe('a body', () => {
  it.each([
    ['no JSON', '{"model": ', 400],
    ['nothing', '', 400],
    ['a number', '7', 400],
    ['a list', '[]', 400],
    ['null', 'null', 400],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400],
    ['a prototype', '{"__proto__": {"model": "tiny"}, "constructor": {"prototype": {}}}', 400],
    [
      'a lone surrogate',
      '{"model": "tiny", "messages": [{"role": "user", "content": "\\ud800"}], "max_tokens": 2}',
      200,
    ],
    [
      'a zero byte',
      '{"model": "tiny", "messages": [{"role": "user", "content": "\\u0000"}], "max_tokens": 2}',
      200,
    ],
    ['nested without end', `{"messages": ${'['.repeat(30_000)}${']'.repeat(30_000)}}`, 400],
    ['larger than allowed', `{"model": "${'x'.repeat(70_000)}"}`, 413],
    [
      'a number too large',
      '{"model": "tiny", "messages": [{"role": "user", "content": "x"}], "seed": 1e400}',
      400,
    ],
  ])('of %s is refused, or answered', async (_, body, expected) => {
    const response = await fetch(`${service.url}/v1/chat/completions`, {
      ...{ method: 'POST', body, headers: { 'content-type': 'application/json' } },
    });
    expect(response.status).toBe(expected);
    const answer = (await response.json()) as { error?: object };
    if (expected !== 200) expect(answer.error).toMatchObject({ message: expect.any(String) });
    await alive();
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonx',
    '',
  ])('of type %j, which a form could send, is refused', async (type) => {
    const response = await fetch(`${service.url}/v1/feedback`, {
      ...{ method: 'POST', body: Buffer.from('{"prompt": "a", "chosen": "b", "rejected": "c"}') },
      headers: { 'content-type': type },
    });
    expect(response.status).toBe(415);
  });

  it('that says less than it is, or comes compressed, is not taken', async () => {
    const head = 'POST /v1/feedback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const chunks = `${head}Transfer-Encoding: chunked\r\n\r\n${`8000\r\n${'a'.repeat(0x8000)}\r\n`.repeat(4)}0\r\n\r\n`;
    expect(statusOf(await send(chunks))).toBe(413);
    expect(statusOf(await send(`${head}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`))).toBe(415);
    const both = `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
    expect(statusOf(await send(both))).toBe(400);
    expect(statusOf(await send(`${head}Content-Length: -1\r\n\r\n`))).toBe(400);
    await alive();
  });
});

describe('headers', () => {
  it.each([
    ['without a host', 'GET /healthz HTTP/1.1\r\n\r\n', [400]],
    ['two hosts', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n', [400, 403]],
    ['a bare line break inside', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\nb\r\n\r\n', [400]],
    ['a zero byte', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n', [400]],
    ['too long', `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, [431]],
    ['no HTTP at all', 'hello\r\n\r\n', [400]],
    [
      'a proxy request',
      'GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n',
      [400, 403],
    ],
    ['a tunnel', 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n', [0, 400, 404, 405]],
  ])('that are %s are refused', async (_, text, expected) => {
    expect(expected).toContain(statusOf(await send(text)));
    await alive();
  });

  it('cannot be injected into answers', async () => {
    const answer = await send(
      'GET /v1/models/x%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: close\r\n\r\n',
    );
    expect(statusOf(answer)).toBe(404);
    expect(answer.split('\r\n\r\n')[0]).not.toMatch(/set-cookie/i);
  });
});

describe('slow clients', () => {
  it('are given up: headers that never end, bodies that trickle', async () => {
    const patient = await startTestService(echoBackend(), { receiveTimeout: 300 });
    const head = 'POST /v1/feedback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const trickle = (first: string) =>
      new Promise<{ answer: string; seconds: number }>((resolve) => {
        const start = performance.now();
        const socket = connect(Number(new URL(patient.url).port), '127.0.0.1');
        let answer = '';
        socket.on('data', (part) => {
          answer += part;
        });
        socket.on('error', () => {});
        const drip = setInterval(() => socket.write('a'), 50);
        socket.on('close', () => {
          clearInterval(drip);
          resolve({ answer, seconds: (performance.now() - start) / 1000 });
        });
        socket.write(first);
      });
    const many = Array.from({ length: 50 }, (_, at) =>
      trickle(at % 2 ? `${head}X-Slow: ` : `${head}Content-Length: 60000\r\n\r\n{`),
    );
    // The others are served meanwhile.
    const health = async () => expect((await patient.request('/healthz')).status).toBe(200);
    await health();
    for (const { seconds } of await Promise.all(many)) expect(seconds).toBeLessThan(5);
    await health();
    await patient.end();
  });
});

describe('paths', () => {
  it.each([
    '/../../etc/passwd',
    '/v1/../../../etc/passwd',
    '/v1/models/..%2f..%2f..%2fetc%2fpasswd',
    '/v1/models/%2e%2e/%2e%2e/etc/passwd',
    '/v1/models/....//etc/passwd',
    '/v1/feedback/..%5c..%5cwindows',
    '/v1/models/%00',
    '/v1/models/%c0%ae%c0%ae',
    '/v1/models/%',
    '/v1/models/%zz',
    '//etc/passwd',
    '/v1//models//x',
    `/v1/models/${'a'.repeat(500)}`,
  ])('such as %s lead nowhere', async (path) => {
    const answer = await send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect([400, 404]).toContain(statusOf(answer));
    expect(answer).not.toContain('root:');
    await alive();
  });
});

it('SQL in any text is text', async () => {
  const injection = "x'); drop table feedback; --";
  const body = { prompt: injection, chosen: injection, rejected: '"', person: injection, tags: [injection] };
  const made = (await (await service.request('/v1/feedback', { body })).json()) as { id: string };
  expect(await (await service.request(`/v1/feedback/${made.id}`)).json()).toMatchObject({
    ...{
      prompt: [{ role: 'user', content: injection }],
      chosen: injection,
      person: injection,
      tags: [injection],
    },
  });
  const path = `/v1/feedback?status=pending&after=${encodeURIComponent(injection)}`;
  expect((await service.request(path)).status).toBe(200);
  expect(
    (await service.request(`/v1/persons/${encodeURIComponent(injection)}`, { method: 'DELETE' })).status,
  ).toBe(200);
});

it('markup in any text is text, in answers that no browser takes for a page', async () => {
  const markup = '<script>alert(1)</script><img src=x onerror="alert(1)">';
  const body = {
    prompt: markup,
    answer: markup,
    rating: 'up',
    comment: markup,
    person: markup,
    tags: ['<b>'],
  };
  const made = (await (await service.request('/v1/feedback', { body })).json()) as { id: string };
  for (const path of [
    `/v1/feedback/${made.id}`,
    '/v1/feedback',
    '/v1/audit',
    `/v1/${encodeURIComponent(markup)}`,
  ]) {
    const response = await service.request(path);
    const { headers } = response;
    expect(headers.get('content-type'), path).toMatch(/^application\/json/);
    expect(headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(headers.get('content-security-policy'), path).toContain("default-src 'none'");
    if (path.endsWith(made.id))
      expect(await response.json()).toMatchObject({ answer: markup, comment: markup });
  }
});

it('made-up requests by the hundred: no 500, no crash', async () => {
  const { statuses, failures } = await fuzzService(300, 7);
  expect(failures).toEqual([]);
  // They reach more than the first check.
  expect(Object.keys(statuses)).toEqual(expect.arrayContaining(['200', '201', '400', '404', '415']));
});
