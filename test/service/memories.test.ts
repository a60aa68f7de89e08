/** Memories over HTTP: what is told of them agrees with their records, and what changes them is told before it is done. */
import { readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import type { MeasureDrop } from '../../src/service/memories/change.ts';
import type {
  Effect,
  MemoryMatrix,
  VersionDetail,
  VersionSummary,
} from '../../src/service/memories/schema.ts';
import { type SmallServed, serveSmall } from './served-memory.ts';
import { echoBackend, startTestService, type TestService } from './service.ts';

let small: SmallServed;
let service: TestService;
/** Tasks whose drop was measured. */
const measured: string[] = [];

const measureDrop: MeasureDrop = async (_, plan) => {
  measured.push(plan.task);
  const scores = (accuracy: number) => ({ rows: 2, preference_accuracy: accuracy });
  return { before: { tone: scores(75) }, after: { tone: scores(25) } };
};

// Reading changes nothing: one for all that only look. Whatever changes it comes last.
beforeAll(async () => {
  small = await serveSmall('tone', 'policy');
  service = await startTestService(echoBackend(), { memories: [small.served], measureDrop });
});
afterAll(async () => {
  await service.end();
  small.end();
});

async function get<T>(path: string): Promise<T> {
  const response = await service.request(path);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

async function change(kind: 'revert' | 'drop', body: object): Promise<Effect> {
  const response = await service.request(`/v1/memories/support/${kind}`, { body });
  expect(response.status).toBe(200);
  return (await response.json()) as Effect;
}

const headNumber = async () => (await (await MemoryStore.open(small.folder)).head()).commit.number;

describe('reading', () => {
  it('lists memories, versions and moves', async () => {
    const { data } = await get<{ data: object[] }>('/v1/memories');
    expect(data).toEqual([
      {
        ...{ name: 'support', base: 'tiny', head: 4, tasks: ['tone', 'policy'], versions: 5, serving: 4 },
        precision: 'float32',
        updated: expect.stringMatching(/^2\d{3}-/),
      },
    ]);
    const versions = (await get<{ data: VersionSummary[] }>('/v1/memories/support/versions')).data;
    expect(versions.map(({ version, task, stage, state }) => [version, task, stage, state])).toEqual([
      [4, 'policy', 'preference', 'head'],
      [3, 'policy', 'sft', 'in_head'],
      [2, 'tone', 'preference', 'in_head'],
      [1, 'tone', 'sft', 'in_head'],
      [0, null, null, 'in_head'],
    ]);
    expect(versions[0]!.accuracies).toEqual({ policy: 75 });
    const moves = (await get<{ data: { action: string; head: number }[] }>('/v1/memories/support/moves'))
      .data;
    expect(moves.map(({ action, head }) => [action, head])).toEqual([
      ['learn', 4],
      ['learn', 2],
      ['init', 0],
    ]);
  });

  it('has the matrix with what each task scored before it was learned', async () => {
    expect(await get<MemoryMatrix>('/v1/memories/support/matrix')).toEqual({
      tasks: ['tone', 'policy'],
      rows: [
        { version: 0, name: 'before', values: [50, null] },
        { version: 2, name: 'tone', values: [75, 50] },
        { version: 4, name: 'policy', values: [null, 75] },
      ],
    });
  });

  it('explains a version by the reports of its matrices', async () => {
    const detail = await get<VersionDetail>('/v1/memories/support/versions/4');
    const { store } = small.served;
    const reports = Object.entries((await store.reports(await store.resolve('4')))!);
    expect(detail.consolidation!.matrices).toEqual(
      reports.map(([name, report]) => ({
        name,
        singular_values: report.singularValues,
        kept_rank: report.keptRank,
        history_rank: report.historyRank,
        energy: report.energy,
      })),
    );
    expect(detail).toMatchObject({
      ...{ version: 4, model: 'support@v4', parent: 3, tasks: ['tone', 'policy'], gate: null },
      precision: 'float32',
      rows: { train: 6, gate: 2, report: 2, withdrawn: 0, private: false },
      before: { policy: { preference_accuracy: 50 } },
      after: { policy: { preference_accuracy: 75, margin: 0.25 } },
    });
  });

  it('gives report rows as prompts, of no private task', async () => {
    const { data } = await get<{ data: object[] }>('/v1/memories/support/versions/head/samples?count=1');
    expect(data).toEqual(
      ['tone', 'policy'].map((task) => ({
        task,
        prompt: [{ role: 'user', content: `${task}: what about 8?` }],
        preferred: 'yes to 8',
      })),
    );
  });

  it.each([
    '/v1/memories/other/matrix',
    '/v1/memories/support/versions/9',
    '/v1/memories/support/versions/x',
  ])('answers 404 for %s, and tells no folder', async (path) => {
    const response = await service.request(path);
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain(small.folder);
  });
});

it('tells of a damaged memory only that there is a fault; the log says where', async () => {
  const damaged = await serveSmall();
  const service = await startTestService(echoBackend(), { memories: [damaged.served] });
  writeFileSync(join(damaged.folder, 'head'), 'not what was written');
  for (const path of ['', '/support/versions', '/support/versions/0', '/support/matrix', '/support/moves']) {
    const response = await service.request(`/v1/memories${path}`);
    expect(response.status, path).toBe(500);
    expect(await response.text(), path).not.toContain(damaged.folder);
  }
  expect(service.log.join('')).toContain('damaged');
  await service.end();
  damaged.end();
});

describe('checking data', () => {
  const upload = (text: string, headers: Record<string, string> = {}) =>
    service.request('/v1/data/check', {
      ...{ method: 'POST', body: text, headers: { 'content-type': 'application/octet-stream', ...headers } },
    });
  const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('lifealign-upload-'));

  it('tells what is in a file and keeps nothing of it', async () => {
    const before = leftovers();
    const rows = [
      { query: 'one', chosen: 'a', rejected: 'b' },
      { query: 'one', chosen: 'a', rejected: 'a' },
    ];
    const response = await upload(JSON.stringify(rows));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      ...{ format: 'json', count: 2, valid: 1 },
      invalid: { count: 1, first: [{ row: 2, field: expect.any(String) }] },
      preview: [{ prompt: [{ role: 'user', content: 'one' }], chosen: 'a', rejected: 'b' }],
    });
    const broken = await upload('[{"query": ');
    expect(broken.status).toBe(400);
    const { error } = (await broken.json()) as { error: { message: string } };
    expect(error.message).toContain('the file');
    expect(error.message).not.toContain(tmpdir());
    expect(leftovers()).toEqual(before);
  });

  it('is for files of bounded size, sent as no form can', async () => {
    expect((await upload('x'.repeat(2 ** 18 + 1))).status).toBe(413);
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/json']) {
      expect((await upload('[]', { 'content-type': type })).status, type).toBe(415);
    }
  });
});

