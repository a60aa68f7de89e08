/**
 * Feedback from its request to its review and deletion, on both databases. One long file, because its tests share a
 * PostgreSQL that takes seconds to start.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eraseOld } from '../../src/service/feedback/erase.ts';
import type { ReviewItem } from '../../src/service/feedback/item.ts';
import { openStore, storeLocation } from '../../src/service/store/open.ts';
import { newId } from '../../src/service/store/tables.ts';
import { killFeedback } from '../load/feedback.ts';
import { noPostgres, type Postgres, startPostgres } from './postgres.ts';
import { echoBackend, POLICY, startTestService, type TestService } from './service.ts';

/** Bodies, and the field that each is refused by. */
const UNCLEAR: readonly [object, string][] = [
  [{}, 'completion_id'],
  [{ prompt: 'a' }, 'rating'],
  [{ prompt: 'a', chosen: 'b' }, 'rejected'],
  [{ prompt: 'a', rejected: 'b' }, 'chosen'],
  [{ prompt: 'a', chosen: 'b', rejected: 'b' }, 'rejected'],
  [{ prompt: 'a', rating: 'up' }, 'answer'],
  [{ prompt: 'a', answer: 'b', edited: 'b' }, 'edited'],
  [{ prompt: 'a', answer: 'b', rating: 'sideways' }, 'rating'],
  [{ completion_id: 'x', prompt: 'a', rating: 'up' }, 'prompt'],
  [{ prompt: 'a', chosen: 'b', rejected: 'c', rating: 'up' }, 'chosen'],
  [{ prompt: '', chosen: 'b', rejected: 'c' }, 'prompt'],
  [{ prompt: 'a', chosen: 'b', rejected: 'c', extra: 1 }, 'extra'],
  [{ prompt: 'a', answer: 'b', rating: 'up', choice: 1 }, 'choice'],
];

const without = noPostgres();
if (without) process.stderr.write(`tests on PostgreSQL are skipped: ${without}\n`);

