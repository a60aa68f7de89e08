/**
 * Feedback from files. Open WebUI's and Langfuse's are made up after their sources; Argilla's were written by its
 * client (oracle/make_argilla.py).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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

function written(content: unknown, name = 'export.json', text = JSON.stringify(content)): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

async function run(content: unknown, text = JSON.stringify(content)) {
  return runFile(written(null, 'export.json', text));
}

async function runFile(file: string, ...flags: readonly string[]) {
  const store = join(folder, 'a.sqlite');
  const ended = await lifealign('feedback', 'import', file, '--store', store, ...flags);
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
  const changed = await run([
    rated('f1', 'm4', 1),
    rated('f2', 'm5', '1', { reason: null, comment: null, tags: null }),
  ]);
  expect(changed.report).toMatchObject({ stored: 0, repeated: 1, left_out: 1 });
  expect(changed.stderr).toContain('it has changed since it was imported');
});

it('a conversation that goes round, or has a hole, is left out', async () => {
  const damaged = (change: object) => {
    const record = rated('f1', 'm4', 1);
    record.snapshot.chat.chat.history.messages = { ...messages, ...change };
    return record;
  };
  const { code, stderr } = await run([
    damaged({ m1: { ...messages.m1, parentId: 'm3' } }),
    { ...damaged({ m2: { ...messages.m2, parentId: 'm0' } }), id: 'f2' },
  ]);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /row 1, field "snapshot.chat": .*; nothing .* as open-webui \(the first of 2 reasons\)/,
  );
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
  [
    '[{"id": "a", "prompt": "Hi", "chosen": "A"}]',
    /row 1, field "rejected": missing; a pair has both; nothing/,
  ],
])('%j is refused', async (text, problem) => {
  const { code, stderr } = await run(null, text);
  expect(code).toBe(2);
  expect(stderr).toMatch(problem);
});

describe('Langfuse', () => {
  /** Rows of its tables, as its exporter writes them. */
  const trace = (id: string, input: unknown, output: unknown) => ({
    ...{ id, timestamp: '2026-01-02T03:04:05.000Z', name: 'chat', userId: `user of ${id}`, sessionId: null },
    ...{
      input,
      output,
      metadata: null,
      tags: [],
      bookmarked: false,
      public: false,
      thumb: [1],
      comments: [],
    },
  });
  const score = (id: string, traceId: string, more: object) => ({
    ...{ id, traceId, sessionId: null, datasetRunId: null, timestamp: '2026-01-02T03:04:05.000Z' },
    ...{ source: 'API', name: 'thumb', dataType: 'BOOLEAN', value: 1, stringValue: 'True', comment: null },
    ...{ metadata: {}, observationId: null, traceName: 'chat', userId: null, environment: 'default' },
    ...more,
  });
  const CHAT = [
    { role: 'system', content: 'Be brief.' },
    { role: 'human', content: 'When do you open?' },
  ];
  const TRACES = [
    trace('t1', { messages: CHAT }, { role: 'assistant', content: 'Never.', tool_calls: null }),
    trace('t2', 'Hi', '{"choices": [{"message": {"role": "assistant", "content": "Hello."}}]}'),
    trace('t3', { question: 'Hi?' }, [...CHAT, { role: 'ai', content: 'At 8.' }]),
    trace('t4', { a: 1, b: 2 }, 'x'),
  ];
  const PROMPT = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'When do you open?' },
  ];

  it('scores come with the texts of their traces', async () => {
    const traces = written(TRACES, 'traces.json');
    const observations = written(
      [{ id: 'o1', traceId: 't1', input: 'Part', output: 'Answer' }].map((one) => JSON.stringify(one)),
      'observations.jsonl',
      JSON.stringify({ id: 'o1', traceId: 't1', input: 'Part', output: 'Answer' }),
    );
    const file = written([
      score('s1', 't1', { value: 0, comment: 'wrong' }),
      score('s2', 't2', { dataType: 'NUMERIC', value: 4, name: 'stars' }),
      score('s3', 't3', { dataType: 'CORRECTION', value: 0, stringValue: 'At 9.', name: 'output' }),
      score('s4', 't1', { dataType: 'TEXT', value: 0, stringValue: 'too short' }),
      score('s5', 't1', { observationId: 'o1' }),
      score('s6', 't1', { source: 'EVAL' }),
      score('s7', 't9', {}),
      score('s8', 't4', {}),
      score('s9', 't1', { dataType: 'CATEGORICAL', value: null, stringValue: 'fine' }),
    ]);
    const both = ['--traces', traces, '--traces', observations];
    const { report, rows, stderr } = await runFile(file, ...both, '--up-from', '4');
    expect(report).toEqual({ format: 'langfuse', records: 9, stored: 5, repeated: 0, left_out: 4 });
    expect(rows.map((row) => ({ ...row, prompt: JSON.parse(row.prompt!) }))).toMatchObject([
      { kind: 'rating', rating: -1, prompt: PROMPT, answer: 'Never.', comment: 'wrong', tags: '["thumb"]' },
      { rating: 1, prompt: [{ role: 'user', content: 'Hi' }], answer: 'Hello.', person: 'user of t2' },
      { kind: 'edit', prompt: [{ role: 'user', content: 'Hi?' }], chosen: 'At 9.', rejected: 'At 8.' },
      { kind: 'comment', comment: 'too short', answer: 'Never.' },
      {
        kind: 'rating',
        prompt: [{ role: 'user', content: 'Part' }],
        answer: 'Answer',
        source: 'import:langfuse',
      },
    ]);
    expect(stderr).toMatch(
      /row 6 .*source: EVAL.*row 7 .*"t9" is in no file.*row 8 .*the input of "t4".*row 9 .*CATEG/s,
    );
    expect((await runFile(file, ...both, '--up-from', '4')).report).toMatchObject({ stored: 0, repeated: 5 });
  });

  it('scores come from CSV as from JSON', async () => {
    const csv = (rows: readonly object[]) =>
      [Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))]
        .map((row) =>
          row
            .map((value) =>
              typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? ''),
            )
            .map((text) => `"${text.replaceAll('"', '""')}"`)
            .join(','),
        )
        .join('\n');
    const traces = written(null, 'traces.csv', csv(TRACES));
    const scores = [score('s1', 't1', { value: 0 }), score('s3', 't3', {})];
    const { report, rows } = await runFile(written(null, 'scores.csv', csv(scores)), '--traces', traces);
    expect(report).toMatchObject({ format: 'langfuse', stored: 2 });
    expect(rows.map((row) => [JSON.parse(row.prompt!), row.answer, row.rating])).toEqual([
      [PROMPT, 'Never.', -1],
      [[{ role: 'user', content: 'Hi?' }], 'At 8.', 1],
    ]);
  });

  it('a trace of the API brings its scores along', async () => {
    const { sessionId, userId, ...scores } = score('s1', 't1', { observationId: 'o1' });
    const whole = { ...TRACES[1], scores: [scores, score('s2', 't2', { value: 'x', dataType: null })] };
    const observations = [{ id: 'o1', input: 'Part', output: 'Answer' }];
    const { report, rows, stderr } = await run([{ ...whole, observations }]);
    expect(report).toMatchObject({ format: 'langfuse', records: 1, stored: 1, left_out: 1 });
    expect(rows).toMatchObject([{ answer: 'Answer', rating: 1, person: 'user of t2' }]);
    expect(stderr).toContain('row 1 is left out: scores[1].value: expected a number, got "x"');
  });

  it('numbers of no known scale, and files without texts, are not guessed at', async () => {
    const stars = written([score('s1', 't2', { dataType: 'NUMERIC', value: 1 })]);
    const traces = written(TRACES, 'traces.json');
    const unknown = await runFile(stars, '--traces', traces);
    expect(unknown).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/row 1, field "value": 1: .*--up-from/),
    });
    expect((await runFile(traces)).stderr).toMatch(/row 1, field "scores": .*import the table of scores/);
    expect((await runFile(stars)).stderr).toMatch(/row 1, field "traceId": "t2" is in no file of --traces/);
    const wrong = written([{ id: 't1', name: 'x' }], 'wrong.json');
    expect((await runFile(stars, '--traces', wrong)).stderr).toMatch(
      /wrong\.json, row 1, field "input": missing/,
    );
  });
});