describe('changing', () => {
  it('is told by a dry run that writes nothing, and done on its condition', async () => {
    const planned = await change('revert', { version: 2, dry_run: true });
    expect(planned).toMatchObject({ done: false, from: 4, to: 2, tasks_gone: ['policy'], tasks_back: [] });
    expect(planned.relative_change).toBeGreaterThan(0);
    expect(await headNumber()).toBe(4);
    expect(await change('revert', { version: 2, head: planned.head, note: 'why' })).toMatchObject({
      done: true,
    });
    expect(await headNumber()).toBe(2);
    const audit = await get<{ data: { action: string; target: string; detail: object }[] }>('/v1/audit');
    expect(audit.data[0]).toMatchObject({
      ...{ action: 'memory.revert', target: 'support', detail: { from: 4, to: 2 } },
    });
    // What the dry run was about is no more.
    const late = await service.request('/v1/memories/support/revert', {
      body: { version: 4, head: planned.head },
    });
    expect(late.status).toBe(409);
    expect(await late.json()).toMatchObject({ error: { code: 'head_moved' } });
    expect(await headNumber()).toBe(2);
    const back = await change('revert', { version: 4, dry_run: true });
    expect(back.tasks_back).toEqual(['policy']);
    await change('revert', { version: 4, head: back.head });
  });

  it('needs the head that was looked at', async () => {
    const response = await service.request('/v1/memories/support/drop', { body: { task: 'tone' } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'head' } });
  });

  it('waits for no other writer for ever', async () => {
    const { head } = await change('revert', { version: 2, dry_run: true });
    const writer = await lockMemory(small.folder);
    try {
      const response = await service.request('/v1/memories/support/revert', { body: { version: 2, head } });
      expect(response.status).toBe(409);
      expect(await response.json()).toMatchObject({ error: { code: 'memory_locked' } });
    } finally {
      writer.release();
    }
  });

  it('drops a task with its rows, and records what was measured once', async () => {
    const look = { task: 'tone', dry_run: true };
    expect(await change('drop', look)).toMatchObject({ to: null, measured: false, after: {} });
    const planned = await change('drop', { ...look, measure: true });
    expect(planned).toMatchObject({
      ...{ done: false, measured: true, rows_withdrawn: 10, trained_on_top: ['policy'] },
      after: { tone: { preference_accuracy: 25 } },
    });
    const done = await change('drop', { task: 'tone', measure: true, head: planned.head });
    expect(done).toMatchObject({ done: true, from: 4, to: 5 });
    expect(measured).toEqual(['tone']);
    const { store } = small.served;
    const { commit } = await store.head();
    expect((await store.learned(commit)).map(({ task }) => task)).toEqual(['policy', 'policy']);
    expect((await store.metrics(commit))!.after).toMatchObject({ tone: { preference_accuracy: 25 } });
    expect((await service.request('/v1/memories/support/drop', { body: look })).status).toBe(404);
  });
});
