/** The parts that decide who comes when: queue, scheduler, rates, registry, memory of the cache. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OpenGeneration } from '../../src/engine/engine.ts';
import { KeyValueCache } from '../../src/engine/ort/generation/key-value-cache.ts';
import { ApiError } from '../../src/service/api-error.ts';
import { RateLimiter } from '../../src/service/http/rate-limit.ts';
import { cacheBytes } from '../../src/service/models/cache-memory.ts';
import { FairQueue } from '../../src/service/models/fair-queue.ts';
import { ModelRegistry, type ServedVersion } from '../../src/service/models/registry.ts';
import { type Job, Scheduler, type SchedulerOptions } from '../../src/service/models/scheduler.ts';
import { GroupRead } from '../../src/service/store/group-read.ts';

describe('the queue', () => {
  it('lets clients take turns, each in its order', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.add(item[0]!, item);
    const taken: string[] = [];
    for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
      queue.take();
      taken.push(next);
    }
    expect(taken).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('loses nothing, whatever is added, taken and removed', () => {
    const step = fc.record({
      client: fc.constantFrom('a', 'b', 'c'),
      kind: fc.constantFrom('add', 'add', 'take', 'remove'),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const queue = new FairQueue<number>();
        const inside = new Map<number, string>();
        steps.forEach(({ client, kind }, at) => {
          if (kind === 'add') {
            queue.add(client, at);
            inside.set(at, client);
          } else if (kind === 'take') {
            const next = queue.peek();
            queue.take();
            if (next !== undefined) expect(inside.delete(next)).toBe(true);
          } else {
            const [first] = [...inside].filter(([, of]) => of === client);
            expect(queue.remove(client, first?.[0] ?? -1)).toBe(first !== undefined);
            if (first) inside.delete(first[0]);
          }
          expect(queue.length).toBe(inside.size);
          expect(queue.peek() === undefined).toBe(inside.size === 0);
        });
      }),
    );
  });
});

const version = (id: string): ServedVersion => ({
  ...{ id, name: id, version: null, created: 0 },
  adapter: async () => null,
});
const [FIRST, SECOND] = [version('first'), version('second')];

/** A scheduler whose jobs end when told. */
function scheduling(options: Partial<SchedulerOptions> = {}) {
  const events: string[] = [];
  const scheduler = new Scheduler({
    ...{ slots: 4, queue: 10, memory: 1000, bytesOf: ({ answers, positions }) => answers * positions },
    open: async ({ id }) => {
      events.push(`open ${id}`);
      const close = async () => void events.push(`close ${id}`);
      return { close } as unknown as OpenGeneration;
    },
    ...options,
  });
  const ends = new Map<string, (error?: Error) => void>();
  const run = (name: string, more: Partial<Job<string>> = {}) =>
    scheduler.run({
      ...{
        version: FIRST,
        client: name[0]!,
        answers: 1,
        positions: 10,
        signal: new AbortController().signal,
      },
      work: () => {
        events.push(name);
        return new Promise((resolve, reject) => {
          ends.set(name, (error) => (error ? reject(error) : resolve(name)));
        });
      },
      ...more,
    });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
  const end = async (name: string, error?: Error) => {
    ends.get(name)!(error);
    await settle();
  };
  return { scheduler, events, run, end, settle };
}

