import { describe, expect, it } from 'vitest';
import { lockMemory } from '../../../src/memory/store/writer.ts';
import { eventually, type LearnerTestService, playedLearn, useLearnerService } from './harness.ts';

const { memoryFolder, start } = useLearnerService();

/** The first task as what everybody gets. @returns its id */
async function servedByHand(service: LearnerTestService): Promise<string> {
  await service.feed(0, 4);
  const { id } = await service.until(({ state }) => state === 'shadow');
  for (let stage = 0; stage < 2; stage++) await service.act(`candidates/${id}/promote`);
  await service.serves('support@v2');
  return id;
}

async function revertByHand(version: string): Promise<void> {
  const writer = await lockMemory(memoryFolder(), { wait: 10 });
  await writer.revert(version);
  writer.release();
}

describe('a candidate', () => {
  it('is compared, then for a share of the requests, then for all; every step is recorded', async () => {
    const service = await start(playedLearn('commit'), { canary: { hours: 1 } });
    for (const content of ['a', 'b', 'c', 'd', 'c']) await service.ask(content);
    await service.feed(0, 4);
    const canary = await service.until(({ state }) => state === 'canary');
    expect(canary.shadow).toMatchObject({ prompts: 3, compared: 3, failed: 0, exact: 0, length_ratio: 1 });
    expect(canary.shadow?.similarity).toBeGreaterThan(50);
    const compared = await service.request(`/v1/learner/candidates/${canary.id}/comparisons?limit=2`);
    expect(await compared.json()).toMatchObject({
      data: [
        {
          position: 0,
          prompt: [{ role: 'user', content: 'c' }],
          serving: { text: 'c answered by support@v0' },
          candidate: { text: 'c answered by support@v2' },
          equal: false,
        },
        { position: 1, prompt: [{ role: 'user', content: 'd' }] },
      ],
    });
    await service.diverts();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, at) => service.ask('Hi', { user: `p${at}` })),
    );
    const diverted = answers.filter(({ model }) => model === 'support@v2');
    expect(diverted.length).toBeGreaterThan(0);
    expect(diverted.length).toBeLessThan(25);
    await service.until((task) => task.canary?.candidate.answers === diverted.length);
    await service.act(`candidates/${canary.id}/promote`);
    await service.serves('support@v2');
    const actions = (await service.decisions()).map(({ action }) => action).reverse();
    expect(actions.filter((action) => action !== 'test')).toEqual([
      ...['elect', 'collect', 'learn', 'shadow', 'canary', 'full'],
    ]);
  });

  it('that is rated worse is taken back by itself, in the memory too, and learning goes on from before', async () => {
    const learn = playedLearn('commit');
    const service = await start(learn, { canary: { share: 0.5, hours: 1, ratings: 8 } });
    await service.feed(0, 4);
    const canary = await service.until(({ state }) => state === 'canary');
    await service.diverts();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => service.ask('Hi', { user: `p${at}` })),
    );
    await service.rate(answers.map(({ id, model }) => ({ id, model, up: model === 'support@v0' })));
    const back = await service.until(({ state }) => state === 'rolled-back');
    expect(back.id).toBe(canary.id);
    expect(back.reason).toMatch(/rated worse than what is served: \d+ of \d+ against 0 of \d+/);
    expect(back.canary?.tests).toContainEqual(expect.objectContaining({ signal: 'ratings', worse: true }));
    await service.serves('support@v0');
    expect((await service.ask('Hi', { user: 'p1' })).model).toBe('support@v0');
    await eventually(async () => expect((await service.memory.head()).commit.number).toBe(0));
    await service.feed(4, 4);
    const next = await service.until(({ id, version }) => id !== canary.id && version !== null);
    expect(next).toMatchObject({ from_version: 0, version: 4 });
    expect((await service.memory.resolve('3')).parent).toBe((await service.memory.resolve('0')).hash);
  });

  it('that is rated alike is not', async () => {
    const service = await start(playedLearn('commit'), {
      canary: { share: 0.5, hours: 0, answers: 30, ratings: 8 },
    });
    await service.feed(0, 4);
    await service.until(({ state }) => state === 'canary');
    await service.diverts();
    const answers = await Promise.all(
      Array.from({ length: 160 }, (_, at) => service.ask('Hi', { user: `p${at}` })),
    );
    await service.rate(answers.map(({ id, model }, at) => ({ id, model, up: at % 4 > 0 })));
    const full = await service.until(({ state }) => state === 'full');
    expect(full.canary?.tests.length).toBeGreaterThan(0);
    expect(full.canary?.tests.every(({ worse }) => !worse)).toBe(true);
  });

  it('is looked at once more before everybody gets it, though too few have rated it for a look', async () => {
    const service = await start(playedLearn('commit'), {
      canary: { share: 0.5, hours: 0, answers: 60, ratings: 1000 },
    });
    await service.feed(0, 4);
    await service.until(({ state }) => state === 'canary');
    await service.diverts();
    const ask = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, at) => service.ask('Hi', { user: `p${at}` })));
    const answers = await ask(60);
    await service.rate(answers.map(({ id, model }) => ({ id, model, up: model === 'support@v0' })));
    await ask(200);
    const back = await service.until(({ state }) => state === 'rolled-back' || state === 'full');
    expect(back.reason).toMatch(/rated worse than what is served: \d+ of \d+ against 0 of \d+/);
    expect(back.canary?.tests).toContainEqual(expect.objectContaining({ look: 1, worse: true }));
  });

  it('waits for a person where it cannot answer', async () => {
    const service = await start();
    await service.store.db
      .insertInto('completions')
      .values({
        ...{ id: 'chatcmpl-x', at: Date.now(), model: 'support@v0', source: 'test', person: null },
        ...{ messages: JSON.stringify([{ role: 'user', content: 'unanswerable' }]), answers: '["x"]' },
      })
      .execute();
    await service.feed(0, 4);
    await service.until(({ shadow }) => shadow?.failed === 1);
    await service.settle();
    await service.comesTo({
      ...{ state: 'shadow', waits_for: [{ kind: 'admin', reason: expect.stringContaining('could not') }] },
    });
  });

  it('is promoted and rolled back by people, at once, from any stage', async () => {
    const service = await start(playedLearn('commit'), {
      shadow: { prompts: 1, hours: 1 },
      canary: { hours: 1 },
    });
    await service.feed(0, 4);
    const { id } = await service.until(({ state }) => state === 'shadow');
    const act = async (what: string, body: object = {}) =>
      (await (await service.act(`candidates/${id}/${what}`, body)).json()) as { state: string };
    expect(await act('promote', { note: 'looks well' })).toMatchObject({
      state: 'canary',
      reason: 'looks well',
    });
    expect(await act('promote')).toMatchObject({ state: 'full' });
    await service.serves('support@v2');
    expect(await act('roll-back')).toMatchObject({ state: 'rolled-back' });
    await service.serves('support@v0');
    expect(await act('roll-back')).toMatchObject({ error: { code: 'wrong_state' } });
    const audit = (await (await service.request('/v1/audit')).json()) as { data: { action: string }[] };
    expect(audit.data.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['learner.promote', 'learner.roll-back']),
    );
  });

  it('goes with the version that it was trained on, whichever stage it is in', async () => {
    const service = await start(playedLearn('commit'), { shadow: { hours: 1 } });
    const base = await servedByHand(service);
    await service.feed(4, 4);
    const above = await service.until(({ id, state }) => id !== base && state === 'shadow');
    expect(above).toMatchObject({ from_version: 2, version: 4 });
    await service.act(`candidates/${above.id}/promote`);
    await service.diverts();
    await service.act(`candidates/${base}/roll-back`);
    const back = await service.candidate(above.id);
    expect(back).toMatchObject({ state: 'rolled-back', reason: expect.stringContaining('version 2') });
    await service.serves('support@v0');
    await eventually(async () => expect((await service.memory.head()).commit.number).toBe(0));
    await revertByHand('2');
    await service.serves('support@v2');
  });

  it('goes with the version that it was trained on, though that was rolled back while it learned', async () => {
    const learn = playedLearn('commit');
    let go = () => {};
    const rolledBack = new Promise<void>((resolve) => {
      go = resolve;
    });
    const late: typeof learn = {
      ...learn,
      start(job, onProgress) {
        if (learn.jobs.length === 0) return learn.start(job, onProgress);
        const ended = rolledBack.then(() => learn.start(job, onProgress).ended);
        return { ended, stop() {}, kill() {} };
      },
    };
    const service = await start(late, { shadow: { hours: 1 } });
    const base = await servedByHand(service);
    await service.feed(4, 4);
    const learning = await service.until(({ id, state }) => id !== base && state === 'learning');
    await service.act(`candidates/${base}/roll-back`);
    go();
    const back = await service.until(({ state }) => state === 'rolled-back');
    expect(back).toMatchObject({ id: learning.id, version: 4, reason: expect.stringContaining('version 2') });
    await service.serves('support@v0');
    await eventually(async () => expect((await service.memory.head()).commit.number).toBe(0));
  });

  it('is not held against ratings of answers that were given before it', async () => {
    const service = await start(playedLearn('commit'), { canary: { share: 0.5, hours: 1 } });
    const before = await service.ask('Hi', { user: 'early' });
    await service.feed(0, 4);
    await service.until(({ state }) => state === 'canary');
    await service.diverts();
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) => service.ask('Hi', { user: `p${at}` })),
    );
    await service.rate([before, ...answers].map(({ id, model }) => ({ id, model, up: true })));
    const { canary } = await service.until(({ canary }) => (canary?.candidate.rated ?? 0) > 0);
    expect(canary!.serving.rated + canary!.candidate.rated).toBe(6);
  });

  it('makes way where the memory is moved by hand, which is then served', async () => {
    const service = await start(playedLearn('commit'), { shadow: { hours: 1 } });
    await service.feed(0, 4);
    await service.until(({ state }) => state === 'shadow');
    await revertByHand('1');
    const task = await service.until(({ state }) => state === 'rolled-back');
    expect(task.reason).toMatch(/moved to version 1 by others/);
    await service.serves('support@v1');
  });
});

