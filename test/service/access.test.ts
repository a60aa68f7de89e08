/** Who may do what: every route with every role, keys, hosts and origins, rates, and what logs must not hold. */
import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { keepAll } from '../../src/service/feedback/redact.ts';
import { createLogger } from '../../src/service/http/log.ts';
import { KeyStore, parseRoles } from '../../src/service/keys/key-store.ts';
import { ROLES, type Role } from '../../src/service/keys/roles.ts';
import { startService } from '../../src/service/service.ts';
import { openStore } from '../../src/service/store/open.ts';
import { serveSmall } from './served-memory.ts';
import {
  echoBackend,
  keyOfEachRole,
  POLICY,
  startTestService,
  type TestRequest,
  type TestService,
} from './service.ts';

const services: TestService[] = [];
const CHECK = {
  method: 'POST',
  body: '[{"query": "a", "chosen": "b", "rejected": "c"}]',
  headers: { 'content-type': 'application/octet-stream' },
};
afterEach(async () => {
  for (const service of services.splice(0)) await service.end();
});

async function start(
  ...given: Parameters<typeof startTestService> extends [unknown, ...infer More] ? More : never
) {
  const service = await startTestService(echoBackend(), ...given);
  services.push(service);
  return service;
}

const CHAT = { body: { model: 'echo', messages: [{ role: 'user', content: 'Hi' }] } };
const FEEDBACK = { body: { prompt: 'Hi', chosen: 'Hello.', rejected: 'What.' } };

const NOTE = { body: {} };

/** Every route, with the roles beside admin that may use it, and what they get where it is no success. */
const ROUTES: readonly [string, TestRequest, readonly Role[] | 'public', number?][] = [
  ['/v1/chat/completions', CHAT, ['chat']],
  ['/v1/models', {}, ['chat']],
  ['/v1/models/echo', {}, ['chat']],
  ['/v1/feedback', FEEDBACK, ['feedback']],
  ['/v1/feedback', {}, ['review']],
  ['/v1/feedback/ID', {}, ['review']],
  ['/v1/feedback/ID/accept', { body: {} }, ['review']],
  ['/v1/feedback/ID/reject', { body: {} }, ['review']],
  ['/v1/feedback/ID/fix', { body: { chosen: 'Welcome.' } }, ['review']],
  ['/v1/learner', {}, ['review']],
  ['/v1/learner/candidates', {}, ['review']],
  ['/v1/learner/candidates/ID', {}, ['review'], 404],
  ['/v1/learner/candidates/ID/comparisons', {}, ['review'], 404],
  ['/v1/learner/decisions', {}, ['review']],
  // This service has none.
  ['/v1/learner/learn', NOTE, [], 409],
  ['/v1/learner/pause', NOTE, [], 409],
  ['/v1/learner/resume', NOTE, [], 409],
  ['/v1/learner/candidates/ID/promote', NOTE, [], 409],
  ['/v1/learner/candidates/ID/roll-back', NOTE, [], 409],
  ['/v1/learner/candidates/ID/release', NOTE, [], 409],
  ['/v1/persons/somebody', { method: 'DELETE' }, []],
  ['/v1/audit', {}, []],
  ['/v1/memories', {}, ['review']],
  ['/v1/memories/support/versions', {}, ['review']],
  ['/v1/memories/support/versions/1', {}, ['review']],
  ['/v1/memories/support/versions/1/samples', {}, ['review']],
  ['/v1/memories/support/matrix', {}, ['review']],
  ['/v1/memories/support/moves', {}, ['review']],
  ['/v1/memories/support/revert', { body: { version: 0, dry_run: true } }, []],
  ['/v1/memories/support/drop', { body: { task: 'tone', dry_run: true } }, []],
  ['/v1/data/check', CHECK, ['review']],
  ['/v1/caller', {}, ['chat', 'feedback', 'review']],
  ['/metrics', {}, ['chat', 'feedback', 'review']],
  ['/healthz', {}, 'public'],
  ['/readyz', {}, 'public'],
  ['/openapi.json', {}, 'public'],
];