describe('the scheduler', () => {
  it('fills the slots, and gives a free one to the client whose turn it is', async () => {
    const { scheduler, events, run, end, settle } = scheduling();
    const all = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'a6'].map((name) => run(name));
    await settle();
    expect(events).toEqual(['open first', 'a1', 'a2', 'a3', 'a4']);
    expect([scheduler.running, scheduler.waiting]).toEqual([4, 3]);
    await end('a2');
    await end('a3');
    expect(events.slice(5)).toEqual(['a5', 'b1']);
    for (const name of ['a1', 'a4', 'a5', 'b1', 'a6']) await end(name);
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'a6']);
    expect(events.at(-1)).toBe('close first');
  });

  it('lets nobody pass a wide request for ever', async () => {
    const { events, run, end, settle } = scheduling();
    void run('a1');
    void run('b1', { answers: 4 });
    void run('c1');
    await settle();
    expect(events).toEqual(['open first', 'a1']);
    await end('a1');
    expect(events.filter((event) => !/open|close/.test(event))).toEqual(['a1', 'b1']);
    await end('b1');
    expect(events.filter((event) => !/open|close/.test(event))).toEqual(['a1', 'b1', 'c1']);
    await end('c1');
  });

  it('keeps batches of several versions within the memory', async () => {
    const { events, run, end, settle } = scheduling({ memory: 100 });
    void run('a1', { positions: 40 });
    void run('b1', { positions: 40, version: SECOND });
    void run('c1', { positions: 30, version: SECOND });
    await settle();
    expect(events.filter((event) => !/close/.test(event))).toEqual(['open first', 'open second', 'a1', 'b1']);
    // Two answers of 40, or rather of the longest of them, would take 80 of what is left: 60.
    await end('a1');
    expect(events).toContain('c1');
    expect(() => run('d1', { positions: 101 })).toThrow(/more memory/);
    for (const name of ['b1', 'c1']) await end(name);
  });

  it('refuses with the seconds to wait what finds the queue full, and what comes while it ends', async () => {
    const { scheduler, run, end, settle } = scheduling({ slots: 1, queue: 2 });
    const all = ['a1', 'a2', 'a3'].map((name) => run(name));
    const full = catchOf(() => run('a4'));
    expect(full).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    expect(Number(full.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(catchOf(() => run('b', { answers: 2 }))).toMatchObject({ status: 400, param: 'n' });
    let drained = false;
    const draining = scheduler.drain().then(() => {
      drained = true;
    });
    expect(catchOf(() => run('b1'))).toMatchObject({ status: 503 });
    await settle();
    for (const name of ['a1', 'a2']) await end(name);
    expect(drained).toBe(false);
    await end('a3');
    await Promise.all([...all, draining]);
    expect(drained).toBe(true);
  });

  it('gives up what waits when its client leaves, and goes on after a failure', async () => {
    const { scheduler, run, end, settle } = scheduling({ slots: 1 });
    const abort = new AbortController();
    const failing = run('a1');
    const left = run('b1', { signal: abort.signal });
    const last = run('c1');
    abort.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    await settle();
    const failed = expect(failing).rejects.toThrow('broken');
    await end('a1', new Error('broken'));
    await failed;
    await end('c1');
    expect(await last).toBe('c1');
    expect([scheduler.running, scheduler.waiting]).toEqual([0, 0]);
    await scheduler.drain();
  });

  it('tells whoever asks when a version cannot be opened', async () => {
    const open = () => Promise.reject(new Error('unreadable'));
    const { scheduler, run } = scheduling({ open });
    await expect(run('a1')).rejects.toThrow('unreadable');
    expect(scheduler.running).toBe(0);
  });
});

function catchOf(work: () => unknown): ApiError {
  try {
    work();
  } catch (error) {
    return error as ApiError;
  }
  throw new Error('nothing was thrown');
}

describe('rates', () => {
  it('come back with time, for each client by itself', () => {
    let now = 0;
    const rates = new RateLimiter(60, () => now);
    for (let request = 0; request < 60; request++) rates.take('a');
    expect(catchOf(() => rates.take('a')).headers).toEqual({ 'retry-after': '1' });
    rates.take('b');
    now += 999;
    expect(() => rates.take('a')).toThrow('60 requests a minute');
    now += 1;
    rates.take('a');
    expect(() => rates.check('a')).toThrow(ApiError);
    now += 3_600_000;
    for (let request = 0; request < 60; request++) rates.take('a');
    expect(() => rates.take('a')).toThrow(ApiError);
    const free = new RateLimiter(0);
    for (let request = 0; request < 1000; request++) free.take('a');
  });
});