describe('Argilla', () => {
  const fixture = (name: string) => fileURLToPath(new URL(`fixtures/argilla-${name}`, import.meta.url));
  const PERSON = '00000000-0000-0000-0000-00000000000';

  it('nested records are ratings, pairs, edits and comments', async () => {
    // Its draft, the last one, is not told from what was submitted in this form.
    const { report, rows } = await runFile(fixture('records.json'), '--up-from', '4');
    expect(report).toEqual({ format: 'argilla', records: 3, stored: 10, repeated: 0, left_out: 0 });
    expect(
      rows.map(({ kind, rating, answer, chosen, rejected }) => [kind, rating, answer, chosen, rejected]),
    ).toEqual([
      ['rating', 1, 'At 8.', null, null],
      ['rating', -1, 'At 8.', null, null],
      ['pair', null, null, 'Yes?', 'Hello.'],
      ['pair', null, null, 'Yes?', 'What.'],
      ['pair', null, null, 'Hello.', 'What.'],
      ['pair', null, null, 'What.', 'Hello.'],
      ['pair', null, null, 'What.', 'Yes?'],
      ['edit', null, null, 'I look it up at once.', 'I do not know.'],
      ['comment', null, 'No idea.', null, null],
      ['rating', -1, 'No idea.', null, null],
    ]);
    expect(rows.map(({ person }) => person?.replace(PERSON, ''))).toEqual([...'1211122112']);
  });

  it.each(['datasets.jsonl', 'datasets.parquet'])(
    'flat records (%s) say what was submitted',
    async (name) => {
      const { report, rows, stderr } = await runFile(fixture(name), '--up-from', '4');
      expect(report).toEqual({ format: 'argilla', records: 2, stored: 4, repeated: 0, left_out: 1 });
      expect(rows.map(({ kind, rating }) => [kind, rating])).toEqual([
        ['rating', 1],
        ['rating', -1],
        ['edit', null],
        ['comment', null],
      ]);
      expect(stderr).toContain('responses.quality: draft, not submitted');
    },
  );

  it('flat records in CSV, whose lists are lost, are refused', async () => {
    const { code, stderr } = await runFile(fixture('datasets.csv'));
    expect(code).toBe(2);
    expect(stderr).toMatch(/row 1, field "quality.responses": expected a list; export JSON or Parquet/);
  });

  it('fields and questions of other names are given theirs', async () => {
    const file = written([
      {
        ...{ id: 'a', metadata: {}, vectors: {}, status: 'pending', suggestions: {} },
        fields: { frage: [{ role: 'user', content: 'Hi' }], antwort: 'Yes?' },
        responses: {
          besser: [{ value: 'Hello.', user_id: 'u1' }],
          warum: [{ value: 'polite', user_id: 'u1' }],
          sonst: [{ value: 'x', user_id: 'u1' }],
          liste: [{ value: ['x'], user_id: 'u1' }],
        },
      },
    ]);
    expect((await runFile(file)).stderr).toMatch(/row 1, field "fields": none is known as the prompt/);
    const columns = 'prompt=frage,answer=antwort,edited=besser,comment=warum';
    const { report, rows, stderr } = await runFile(file, '--columns', columns);
    expect(report).toMatchObject({ stored: 2, left_out: 2 });
    expect(rows).toMatchObject([
      { kind: 'edit', chosen: 'Hello.', rejected: 'Yes?', prompt: '[{"role":"user","content":"Hi"}]' },
      { kind: 'comment', comment: 'polite', answer: 'Yes?' },
    ]);
    expect(stderr).toMatch(
      /responses.sonst: what this text is, is not known.*responses.liste: a list of other/s,
    );
    expect((await runFile(file, '--columns', 'promt=frage')).stderr).toContain('Did you mean "prompt"?');
    expect((await runFile(file, '--up-from', 'x')).stderr).toContain('--up-from x: expected a number');
  });
});

it('settings and names of formats that reach nothing are refused', async () => {
  const file = written([rated('f1', 'm4', 1)]);
  const ended = await runFile(file, '--up-from', '1');
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--up-from: reaches nothing') });
  expect((await runFile(file, '--from', 'langfus')).stderr).toContain('Did you mean "langfuse"?');
  expect((await runFile(file, '--from', 'argilla')).stderr).toMatch(/row 1, field "id"|nothing in the file/);
  expect((await runFile(file, '--from', 'open-webui')).report).toMatchObject({ stored: 1 });
});