it('knows nothing of what another memory in the same database has', async () => {
  const service = await start(playedLearn('commit'), { shadow: { hours: 1 } });
  await service.feed(0, 4);
  const own = await service.until(({ state }) => state === 'shadow');
  const { db } = service.store;
  const task = await db
    .selectFrom('learner_tasks')
    .selectAll()
    .where('id', '=', own.id)
    .executeTakeFirstOrThrow();
  const other = { ...task, id: `${own.id}x`, name: `${task.name}x`, memory: 'other' };
  await db.insertInto('learner_tasks').values(other).execute();
  const read = async (path: string) => (await (await service.request(path)).json()) as { data: object[] };
  expect((await read('/v1/learner/candidates')).data).toMatchObject([{ id: own.id }]);
  for (const act of ['promote', 'roll-back', 'release']) {
    expect((await service.act(`candidates/${other.id}/${act}`)).status).toBe(404);
  }
  expect((await service.request(`/v1/learner/candidates/${other.id}`)).status).toBe(404);
  const { state } = await db
    .selectFrom('learner_tasks')
    .select('state')
    .where('id', '=', other.id)
    .executeTakeFirstOrThrow();
  expect(state).toBe('shadow');
});

it('tells what is not there, and what may not be asked', async () => {
  const service = await start();
  expect((await service.request('/v1/learner/candidates/lt_none')).status).toBe(404);
  expect((await service.act('candidates/lt_none/promote')).status).toBe(404);
  const list = await service.request('/v1/learner/candidates');
  expect(await list.json()).toEqual({ object: 'list', data: [] });
  const metrics = await (await service.request('/metrics')).text();
  expect(metrics).toMatch(/lifealign_learner_leads 1/);
  expect(metrics).toMatch(/lifealign_learner_state\{state="idle"\} 1/);
});