describe('grouped reads', () => {
  it('go together when they are asked for together, and see what was there when they were', async () => {
    const table = new Map([['a', 1]]);
    const queries: (readonly string[])[] = [];
    let finish = () => {};
    const group = new GroupRead<string, number>(async (keys) => {
      queries.push(keys);
      const found = new Map(keys.flatMap((key) => (table.has(key) ? [[key, table.get(key)!]] : [])));
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return found;
    });
    const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
    const first = Promise.all([group.get('a'), group.get('b'), group.get('a')]);
    await turn();
    // While the first query is on its way: it must not answer for these.
    table.set('b', 2).delete('a');
    const second = Promise.all([group.get('a'), group.get('b')]);
    await turn();
    expect(queries).toEqual([['a', 'b']]);
    finish();
    expect(await first).toEqual([1, undefined, 1]);
    await turn();
    finish();
    expect(await second).toEqual([undefined, 2]);
    expect(queries).toHaveLength(2);
  });

  it('fail together, and the next ones do not', async () => {
    let broken = true;
    const group = new GroupRead<string, number>(async (keys) => {
      if (broken) throw new Error('gone');
      return new Map(keys.map((key) => [key, 1]));
    });
    const failed = await Promise.allSettled([group.get('a'), group.get('b')]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    broken = false;
    expect(await group.get('a')).toBe(1);
  });
});

describe('the registry', () => {
  const adapter = () => Promise.resolve(null);

  it('has the newest version under the name, and all under their own', async () => {
    const registry = new ModelRegistry();
    const first = registry.publish({ name: 'support', version: 'v1' }, adapter);
    const second = registry.publish({ name: 'support', version: 'v2' }, adapter);
    expect(registry.resolve('support')).toBe(second);
    expect(registry.resolve('support@v1')).toBe(first);
    expect(registry.resolve('support@v3')).toBeUndefined();
    // Back to an earlier one.
    expect(registry.publish({ name: 'support', version: 'v1' }, adapter)).toBe(first);
    expect(registry.resolve('support')).toBe(first);
    registry.publish({ name: 'support', version: 'v3' }, adapter, { head: false });
    expect(registry.resolve('support')).toBe(first);
    expect(registry.list().map(({ id }) => id)).toEqual([
      'support',
      'support@v1',
      'support@v2',
      'support@v3',
    ]);
    for (const name of ['', '.', 'a@b', 'a/b', '../x', 'a b', 'x'.repeat(129)]) {
      expect(() => registry.publish({ name, version: null }, null)).toThrow('cannot be a model');
    }
  });

  it('reads adapters when they are asked for, and few stay', async () => {
    const registry = new ModelRegistry();
    const reads: number[] = [];
    for (let at = 0; at < 12; at++) {
      registry.publish({ name: 'support', version: `v${at}` }, async () => {
        reads.push(at);
        return null;
      });
    }
    expect(reads).toEqual([]);
    for (let at = 0; at < 12; at++) await registry.resolve(`support@v${at}`)!.adapter();
    await registry.resolve('support')!.adapter();
    expect(reads).toHaveLength(12);
    await registry.resolve('support@v0')!.adapter();
    expect(reads.at(-1)).toBe(0);
    let broken = true;
    registry.publish({ name: 'support', version: 'broken' }, async () => {
      if (broken) throw new Error('unreadable');
      return null;
    });
    await expect(registry.resolve('support')!.adapter()).rejects.toThrow('unreadable');
    broken = false;
    expect(await registry.resolve('support')!.adapter()).toBeNull();
  });
});

it('the memory reckoned for a batch is at least what the cache takes', () => {
  const config = { layers: 2, keyValueHeads: 2, headSize: 4 };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 }), (answers, positions) => {
      const cache = new KeyValueCache(config as ConstructorParameters<typeof KeyValueCache>[0]);
      cache.resize(2 ** Math.ceil(Math.log2(answers)), positions);
      const feeds = Object.values(cache.past(0, 2 ** Math.ceil(Math.log2(answers))).feeds);
      const bytes = feeds.reduce((sum, { data }) => sum + data.byteLength, 0);
      expect(cacheBytes({ answers, positions }, config)).toBe(bytes);
    }),
  );
});
