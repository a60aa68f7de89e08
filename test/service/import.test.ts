/** Feedback from files. Open WebUI's is made up after its source: two turns, two answers to the second, one rated. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openStore } from '../../src/service/store/open.ts';
import { lifealign } from '../cli/command.ts';

let folder: string;
beforeEach(() => {
  vi.stubEnv('DATABASE_URL', '');
  folder = mkdtempSync(join(tmpdir(), 'lifealign-import-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const message = (id: string, parentId: string | null, role: string, content: string) => ({
  ...{ id, parentId, childrenIds: [], role, content, timestamp: 1 },
});
const messages = {
  m1: message('m1', null, 'user', 'Hi'),
  m2: message('m2', 'm1', 'assistant', 'Hello.'),
  m3: message('m3', 'm2', 'user', 'When do you open?'),
  m4: message('m4', 'm3', 'assistant', 'Never.'),
  m5: message('m5', 'm3', 'assistant', 'At 8.'),
};
const rated = (id: string, message_id: string, rating: unknown, more: object = {}) => ({
  ...{ id, user_id: 'u1', version: 0, type: 'rating', created_at: 1, updated_at: 1 },
  data: { rating, model_id: 'large', reason: 'not_factual', comment: 'wrong', tags: ['hours'], ...more },
  meta: { arena: false, chat_id: 'c1', message_id, message_index: 3 },
  snapshot: {
    chat: { id: 'c1', user_id: 'u1', title: 'T', chat: { history: { messages, currentId: 'm5' } } },
  },
});

async function run(content: unknown, text = JSON.stringify(content)) {
  const file = join(folder, 'export.json');
  writeFileSync(file, text);
  const store = join(folder, 'a.sqlite');
  const ended = await lifealign('feedback', 'import', file, '--store', store);
  if (ended.code !== 0) return { ...ended, rows: [], report: null };
  const opened = await openStore({ kind: 'sqlite', file: store });
  const rows = await opened.db.selectFrom('feedback').selectAll().orderBy('id').execute();
  await opened.close();
  return { ...ended, rows, report: JSON.parse(ended.stdout) as object };
}

it('Open WebUI’s ratings come with the conversation up to the rated message, once', async () => {
  const records = [
    rated('f1', 'm4', -1),
    rated('f2', 'm5', '1', { reason: null, comment: null, tags: null }),
    rated('f3', 'm9', 1),
    rated('f4', 'm4', 7),
    { ...rated('f5', 'm4', 1), snapshot: null },
  ];
  const first = await run(records);
  expect(first.report).toEqual({ format: 'open-webui', records: 5, stored: 2, repeated: 0, left_out: 3 });
  expect(first.stderr).toMatch(
    /row 3 is left out: meta.message_id: .*\n.*row 4 .*expected 1 or -1.*\n.*row 5 .*snapshot/s,
  );
  const prompt = [messages.m1, messages.m2, messages.m3].map(({ role, content }) => ({ role, content }));
  expect(first.rows.map((row) => ({ ...row, prompt: JSON.parse(row.prompt!) }))).toMatchObject([
    {
      ...{ kind: 'rating', rating: -1, answer: 'Never.', prompt, person: 'u1', source: 'import:open-webui' },
      ...{ comment: 'not_factual: wrong', tags: '["hours"]', status: 'pending' },
    },
    { rating: 1, answer: 'At 8.', prompt, comment: null, tags: '[]' },
  ]);
  const again = await run(records);
  expect(again.report).toMatchObject({ stored: 0, repeated: 2 });
  expect(again.rows).toEqual(first.rows);
  const changed = await run([rated('f1', 'm4', 1)]);
  expect(changed.report).toMatchObject({ stored: 0, left_out: 1 });
  expect(changed.stderr).toContain('it has changed since it was imported');
});

it('a conversation that goes round, or has a hole, is left out', async () => {
  const damaged = (change: object) => {
    const record = rated('f1', 'm4', 1);
    record.snapshot.chat.chat.history.messages = { ...messages, ...change };
    return record;
  };
  const { report } = await run([
    damaged({ m1: { ...messages.m1, parentId: 'm3' } }),
    { ...damaged({ m2: { ...messages.m2, parentId: 'm0' } }), id: 'f2' },
  ]);
  expect(report).toMatchObject({ stored: 0, left_out: 2 });
});

it('our own lines are those of the service', async () => {
  const lines = [
    { id: 'a', prompt: 'Hi', chosen: 'A', rejected: 'B' },
    { id: 'b', prompt: 'Hi', chosen: 'A' },
  ].map((line) => JSON.stringify(line));
  const { report, rows, stderr } = await run(null, lines.join('\n'));
  expect(report).toEqual({ format: 'lifealign', records: 2, stored: 1, repeated: 0, left_out: 1 });
  expect(rows).toMatchObject([{ kind: 'pair', chosen: 'A', rejected: 'B', source: 'import:lifealign' }]);
  expect(stderr).toContain('row 2 is left out: rejected: missing; a pair has both');
});

it.each([
  ['[{"x": 1}]', /row 1: not recognised as feedback; known are: Open WebUI/],
  ['[{"id": ', /invalid JSON/],
  ['', /the file is empty/],
])('%j is refused', async (text, problem) => {
  const { code, stderr } = await run(null, text);
  expect(code).toBe(2);
  expect(stderr).toMatch(problem);
});