describe('every route with every role', () => {
  // A service that is shown too many wrong keys listens to none for a while.
  const parts = Array.from({ length: Math.ceil(ROUTES.length / 20) }, (_, part) => ({
    part: part + 1,
    routes: ROUTES.slice(20 * part, 20 * (part + 1)),
  }));
  it.each(parts)('is open to the roles it is for, and no other ($part)', async ({ routes }) => {
    const { served, end } = await serveSmall('tone');
    const service = await start({ memories: [served] });
    const keys = await keyOfEachRole(service);
    const made = await service.request('/v1/feedback', { ...FEEDBACK, key: keys.admin });
    const { id } = (await made.json()) as { id: string };
    for (const [path, request, roles, refusal] of routes) {
      const name = `${request.method ?? (request.body ? 'POST' : 'GET')} ${path}`;
      const ask = async (key?: string) => {
        const response = await service.request(path.replace('ID', id), {
          ...request,
          ...(key ? { key } : {}),
        });
        await response.text();
        return response.status;
      };
      expect(await ask(), `${name} without a key`).toSatisfy((status: number) =>
        roles === 'public' ? status === 200 : status === 401,
      );
      expect(await ask(`la-000000000000-${'A'.repeat(43)}`), `${name} with a wrong key`).toBe(
        roles === 'public' ? 200 : 401,
      );
      for (const role of ROLES) {
        const may = roles === 'public' || role === 'admin' || roles.includes(role);
        const status = await ask(keys[role]);
        if (may) expect(refusal ? [refusal] : [200, 201], `${name} as ${role}`).toContain(status);
        else expect(status, `${name} as ${role}`).toBe(403);
      }
    }
    end();
  });

  it('is the whole list of the OpenAPI document', async () => {
    const service = await start();
    const document = (await (await service.request('/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { 'x-role'?: string; requestBody?: object }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const tested = ROUTES.map(([path, { method, body }]) => {
      const shown = path
        .replace('ID', '{id}')
        .replace('somebody', '{person}')
        .replace('models/echo', 'models/{model}')
        .replace('memories/support', 'memories/{memory}')
        .replace('versions/1', 'versions/{version}');
      return `${method ?? (body ? 'POST' : 'GET')} ${shown}`;
    });
    expect(documented.sort()).toEqual(tested.sort());
    expect(document.paths['/v1/chat/completions']!['post']).toMatchObject({
      'x-role': 'chat',
      requestBody: { content: { 'application/json': { schema: { required: ['model', 'messages'] } } } },
    });
  });
});

describe('keys', () => {
  it('are needed by nobody on this machine until there is one, and then for ever', async () => {
    const service = await start();
    expect((await service.request('/v1/models')).status).toBe(200);
    const key = await service.key('chat');
    expect((await service.request('/v1/models')).status).toBe(401);
    expect((await service.request('/v1/models', { key })).status).toBe(200);
    const keys = await KeyStore.open(service.store);
    const [record] = await keys.list();
    expect(record).toMatchObject({ name: 'test', roles: ['chat'], revokedAt: null });
    await keys.revoke(record!.id);
    expect((await service.request('/v1/models', { key })).status).toBe(401);
    expect((await service.request('/v1/models')).status).toBe(401);
    await expect(keys.revoke('nobody')).rejects.toThrow('there is no key "nobody"');
  });

  it('are nowhere kept, and one differs from another in every part', async () => {
    const service = await start();
    const keys = await KeyStore.open(service.store);
    const made = await Promise.all(Array.from({ length: 20 }, () => keys.add('k', ['chat'])));
    expect(new Set(made.map(({ id }) => id)).size).toBe(20);
    const stored = JSON.stringify(await service.store.db.selectFrom('api_keys').selectAll().execute());
    for (const { text } of made) {
      expect(text).toMatch(/^la-[0-9a-f]{12}-[\w-]{43}$/);
      expect(stored).not.toContain(text.slice(-43));
    }
    // The secret of one with the id of another is no key.
    const mixed = made[0]!.text.slice(0, 16) + made[1]!.text.slice(16);
    expect(await keys.verify(mixed)).toBeNull();
    expect(await keys.verify(made[0]!.text)).toMatchObject({ id: made[0]!.id });
    expect(parseRoles('chat, review')).toEqual(['chat', 'review']);
    expect(() => parseRoles('chat,reviev')).toThrow('Did you mean "review"?');
    await expect(keys.add('two\nlines', ['chat'])).rejects.toThrow('--name');
  });

  it('are not guessed: an address that tries many waits', async () => {
    const service = await start();
    const key = await service.key('chat');
    const guess = () => service.request('/v1/models', { key: `la-000000000000-${'B'.repeat(43)}` });
    const statuses: number[] = [];
    for (let tries = 0; tries < 40; tries++) statuses.push((await guess()).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(30);
    expect(statuses.at(-1)).toBe(429);
    expect((await service.request('/v1/models', { key })).status).toBe(429);
  });

  it.each(['Bearer', 'Bearer x', 'Basic eDp5', 'Bearer la-1-2', 'Bearer  ', 'la-000000000000'])(
    'are not %j',
    async (authorization) => {
      const service = await start();
      await service.key('admin');
      const response = await service.request('/v1/models', { headers: { authorization } });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toMatchObject({ error: { code: 'invalid_api_key' } });
    },
  );
});

describe('where it listens', () => {
  it('is this machine alone, as long as there is no key', async () => {
    const service = await start();
    const options = {
      ...{ backend: echoBackend(), store: service.store, logger: createLogger('silent'), port: 0 },
      ...{
        allowedHosts: [],
        allowedOrigins: [],
        rateLimit: 0,
        bodyLimit: 1000,
        uploadLimit: 1000,
        answerTimeout: 1000,
      },
      ...{ receiveTimeout: 1000, feedback: POLICY, redact: keepAll },
    };
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com']) {
      await expect(startService({ ...options, host })).rejects.toThrow(/lifealign keys add/);
    }
    await service.key('admin');
    const store = await openStore({ kind: 'sqlite', file: `${service.folder}/service.sqlite` });
    const wide = await startService({ ...options, store, host: '0.0.0.0' });
    const port = new URL(wide.url).port;
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/v1/models`)).status).toBe(401);
    const taken = startService({ ...options, store, host: '127.0.0.1', port: Number(port) });
    await expect(taken).rejects.toThrow(/--port .*: cannot listen: another program/);
    await wide.stop(1000);
  });

  /** `fetch` sets these headers by itself. */
  const raw = (service: TestService, headers: Record<string, string>, method = 'GET', path = '/v1/models') =>
    new Promise<{ status: number; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
      httpRequest(`${service.url}${path}`, { headers, method }, (response) => {
        response.resume();
        resolve({ status: response.statusCode!, headers: response.headers });
      })
        .on('error', reject)
        .end();
    });

  it('is asked for by its own names: a foreign one that leads here is refused', async () => {
    const service = await start({ allowedHosts: ['Chat.Example.com'] });
    const port = new URL(service.url).port;
    for (const host of ['localhost', `127.0.0.1:${port}`, '[::1]', 'LOCALHOST', 'chat.example.com:443']) {
      expect((await raw(service, { host })).status, host).toBe(200);
    }
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.nip.io',
      'chat.example.com.evil',
    ]) {
      expect((await raw(service, { host })).status, host).toBe(403);
    }
  });

  it('is called by its own pages and those allowed, whatever the method', async () => {
    const allowed = 'https://app.example.com';
    const service = await start({ allowedOrigins: [allowed] });
    const { host } = new URL(service.url);
    for (const origin of [`http://${host}`, allowed])
      expect((await raw(service, { host, origin })).status).toBe(200);
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost:1',
      `${allowed}.evil`,
      'http://',
      'x',
    ]) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
        expect((await raw(service, { host, origin }, method)).status, `${method} from ${origin}`).toBe(403);
      }
    }
    const foreign = { host, 'sec-fetch-site': 'cross-site' };
    expect((await raw(service, foreign)).status).toBe(403);
    // Links lead here: from a mail, a chat, a wiki.
    const link = { ...foreign, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await raw(service, link, 'GET', '/')).status).toBe(302);
    const more: readonly Record<string, string>[] = [
      { 'sec-fetch-dest': 'iframe' },
      { 'sec-fetch-mode': 'no-cors' },
      { origin: 'null' },
    ];
    for (const headers of more) {
      expect((await raw(service, { ...link, ...headers }, 'GET', '/')).status).toBe(403);
    }
    expect((await raw(service, link, 'POST', '/v1/feedback')).status).toBe(403);
    const preflight = await raw(service, { host, origin: allowed }, 'OPTIONS', '/v1/feedback');
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': allowed, vary: 'origin' });
    const own = await raw(service, { host });
    expect(own.headers['access-control-allow-origin']).toBeUndefined();
  });
});

