/** Several instances on one database: one learns, another takes over, and who lost the lease writes nothing more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemory } from '../../../src/memory/store/create.ts';
import { LeaseLostError, takeLease } from '../../../src/service/learner/lease.ts';
import { openStore, type Store, type StoreLocation } from '../../../src/service/store/open.ts';
import { config, fresh, hashes } from '../../memory/store/small-memory.ts';
import { noPostgres, type Postgres, startPostgres } from '../postgres.ts';
import { eventually, type LearnerTestService, playedLearn, startLearnerService } from './harness.ts';

const without = noPostgres();
let folder: string;
let services: LearnerTestService[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-election-'));
});
afterEach(async () => {
  for (const service of services) await service.end();
  services = [];
  rmSync(folder, { recursive: true, force: true });
});

describe.each(['sqlite', 'postgres'] as const)('on %s', (kind) => {
  const missing = kind === 'postgres' && without !== null;
  let postgres: Postgres | null = null;
  let store: Store;
  beforeAll(() => {
    if (kind === 'postgres' && !missing) postgres = startPostgres();
  });
  afterAll(() => postgres?.stop());

  const open = async (): Promise<Store> => {
    const file = join(folder, 'lease.sqlite');
    const location: StoreLocation = postgres
      ? { kind: 'postgres', url: postgres.url }
      : { kind: 'sqlite', file };
    store = await openStore(location);
    const row = { root: '', owner: null, token: 0, until: 0, paused: 0, serving: 0, started_at: 0 };
    await store.db.deleteFrom('learner').execute();
    await store.db
      .insertInto('learner')
      .values({ memory: 'm', ...row, requested_by: null, progress: null })
      .execute();
    return store;
  };
  const pause = async () => store.db.updateTable('learner').set({ paused: 1 }).execute();
  const isPaused = async () =>
    (await store.db.selectFrom('learner').select('paused').executeTakeFirstOrThrow()).paused === 1;

  it.skipIf(missing)('a lease is held by one, renewed, and taken over with a higher token', async () => {
    const options = { store: await open(), memory: 'm', lasts: 400 };
    const both = await Promise.all(['a', 'b'].map((owner) => takeLease({ ...options, owner })));
    expect(both.filter((lease) => lease !== null)).toHaveLength(1);
    const first = both.find((lease) => lease !== null)!;
    for (let at = 0; at < 3; at++) {
      await wait(200);
      await first.renew();
      expect(await takeLease({ ...options, owner: 'c' })).toBeNull();
    }
    await first.release();
    const second = (await takeLease({ ...options, owner: 'c' }))!;
    expect(second.token).toBe(first.token + 1);
    await second.release();
    await store.close();
  });

  it.skipIf(missing)('whoever lost it writes nothing more, whatever it believes', async () => {
    const options = { store: await open(), memory: 'm', lasts: 150 };
    const first = (await takeLease({ ...options, owner: 'a' }))!;
    await first.fenced(async () => {});
    // As a process that was stopped for a while: its own timer has not run, the database's clock has.
    await store.db.updateTable('learner').set({ until: 0 }).execute();
    const second = (await takeLease({ ...options, owner: 'b' }))!;
    expect(first.signal.aborted).toBe(false);
    await expect(first.fenced(() => pause())).rejects.toThrow(LeaseLostError);
    expect(await isPaused()).toBe(false);
    expect(first.signal.aborted).toBe(true);
    // And gives back nothing that is another's.
    await first.release();
    await second.fenced((transaction) => transaction.updateTable('learner').set({ paused: 1 }).execute());
    expect(await isPaused()).toBe(true);
    // One that is not renewed is given up before another can have it.
    await wait(200);
    expect(second.signal.aborted).toBe(true);
    await store.close();
  });
});

describe('two instances', () => {
  const settings = { shadow: null, canary: null, lease: 3 };
  const start = async (instance: string, learn = playedLearn('commit')) => {
    const service = await startLearnerService({ folder, learn, settings, instance });
    services.push(service);
    return { service, learn };
  };

  it('have one that learns, agree on what is served, and take over from each other', async () => {
    const one = await start('one', playedLearn('hang'));
    await one.service.feed(0, 4);
    const task = await one.service.until(({ state, attempts }) => state === 'learning' && attempts === 1);
    const two = await start('two');
    await two.service.comesTo({ leader: 'one', instance: 'two', state: 'learning' });
    // In order: the process that learns is stopped, the lease given back.
    await one.service.end();
    services.splice(0, 1);
    const full = await two.service.until(({ state }) => state === 'full');
    expect(full).toMatchObject({ id: task.id, attempts: 2, error: null });
    expect(two.learn.jobs[0]).toMatchObject({ task: task.task, restart: false });
    await two.service.serves('support@v2');
  });

  it('the one that lost the lease kills its process, and the task is learned once', async () => {
    const one = await start('one', playedLearn('hang'));
    await one.service.feed(0, 4);
    await eventually(() => expect(one.learn.jobs).toHaveLength(1));
    const two = await start('two');
    // As if this instance had slept through its lease, until the other was there first.
    while ((await two.service.state()).leader !== 'two') {
      await two.service.store.db
        .updateTable('learner')
        .set({ until: 0 })
        .where('owner', '=', 'one')
        .execute();
      await two.service.settle();
    }
    await two.service.until(({ state }) => state === 'full');
    // It learns of that at its next beat.
    await eventually(() => expect(one.learn.killed).toBeGreaterThan(0));
    expect(two.learn.jobs).toHaveLength(1);
    await Promise.all([one, two].map(({ service }) => service.serves('support@v2')));
    const entries: string[] = [];
    for await (const { action } of two.service.memory.entries()) entries.push(action);
    expect(entries).toEqual(['learn', 'init']);
  });

  it('with another memory of the name, the second is refused', async () => {
    const one = await start('one');
    await one.service.settle();
    const other = mkdtempSync(join(tmpdir(), 'lifealign-election-'));
    try {
      const location = { kind: 'sqlite', file: join(folder, 'service.sqlite') } as const;
      await createMemory(join(other, 'support'), { config, hashes, adapter: fresh, note: 'another' });
      const service = startLearnerService({
        folder: other,
        learn: playedLearn('commit'),
        settings,
        location,
      });
      await expect(service).rejects.toThrow(/about another memory/);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });
});
