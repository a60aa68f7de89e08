/** Thumbs that wait for a counterpart: found when one comes, and not read until then, on both databases. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashesOf } from '../../../src/service/feedback/feedback-store.ts';
import { decide } from '../../../src/service/feedback/review.ts';
import { collectTask, markWaiting, Unlearned } from '../../../src/service/learner/collect.ts';
import { rowsOfFeedback } from '../../../src/service/learner/rows.ts';
import { releaseFeedback } from '../../../src/service/learner/tasks.ts';
import { openStore, type Store, storeLocation } from '../../../src/service/store/open.ts';
import type { FeedbackTable } from '../../../src/service/store/tables.ts';
import { noPostgres, type Postgres, startPostgres } from '../postgres.ts';
import { acceptedPair, eventually, useLearnerService } from './harness.ts';

const without = noPostgres();

/** Accepted. */
function thumb(asked: string, answer: string, up: boolean): FeedbackTable {
  const content = {
    ...{ kind: 'rating', prompt: JSON.stringify([{ role: 'user', content: asked }]), answer, chosen: null },
    ...{ rejected: null, rating: up ? 1 : -1, comment: null },
  };
  return { ...acceptedPair(0), ...content, ...hashesOf(content) };
}

describe.each(['sqlite', 'postgres'] as const)('on %s', (kind) => {
  const missing = kind === 'postgres' && without !== null;
  let postgres: Postgres | null = null;
  let folder: string;
  let store: Store;
  beforeAll(() => {
    if (kind === 'postgres' && !missing) postgres = startPostgres({ durable: false });
  });
  afterAll(() => postgres?.stop());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifealign-waiting-'));
    store = await openStore(storeLocation(join(folder, 'service.sqlite'), postgres?.url));
    if (kind === 'sqlite') await sql`pragma synchronous = OFF`.execute(store.db);
    await clear();
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const clear = async () => {
    for (const table of ['feedback', 'learner_feedback', 'learner_tasks'] as const) {
      await store.db.deleteFrom(table).execute();
    }
  };
  const insert = (...rows: FeedbackTable[]) => store.db.insertInto('feedback').values(rows).execute();
  const mark = () => store.db.transaction().execute(markWaiting);
  const collect = () =>
    store.db
      .transaction()
      .execute((transaction) =>
        collectTask(transaction, { memory: 'm', trigger: 'request', least: 1, actor: 'test' }),
      );

  /** By reading everything there is. */
  const expected = async () => {
    const pieces = await store.db
      .selectFrom('feedback')
      .selectAll()
      .where('status', '=', 'accepted')
      .where('kind', '!=', 'comment')
      .orderBy('id')
      .execute();
    const taken = await store.db.selectFrom('learner_feedback').selectAll().execute();
    const free = pieces.filter(
      (one) =>
        !taken.some(({ feedback_id: id, content_hash: hash }) => id === one.id && hash === one.content_hash),
    );
    const { rows, outcomes } = rowsOfFeedback(free);
    const count = (outcome: string) => [...outcomes.values()].filter((one) => one === outcome).length;
    const counts = { duplicate: count('duplicate'), contradicted: count('contradicted') };
    const rest = { unusable: count('unusable'), unpaired: count('unpaired') };
    return { outcomes, summary: { unlearned: free.length, rows: rows.length, ...counts, ...rest } };
  };

  /** One of several, by any number. */
  const pick = async (table: 'feedback' | 'learner_tasks', at: number) => {
    const all = await store.db.selectFrom(table).select('id').orderBy('id').execute();
    return all[at % Math.max(1, all.length)];
  };
  const redecide = async (at: number, isAccepted: boolean) => {
    const piece = await pick('feedback', at);
    if (piece) await decide(store, piece.id, { status: isAccepted ? 'accepted' : 'rejected' }, 'test');
  };
  const release = async (at: number) => {
    const task = await pick('learner_tasks', at);
    if (task) await releaseFeedback(store.db, task);
  };
  const checkCollecting = async () => {
    const { outcomes, summary } = await expected();
    const made = await collect();
    expect(made !== null).toBe(summary.rows > 0);
    if (made === null) return;
    const taken = await store.db
      .selectFrom('learner_feedback')
      .select(['feedback_id', 'outcome'])
      .where('task_id', '=', made.id)
      .execute();
    const parts = [...outcomes].filter(([, outcome]) => outcome !== 'unpaired');
    expect(new Map(taken.map(({ feedback_id: id, outcome }) => [id, outcome]))).toEqual(new Map(parts));
  };

  it.skipIf(missing)(
    'whatever comes in whatever order, they make the rows that all feedback together makes',
    async () => {
      const asked = fc.constantFrom('Hi', ' hi', 'Bye', 'How?');
      const answer = fc.constantFrom('a', 'b', 'c');
      const doing = <T>(weight: number, given: fc.Arbitrary<T>, perform: (given: T) => Promise<unknown>) => ({
        weight,
        arbitrary: given.map((value) => () => perform(value)),
      });
      const step = fc.oneof(
        doing(6, fc.tuple(asked, answer, fc.boolean()), (given) => insert(thumb(...given))),
        doing(1, fc.nat(3), (at) => insert(acceptedPair(at))),
        doing(1, fc.constant(null), (prompt) => insert({ ...thumb('Hi', 'a', true), prompt })),
        doing(2, fc.tuple(fc.nat(), fc.boolean()), ([at, isAccepted]) => redecide(at, isAccepted)),
        doing(3, fc.constant(null), mark),
        doing(1, fc.constant(null), checkCollecting),
        doing(1, fc.nat(), release),
      );
      const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        await clear();
        for (const one of steps) {
          await one();
          expect(await new Unlearned(store).summary()).toEqual((await expected()).summary);
        }
      });
      await fc.assert(property, { numRuns: 30, seed: 11 });
    },
  );

  it.skipIf(missing)('is read no more until another thumb on its prompt comes', async () => {
    await insert(thumb('Hi', 'a', true), thumb('Bye', 'b', true));
    await mark();
    // Whoever reads this fails.
    const broken = store.db.updateTable('feedback').set({ prompt: 'no JSON' });
    await broken.where('answer', '=', 'b').execute();
    await insert(acceptedPair(1), thumb('Hi', 'c', false));
    const known = new Unlearned(store);
    expect(await known.summary()).toMatchObject({ unlearned: 4, rows: 2, unpaired: 1, unusable: 0 });
    expect(known.unmarked).toBe(0);
    expect(await collect()).toMatchObject({ rows: 2, feedback: 3 });
    await insert(acceptedPair(2));
    expect(await new Unlearned(store).summary()).toMatchObject({ unlearned: 2, rows: 1, unpaired: 1 });
    await insert(thumb('Bye', 'd', false));
    await expect(new Unlearned(store).summary()).rejects.toThrow(/JSON/);
  });
});

describe('a service that learns', () => {
  const { start } = useLearnerService();

  it('marks thumbs that wait, and learns from them when their counterpart comes', async () => {
    const service = await start(undefined, { from: 1, least: 1, shadow: null, canary: null });
    const { db } = service.store;
    await db
      .insertInto('feedback')
      .values([thumb('Hi', 'a', true), thumb('Bye', 'b', true)])
      .execute();
    await eventually(async () => {
      const seen = await db.selectFrom('feedback').select('waits_on').execute();
      expect(new Set(seen.map(({ waits_on }) => waits_on)).size).toBe(2);
      expect(seen.every(({ waits_on }) => waits_on !== null)).toBe(true);
    });
    await service.comesTo({ feedback: { unlearned: 2, unpaired: 2, rows: 0 } });
    await db
      .insertInto('feedback')
      .values(thumb('hi', 'c', false))
      .execute();
    expect(await service.until(({ state }) => state === 'full')).toMatchObject({ feedback: 2, rows: 1 });
    await service.comesTo({ feedback: { unlearned: 1, unpaired: 1 } });
  });
});