describe.each(['sqlite', 'postgres'] as const)('on %s', (kind) => {
  const missing = kind === 'postgres' && without !== null;
  let postgres: Postgres | null = null;
  let services: TestService[] = [];
  let databases = 0;

  beforeAll(() => {
    if (kind === 'postgres' && !missing) postgres = startPostgres({ durable: false });
  });
  afterAll(() => postgres?.stop());
  afterEach(async () => {
    for (const service of services) await service.end();
    services = [];
  });

  const start = async (options: Parameters<typeof startTestService>[1] = {}) => {
    const location = postgres ? { location: storeLocation('', await freshDatabase(postgres)) } : {};
    const service = await startTestService(echoBackend(), { ...location, ...options });
    services.push(service);
    return service;
  };

  const freshDatabase = async ({ url }: Postgres) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const name = `test${databases++}`;
    await client.query(`create database ${name}`);
    await client.end();
    return url.replace('/postgres?', `/${name}?`);
  };

  /** Of the service that was started last. */
  const locationOf = ({ folder }: TestService) =>
    postgres
      ? storeLocation('', postgres.url.replace('/postgres?', `/test${databases - 1}?`))
      : storeLocation(join(folder, 'service.sqlite'), undefined);

  const chat = async (service: TestService, content: string, more: object = {}) => {
    const body = { model: 'echo', messages: [{ role: 'user', content }], ...more };
    return ((await (await service.request('/v1/chat/completions', { body })).json()) as { id: string }).id;
  };

  const give = async (service: TestService, body: object, headers: Record<string, string> = {}) => {
    const response = await service.request('/v1/feedback', { body, headers });
    const answer = (await response.json()) as {
      id: string;
      error: { message: string; code: string; param: string };
    };
    return { status: response.status, ...answer };
  };

  const queue = async (service: TestService, query = '') => {
    const response = await service.request(`/v1/feedback${query}`);
    return ((await response.json()) as { data: ReviewItem[] }).data;
  };

  it.skipIf(missing)('every kind is stored as what it says', async () => {
    const service = await start();
    const id = await chat(service, 'Hi');
    const prompt = [{ role: 'user', content: 'Hi' }];
    const said: [object, Partial<ReviewItem>][] = [
      [
        { completion_id: id, rating: 'down', comment: 'rude' },
        { kind: 'rating', rating: 'down', answer: 'Hi', comment: 'rude' },
      ],
      [
        { completion_id: id, edited: 'Hello.', tags: ['tone', 'tone'] },
        { kind: 'edit', chosen: 'Hello.', rejected: 'Hi', tags: ['tone'] },
      ],
      [
        { prompt: 'Hi', chosen: 'A', rejected: 'B', person: 'jo' },
        { kind: 'pair', chosen: 'A', rejected: 'B', person: 'jo' },
      ],
      [
        { prompt, answer: 'Yes?', rating: 'up' },
        { kind: 'rating', rating: 'up', answer: 'Yes?' },
      ],
      [
        { completion_id: id, comment: 'too short' },
        { kind: 'comment', comment: 'too short', answer: 'Hi', rating: null },
      ],
    ];
    for (const [body] of said) expect((await give(service, body)).status).toBe(201);
    const items = await queue(service);
    expect(items).toHaveLength(said.length);
    items.forEach((item, at) => {
      expect(item).toMatchObject({ ...said[at]![1], prompt, status: 'pending', source: 'local', same: 1 });
    });
    expect(items[0]).toMatchObject({ completion_id: id, model: 'echo' });
    expect(await queue(service, '?kind=edit')).toHaveLength(1);
    expect(await queue(service, `?limit=2&after=${items[1]!.id}`)).toEqual(items.slice(2, 4));
  });

  it.skipIf(missing)('what cannot be understood is refused by the name of the field', async () => {
    const service = await start();
    for (const [body, param] of UNCLEAR) {
      const refused = await give(service, body);
      expect(refused, JSON.stringify(body)).toMatchObject({ status: 400, error: { param } });
    }
    expect(await queue(service)).toEqual([]);
  });

  it.skipIf(missing)(
    'a zero byte, which PostgreSQL does not take, is refused wherever it comes',
    async () => {
      const service = await start();
      const pair = { prompt: 'a', chosen: 'b', rejected: 'c' };
      const { id } = await give(service, pair);
      for (const body of [
        ...['prompt', 'chosen', 'rejected', 'comment', 'person'].map((name) => ({ ...pair, [name]: 'x\0y' })),
        { completion_id: 'x\0y', rating: 'up' },
        { prompt: 'a', answer: 'x\0y', rating: 'up' },
        { prompt: 'a', answer: 'b', edited: 'x\0y' },
      ]) {
        expect((await give(service, body)).status, JSON.stringify(body)).toBe(400);
      }
      const asked = await Promise.all([
        service.request('/v1/persons/x%00', { method: 'DELETE' }),
        service.request('/v1/feedback/%00'),
        service.request('/v1/feedback?after=%00'),
        service.request('/v1/audit?before=%00'),
        service.request(`/v1/feedback/${id}/fix`, { body: { chosen: 'x\0y' } }),
        service.request('/v1/chat/completions', { body: { model: 'echo', messages: [], user: 'x\0y' } }),
      ]);
      expect(asked.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400, 400]);
      // In messages it is part of a JSON text.
      expect((await give(service, { ...pair, prompt: [{ role: 'user', content: 'x\0y' }] })).status).toBe(
        201,
      );
      expect(service.log.join('')).not.toContain('"level":"error"');
    },
  );

  it.skipIf(missing)('many at once are all stored, each as it was', async () => {
    const service = await start();
    const bodies = Array.from({ length: 150 }, (_, at) => ({
      prompt: `${at}`,
      chosen: `a${at}`,
      rejected: 'b',
    }));
    const made = await Promise.all(bodies.map((body) => give(service, body)));
    const rows = await service.store.db.selectFrom('feedback').selectAll().execute();
    const stored = new Map(rows.map((row) => [row.id, row]));
    made.forEach(({ id }, at) => {
      const prompt = JSON.stringify([{ role: 'user', content: `${at}` }]);
      expect(stored.get(id)).toMatchObject({ prompt, chosen: `a${at}`, rejected: 'b', rating: null });
    });
  });

  it.skipIf(missing)('an answer that is not kept cannot be named, one that is, can', async () => {
    const service = await start();
    const kept = await chat(service, 'Hi');
    expect(await give(service, { completion_id: 'chatcmpl-none', rating: 'up' })).toMatchObject({
      ...{ status: 404, error: { code: 'completion_not_found', param: 'completion_id' } },
    });
    expect(await give(service, { completion_id: kept, choice: 1, rating: 'up' })).toMatchObject({
      ...{ status: 404, error: { param: 'choice' } },
    });
    expect(await give(service, { completion_id: kept, edited: 'Hi' })).toMatchObject({ status: 400 });
    const none = await start({ feedback: { ...POLICY, keptDays: 0 } });
    expect((await give(none, { completion_id: await chat(none, 'Hi'), rating: 'up' })).status).toBe(404);
  });

  it.skipIf(missing)(
    'a repeated request is stored once, and other feedback under its key refused',
    async () => {
      const service = await start();
      const body = { prompt: 'Hi', chosen: 'A', rejected: 'B' };
      const key = { 'idempotency-key': 'k-1' };
      const many = await Promise.all(Array.from({ length: 20 }, () => give(service, body, key)));
      expect(new Set(many.map(({ id }) => id)).size).toBe(1);
      expect(many.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(many.filter(({ status }) => status === 200)).toHaveLength(19);
      expect(await give(service, { ...body, chosen: 'C' }, key)).toMatchObject({ status: 409 });
      const [item] = await queue(service);
      expect(item).toMatchObject({ same: 1 });
      expect((await give(service, body, { 'idempotency-key': 'with blank' })).status).toBe(400);
    },
  );

  it.skipIf(missing)(
    'what says the same is one item, decided together; what contradicts is counted',
    async () => {
      const service = await start();
      const said = { prompt: 'Hi', chosen: 'A', rejected: 'B' };
      for (let person = 0; person < 3; person++) await give(service, { ...said, person: `p${person}` });
      await give(service, { ...said, chosen: 'B', rejected: 'A' });
      await give(service, { ...said, prompt: 'Bye' });
      const items = await queue(service);
      expect(items.map(({ same, contradicting }) => [same, contradicting])).toEqual([
        [3, 1],
        [1, 3],
        [1, 0],
      ]);
      const [first, opposite, other] = items.map(({ id }) => id);
      const decide = async (id: string | undefined, decision: string, body: object = {}) => {
        const response = await service.request(`/v1/feedback/${id}/${decision}`, { body });
        return { code: response.status, ...((await response.json()) as ReviewItem) };
      };
      expect(await decide(first, 'accept')).toMatchObject({
        status: 'accepted',
        same: 3,
        decided_by: 'local',
      });
      expect(await queue(service)).toHaveLength(2);
      expect(await queue(service, '?status=accepted')).toHaveLength(1);
      expect(await decide(opposite, 'reject')).toMatchObject({ status: 'rejected' });
      expect(await decide(other, 'fix', { chosen: 'Goodbye.' })).toMatchObject({
        ...{ status: 'accepted', kind: 'edit', chosen: 'Goodbye.', rejected: 'B' },
      });
      expect(await decide(first, 'reject')).toMatchObject({ status: 'rejected', same: 3 });
      expect((await decide('fb_none', 'accept')).code).toBe(404);
      expect((await decide(other, 'fix', { chosen: 'B' })).code).toBe(400);
      expect((await decide(other, 'fix', { chosen: 'x', rejected: 'x' })).code).toBe(400);
    },
  );

  it.skipIf(missing)('one person, or source, can say only so much in a day', async () => {
    const service = await start({ feedback: { ...POLICY, perPerson: 3, perSource: 5 } });
    const body = (person: string, at: number) => ({ prompt: `Hi ${at}`, chosen: 'A', rejected: 'B', person });
    const statuses: number[] = [];
    for (let at = 0; at < 4; at++) statuses.push((await give(service, body('jo', at))).status);
    expect(statuses).toEqual([201, 201, 201, 429]);
    // A repetition does not count.
    const key = { 'idempotency-key': 'k' };
    for (let at = 0; at < 3; at++) expect((await give(service, body('al', 9), key)).status).toBeLessThan(300);
    expect((await give(service, body('al', 10))).status).toBe(201);
    expect(await give(service, body('al', 11))).toMatchObject({
      status: 429,
      error: { code: 'daily_limit' },
    });
    expect(await queue(service)).toHaveLength(5);
  });

  it.skipIf(missing)('everything about a person goes, and nothing else', async () => {
    const service = await start();
    const theirs = await chat(service, 'My name is Jo-the-secret.', { user: 'jo' });
    const others = await chat(service, 'Hi', { user: 'al' });
    await give(service, { completion_id: theirs, rating: 'down', person: 'support agent' });
    await give(service, { completion_id: others, rating: 'down', person: 'jo' });
    await give(service, { completion_id: others, rating: 'up', person: 'al' });
    const response = await service.request('/v1/persons/jo', { method: 'DELETE' });
    expect(await response.json()).toEqual({ feedback: 2, completions: 1, learned: 0 });
    expect(await queue(service)).toMatchObject([{ person: 'al' }]);
    expect((await give(service, { completion_id: theirs, rating: 'up' })).status).toBe(404);
    expect((await give(service, { completion_id: others, edited: 'x' })).status).toBe(201);
    if (kind === 'postgres') return;
    for (const suffix of ['', '-wal']) {
      const bytes = readFileSync(`${join(service.folder, 'service.sqlite')}${suffix}`, 'latin1');
      expect(bytes).not.toContain('Jo-the-secret');
    }
  });

  it.skipIf(missing)('what is too old goes', async () => {
    const service = await start();
    const id = await chat(service, 'Hi');
    await give(service, { completion_id: id, rating: 'up' });
    const policy = { ...POLICY, keptDays: 1, feedbackDays: 2 };
    expect(await eraseOld(service.store, policy)).toEqual({ completions: 0, feedback: 0 });
    const old = Date.now() - 3 * 86_400_000;
    await service.store.db.updateTable('completions').set({ at: old }).execute();
    await service.store.db.updateTable('feedback').set({ at: old }).execute();
    expect(await eraseOld(service.store, { ...policy, feedbackDays: 0 })).toEqual({
      completions: 1,
      feedback: 0,
    });
    expect(await eraseOld(service.store, policy)).toEqual({ completions: 0, feedback: 1 });
  });

  it.skipIf(missing)('comparisons go with the answers whose prompts they show, and no others', async () => {
    const service = await start();
    const { db } = service.store;
    const kept = await chat(service, 'Hi');
    const comparison = (position: number, completion_id: string) => ({
      ...{ task_id: 'lt', position, at: 1, completion_id, person: null, prompt: '[]' },
      ...{ serving_text: 'a', serving_tokens: 1, candidate_text: 'b', candidate_tokens: 1 },
      ...{ similarity: 0, reward: null },
    });
    const rows = [comparison(0, kept), comparison(1, 'gone'), comparison(2, 'gone too')];
    await db.insertInto('learner_comparisons').values(rows).execute();
    if (kind === 'sqlite') {
      // SQLite takes it, though the column is a primary key.
      const id = null as unknown as string;
      const row = { id, at: Date.now(), model: 'echo', source: 'test', person: null };
      await db
        .insertInto('completions')
        .values({ ...row, messages: '[]', answers: '[]' })
        .execute();
    }
    await eraseOld(service.store, { ...POLICY, keptDays: 1 });
    const left = await db.selectFrom('learner_comparisons').select('completion_id').execute();
    expect(left).toEqual([{ completion_id: kept }]);
  });

  it.skipIf(missing)('personal data is taken out before anything is stored', async () => {
    const redact = async (text: string) => text.replaceAll('Jo', '[name]');
    const service = await start({ redact });
    const id = await chat(service, 'I am Jo');
    await give(service, { completion_id: id, edited: 'Hello Jo', comment: 'for Jo' });
    await give(service, {
      prompt: [{ role: 'user', content: [{ type: 'text', text: 'Jo' }] }],
      chosen: 'Jo',
      rejected: 'x',
    });
    const stored = JSON.stringify([
      await service.store.db.selectFrom('completions').selectAll().execute(),
      await service.store.db.selectFrom('feedback').selectAll().execute(),
    ]);
    expect(stored).not.toContain('Jo');
    expect(stored).toContain('I am [name]');
    const failing = await start({ redact: () => Promise.reject(new Error('broken')) });
    expect((await give(failing, { prompt: 'a', chosen: 'b', rejected: 'c' })).status).toBe(500);
    expect(await queue(failing)).toEqual([]);
  });

  it.skipIf(missing)(
    'writes of one commit do not fail with one that the database does not take',
    async () => {
      const service = await start();
      const row = (id: string, rating: unknown) => ({ id, at: 1, rating });
      const insert = async (
        transaction: typeof service.store.db,
        rows: readonly { id: string; rating: unknown }[],
      ) => {
        for (const { id, rating } of rows) {
          await transaction
            .insertInto('settings')
            .values({ name: id, value: rating as string })
            .execute();
        }
        return rows.map(({ id }) => id);
      };
      const made = await Promise.allSettled(
        [row('a', 'x'), row('b', null), row('c', 'y')].map((one) => service.store.writes.write(insert, one)),
      );
      expect(made.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    },
  );

  it.skipIf(missing)('nothing acknowledged is lost when the process is killed in the middle', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lifealign-killed-'));
    try {
      const url = postgres ? await freshDatabase(postgres) : undefined;
      const location = storeLocation(join(folder, 'a.sqlite'), url);
      const load = { seconds: 20, rate: 1000, connections: 16 };
      const figures = await killFeedback({ location, after: 200, ...load });
      expect(figures.acknowledged).toBeGreaterThanOrEqual(200);
      expect(figures.lost).toBe(0);
      // The next process goes on from there.
      const service = await start({ location });
      expect((await give(service, { prompt: 'a', chosen: 'b', rejected: 'c' })).status).toBe(201);
      await service.end();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.skipIf(missing)('a database is opened again by two at once', async () => {
    const service = await start();
    await give(service, { prompt: 'a', chosen: 'b', rejected: 'c' });
    const location = locationOf(service);
    const others = await Promise.all([openStore(location), openStore(location)]);
    for (const other of others) {
      expect(await other.db.selectFrom('feedback').select('id').execute()).toHaveLength(1);
      await other.close();
    }
  });
});

it('a database that cannot be used is told without its password', async () => {
  const url = 'postgres://user:secret-word@127.0.0.1:1/nothing';
  const failed = openStore(storeLocation('', url));
  await expect(failed).rejects.toThrow('PostgreSQL at 127.0.0.1:1/nothing: the database cannot be used');
  await expect(failed).rejects.not.toThrow('secret-word');
  expect(() => storeLocation('', 'mysql://secret-word@x')).toThrow('DATABASE_URL: expected postgres://');
  await expect(openStore({ kind: 'sqlite', file: '/nowhere/at/all.sqlite' })).rejects.toThrow(
    '/nowhere/at/all.sqlite: cannot write: no such file or folder',
  );
  await expect(openStore({ kind: 'sqlite', file: import.meta.filename })).rejects.toThrow(/cannot be used/);
});

it('ids stand in the order of time', () => {
  const same = Array.from({ length: 100 }, () => Date.now());
  const ids = [1, 2 ** 40, 2 ** 40, 2 ** 40 + 1, ...same].map((at) => newId('fb', at));
  expect([...ids].sort()).toEqual(ids);
});