it('requests beyond the rate are told when to come again, key by key', async () => {
  const service = await start({ rateLimit: 5 });
  const [one, other] = [await service.key('chat'), await service.key('chat')];
  const statuses: number[] = [];
  for (let request = 0; request < 6; request++) {
    statuses.push((await service.request('/v1/models', { key: one })).status);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  expect((await service.request('/v1/models', { key: other })).status).toBe(200);
});

it('logs hold neither keys nor content, and their lines cannot be forged', async () => {
  const service = await start();
  const key = await service.key('admin');
  const secret = 'the-secret-text';
  const body = { model: 'echo', messages: [{ role: 'user', content: secret }], user: `${secret}-person` };
  await service.request('/v1/chat/completions', { key, body });
  await service.request('/v1/feedback', {
    key,
    body: { prompt: secret, chosen: secret, rejected: 'x', comment: secret },
  });
  await service.request(`/v1/models/${secret}%0a%7B%22level%22%3A%22error%22%7D?token=${secret}`, { key });
  await service.request(`/${secret}%0d%0ax`, { key, headers: { 'x-request-id': secret } });
  await service.request('/v1/chat/completions', { key, body: `{"broken": ${secret}` });
  const log = service.log.join('');
  expect(service.log.length).toBeGreaterThan(5);
  for (const line of service.log) expect(() => JSON.parse(line)).not.toThrow();
  expect(log).not.toContain(secret);
  expect(log).not.toContain(key.slice(-43));
  expect(log).toContain('"route":"/v1/models/{model}"');
});

it('answers are not kept by caches and not taken for anything but what they are', async () => {
  const service = await start();
  const response = await service.request('/v1/nothing');
  expect(response.status).toBe(404);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-request-id': expect.stringMatching(/^req_[0-9a-f]{32}$/),
  });
});

it('what concerns others is in the audit log', async () => {
  const service = await start();
  const key = await service.key('admin');
  const { id } = (await (await service.request('/v1/feedback', { ...FEEDBACK, key })).json()) as {
    id: string;
  };
  await service.request(`/v1/feedback/${id}/accept`, { key, body: {} });
  await service.request('/v1/persons/jane%40example.com', { key, method: 'DELETE' });
  const { data } = (await (await service.request('/v1/audit', { key })).json()) as {
    data: { actor: string; action: string; target: string }[];
  };
  expect(data.map(({ action }) => action)).toEqual(['person.erase', 'feedback.accept', 'service.start']);
  expect(data[0]!.actor).toBe(key.split('-')[1]);
  expect(JSON.stringify(data)).not.toContain('jane');
});
