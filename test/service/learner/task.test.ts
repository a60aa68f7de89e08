/** From accepted feedback to a version of the memory, whatever becomes of the process that learns. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockMemory } from '../../../src/memory/store/writer.ts';
import { learnSmall } from '../../memory/store/small-memory.ts';
import { eventually, playedLearn, useLearnerService } from './harness.ts';

const { memoryFolder, start } = useLearnerService();

describe('a task', () => {
  it('is made once there are enough rows, of each piece of feedback once', async () => {
    const learn = playedLearn('commit');
    const service = await start(learn, { shadow: null, canary: null });
    await service.feed(0, 3);
    await service.settle();
    await service.comesTo({
      ...{ state: 'waiting', leader: 'one', serving: { version: 0, model: 'support@v0' } },
      waits_for: [{ kind: 'rows', have: 3, need: 4 }],
      feedback: { unlearned: 3, rows: 3 },
    });
    await service.feed(3, 1);
    const task = await service.until(({ state }) => state === 'full');
    expect(task).toMatchObject({ trigger: 'threshold', feedback: 4, rows: 4, from_version: 0, version: 2 });
    expect(learn.rows[0]!.map(({ chosen }) => chosen)).toEqual(['good 0', 'good 1', 'good 2', 'good 3']);
    expect(learn.jobs[0]).toMatchObject({ task: task.task, restart: false, private: true });
    await service.feed(4, 4);
    const next = await service.until(({ id, state }) => id !== task.id && state === 'full');
    expect(learn.rows[1]!.map(({ chosen }) => chosen)).toEqual(['good 4', 'good 5', 'good 6', 'good 7']);
    expect(next).toMatchObject({ from_version: 2, version: 4 });
    await service.serves('support@v4');
    await service.comesTo({ feedback: { unlearned: 0 } });
    expect(learn.jobs).toHaveLength(2);
  });

  it('is made when somebody asks, though it be fewer rows, and not of fewer than the least', async () => {
    const service = await start(playedLearn('commit'), { from: 100, shadow: null, canary: null });
    await service.feed(0, 1);
    expect((await service.act('learn')).status).toBe(200);
    await service.settle();
    await service.comesTo({
      requested: true,
      waits_for: [{ kind: 'rows', have: 1, need: 2 }],
    });
    await service.feed(1, 1);
    expect(await service.until(({ state }) => state === 'full')).toMatchObject({ trigger: 'request' });
    await service.comesTo({ requested: false });
  });

  it('waits while it is paused', async () => {
    const service = await start();
    expect(await (await service.act('pause')).json()).toMatchObject({ paused: true });
    await service.feed(0, 4);
    await service.settle();
    await service.comesTo({ last: null, waits_for: [{ kind: 'paused' }] });
    await service.act('resume');
    await service.until(({ version }) => version !== null);
  });

  it('refused by the gate keeps its table, and its feedback until it is released', async () => {
    const learn = playedLearn('refuse', 'commit');
    const service = await start(learn, { shadow: null, canary: null });
    await service.feed(0, 4);
    const refused = await service.until(({ state }) => state === 'refused');
    expect(refused).toMatchObject({ version: 2, reason: 'the gate refuses it', from_version: 0 });
    await service.settle();
    await service.comesTo({ feedback: { unlearned: 0 }, serving: { version: 0 } });
    expect((await service.act(`candidates/${refused.id}/promote`)).status).toBe(409);
    expect((await service.act(`candidates/${refused.id}/release`)).status).toBe(200);
    const again = await service.until(({ id, state }) => id !== refused.id && state === 'full');
    expect(again.rows).toBe(4);
  });

  it('goes on after an end without a result, and is given up after several, its feedback with it', async () => {
    const learn = playedLearn('fail', 'fail', 'commit');
    const service = await start(learn, { shadow: null, canary: null, retry: 0 });
    await service.feed(0, 4);
    expect(await service.until(({ state }) => state === 'full')).toMatchObject({ attempts: 3, error: null });
    expect(learn.jobs.map(({ restart }) => restart)).toEqual([false, true, true]);
    learn.plays = ['fail'];
    await service.feed(4, 4);
    const failed = await service.until(({ state }) => state === 'failed');
    expect(failed).toMatchObject({
      ...{ attempts: 3, error: 'out of luck' },
      reason: '3 processes came to no result: the last error: out of luck',
    });
    // Its feedback stays with it, and what comes after is learned without it.
    await service.settle();
    await service.comesTo({ feedback: { unlearned: 0 }, state: 'idle', last: { id: failed.id } });
    expect(await (await service.request('/metrics')).text()).toMatch(
      /lifealign_learner_tasks\{state="failed"\} 1/,
    );
    learn.plays = ['commit'];
    await service.feed(8, 4);
    const next = await service.until(({ state, id }) => state === 'full' && id !== failed.id);
    expect(learn.rows.at(-1)!.map(({ chosen }) => chosen)).toEqual([
      'good 8',
      'good 9',
      'good 10',
      'good 11',
    ]);
    // Until somebody wants it to be tried again.
    expect((await service.act(`candidates/${failed.id}/release`)).status).toBe(200);
    await service.until(({ state, id }) => state === 'full' && id !== next.id && id !== failed.id);
    expect(learn.rows.at(-1)!.map(({ chosen }) => chosen)).toEqual(['good 4', 'good 5', 'good 6', 'good 7']);
  });

  it('is not tried again at once where there was an error, unless somebody asks', async () => {
    const learn = playedLearn('fail', 'commit');
    const service = await start(learn, { shadow: null, canary: null });
    await service.feed(0, 4);
    const begun = await service.until(({ error }) => error !== null);
    await service.settle();
    expect(learn.jobs).toHaveLength(1);
    await service.comesTo({ state: 'learning', candidate: begun.id, waits_for: [{ kind: 'time' }] });
    expect((await service.act('learn')).status).toBe(200);
    const full = await service.until(({ state }) => state === 'full');
    expect(full).toMatchObject({ id: begun.id, attempts: 2 });
  });

  it('that takes the service with it is given up after several times, and tried again when somebody asks', async () => {
    const learn = playedLearn('hang');
    const service = await start(learn, { shadow: null, canary: null, attempts: 2, lease: 0.5 });
    await service.feed(0, 4);
    for (let kills = 1; kills <= 2; kills++) {
      await eventually(() => expect(learn.jobs).toHaveLength(kills));
      // What a killed service leaves: it writes nothing more, and somebody else finds its lease free.
      await service.store.db
        .updateTable('learner')
        .set(({ eb }) => ({ owner: null, token: eb('token', '+', 1), until: 0 }))
        .execute();
    }
    const failed = await service.until(({ state }) => state === 'failed');
    expect(failed).toMatchObject({
      ...{ attempts: 2, error: expect.stringContaining('the service was killed') },
      reason: expect.stringMatching(/^2 processes came to no result: in 2 of them the service was killed/),
    });
    // From where they were: nothing was wrong with what they had made.
    expect(learn.jobs.map(({ restart }) => restart)).toEqual([false, false]);
    await service.settle();
    await service.comesTo({ state: 'idle', feedback: { unlearned: 0 } });
    learn.plays = ['commit'];
    await service.act(`candidates/${failed.id}/release`);
    await service.act('learn');
    expect(await service.until(({ state }) => state === 'full')).toMatchObject({ rows: 4, attempts: 1 });
  });

  it('is not charged with services that were stopped in order', async () => {
    const learn = playedLearn('hang');
    for (let stops = 0; stops < 3; stops++) {
      const service = await start(learn, { attempts: 1 });
      if (stops === 0) await service.feed(0, 4);
      await eventually(() => expect(learn.jobs).toHaveLength(stops + 1));
      await service.end();
    }
    learn.plays = ['commit'];
    const service = await start(learn, { attempts: 1, shadow: null, canary: null });
    expect(await service.until(({ state }) => state === 'full')).toMatchObject({ attempts: 4 });
  });

  it('fails like any other where its rows cannot be written', async () => {
    const learn = playedLearn('commit');
    const service = await start(learn, { retry: 0 });
    // Where the folder of its data file would be.
    writeFileSync(join(memoryFolder(), 'cache'), '');
    await service.feed(0, 4);
    const failed = await service.until(({ state }) => state === 'failed');
    expect(failed).toMatchObject({ attempts: 3, error: expect.stringContaining('cache') });
    expect(learn.jobs).toEqual([]);
  });

  it('is tried again where the process makes no progress', async () => {
    const learn = playedLearn('hang', 'commit');
    const service = await start(learn, {
      shadow: null,
      canary: null,
      silence: 1 / 3600,
      attempts: 20,
      retry: 0,
    });
    await service.feed(0, 4);
    expect((await service.until(({ state }) => state === 'full')).attempts).toBeGreaterThan(1);
    expect(learn.killed).toBeGreaterThan(0);
    const failed = (await service.decisions()).filter(({ action }) => action === 'fail');
    expect(failed.at(-1)).toMatchObject({ detail: { attempt: 1, again: true } });
  });

  it('with bad input fails at once', async () => {
    const learn = playedLearn('bad input');
    const service = await start(learn);
    await service.feed(0, 4);
    expect(await service.until(({ state }) => state === 'failed')).toMatchObject({ error: 'too few rows' });
    expect(learn.jobs).toHaveLength(1);
  });

  it('is tried again where somebody moved the memory meanwhile, from where it is then', async () => {
    const learn = playedLearn('commit', 'find the head moved', 'commit');
    const service = await start(learn, { shadow: null, canary: null });
    await service.feed(0, 4);
    const first = await service.until(({ state }) => state === 'full');
    await service.feed(4, 4);
    const next = await service.until(({ id, state }) => id !== first.id && state === 'full');
    expect(next).toMatchObject({ attempts: 2, from_version: 0, version: 4 });
  });

  it('leaves no rows behind, though the instance that wrote them was killed once it was learned', async () => {
    const learn = playedLearn('hang');
    const first = await start(learn);
    await first.feed(0, 4);
    const { task } = await first.until(({ state }) => state === 'learning');
    const { data } = await eventually(() => {
      expect(learn.jobs).toHaveLength(1);
      return learn.jobs[0]!;
    });
    await first.end();
    // As a kill leaves it.
    writeFileSync(data, 'what somebody wrote');
    const writer = await lockMemory(memoryFolder());
    await learnSmall(writer, task);
    writer.release();
    const second = await start(learn, { shadow: { hours: 1 } });
    expect(await second.until(({ state }) => state === 'shadow')).toMatchObject({ task, version: 2 });
    expect(existsSync(data)).toBe(false);
  });

  it('that is in the memory already is not learned again', async () => {
    const learn = playedLearn('commit and be killed');
    const service = await start(learn, { shadow: null, canary: null });
    await service.feed(0, 4);
    expect(await service.until(({ state }) => state === 'full')).toMatchObject({ attempts: 1, version: 2 });
    expect(learn.jobs).toHaveLength(1);
  });
});
