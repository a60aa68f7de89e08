import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPreferenceRows, readPromptRows } from '../../src/data/read-rows.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-rows-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(content: string | Uint8Array, name = 'rows.json'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const strict = { invalidRows: 'error' } as const;
const skip = { invalidRows: 'skip' } as const;
const good = { query: 'Why?', chosen: 'Because.', rejected: 'No.' };
const turn = (role: string, content: string) => ({ role, content });

describe('file formats', () => {
  const rows = [good, { prompt: 'How?', chosen: 'So.', rejected: 'Or so.' }];
  const expected = [
    { index: 0, prompt: [turn('user', 'Why?')], chosen: 'Because.', rejected: 'No.' },
    { index: 1, prompt: [turn('user', 'How?')], chosen: 'So.', rejected: 'Or so.' },
  ];
  const lines = rows.map((row) => JSON.stringify(row));

  it.each([
    ['a JSON array', JSON.stringify(rows, null, 2)],
    ['JSONL', lines.join('\n')],
    ['JSONL with blank lines and CRLF', `\r\n${lines.join('\r\n\r\n')}\r\n`],
    ['an array after a byte order mark', `\ufeff${JSON.stringify(rows)}`],
    ['JSONL after a byte order mark', `\ufeff${lines.join('\n')}\n`],
  ])('reads %s, whatever the file is called', async (_, content) => {
    for (const name of ['rows.json', 'rows.jsonl', 'rows']) {
      expect((await readPreferenceRows(await file(content, name), strict)).rows).toEqual(expected);
    }
  });

  it('gives back any text unchanged from both formats', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => value.trim() !== '');
    const row = fc
      .record({ query: text, chosen: text, rejected: text })
      .filter(({ chosen, rejected }) => chosen !== rejected);
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 5 }), async (values) => {
        const array = await readPreferenceRows(await file(JSON.stringify(values)), strict);
        const jsonl = await readPreferenceRows(
          await file(values.map((value) => JSON.stringify(value)).join('\n')),
          strict,
        );
        const back = ({ rows: read }: typeof array) =>
          read.map(({ prompt, chosen, rejected }) => ({ query: prompt[0]?.content, chosen, rejected }));
        expect(back(array)).toEqual(values);
        expect(back(jsonl)).toEqual(values);
      }),
      { numRuns: 50 },
    );
  });

  it('hashes the bytes of the file', async () => {
    // printf '[{"query":"q","chosen":"a","rejected":"b"}]' | sha256sum
    const read = await readPreferenceRows(await file('[{"query":"q","chosen":"a","rejected":"b"}]'), strict);
    expect(read.sha256).toBe('f4a2d6a0cd5063ee854f732c06a4149e14376bcee918af7dc64b1bd0aba91e2d');
  });
});

describe('broken files', () => {
  it.each([
    ['an empty file', ' \n', /rows\.json: the file is empty; expected a JSON array/],
    ['no rows', '[]', /no rows/],
    ['one object over several lines', '{\n"query": "x"\n}', /one JSON value that is not an array/],
    ['another format', 'query,chosen,rejected\n', /line 1, row 1: invalid JSON/],
    ['an array that ends early', '[\n{"query": "q"},\n{"query": ', /line 3, row 2: invalid JSON/],
    ['a missing comma', '[\n{"a": 1}\n{"b": 2}]', /line 3(, row \d)?: invalid JSON/],
    ['a broken line of JSONL', `${JSON.stringify(good)}\n\n{"query": 'x'}\n`, /line 3, row 2: invalid JSON/],
  ])('refuses %s, with the place', async (_, content, message) => {
    const path = await file(content);
    await expect(readPreferenceRows(path, strict)).rejects.toThrow(message);
    await expect(readPreferenceRows(path, skip)).rejects.toThrow(message);
    await expect(readPreferenceRows(path, strict)).rejects.toMatchObject({ exitCode: 2 });
  });

  it('refuses bytes that are not UTF-8 rather than reading them as U+FFFD', async () => {
    const bytes = Buffer.from(JSON.stringify([{ ...good, chosen: 'é' }]), 'latin1');
    await expect(readPreferenceRows(await file(bytes), strict)).rejects.toThrow(/not UTF-8/);
  });

  it('names a missing file and a folder', async () => {
    const missing = join(folder, 'missing.json');
    const inside = join(folder, 'folder');
    await mkdir(inside);
    await expect(readPreferenceRows(missing, strict)).rejects.toMatchObject({ exitCode: 2 });
    await expect(readPreferenceRows(missing, strict)).rejects.toThrow(/missing\.json: .*no such file/);
    await expect(readPreferenceRows(inside, strict)).rejects.toThrow(/folder: it is a folder/);
  });
});

describe('invalid rows', () => {
  const conversation = [turn('user', 'q'), turn('assistant', 'a')];
  const cases: [string, unknown, string, RegExp][] = [
    ['a row that is no object', 'text', '', /found a text/],
    ['no prompt', { chosen: 'a', rejected: 'b' }, 'prompt', /missing/],
    ['prompt and query', { ...good, prompt: 'x' }, 'query', /one of the two/],
    ['a blank prompt', { ...good, query: ' \n' }, 'query', /empty/],
    ['a prompt of another type', { ...good, query: 7 }, 'query', /found a number/],
    ['an empty message list', { prompt: [], chosen: 'a', rejected: 'b' }, 'prompt', /no messages/],
    [
      'an unknown role',
      { ...good, query: [turn('bot', 'x')] },
      'query[0].role',
      /system, user, assistant, tool/,
    ],
    [
      'content that is no text',
      { ...good, query: [{ role: 'user', content: ['x'] }] },
      'query[0].content',
      /a list/,
    ],
    [
      'a message with a tool call',
      { ...good, query: [{ ...turn('user', 'x'), tool_calls: [1] }] },
      'query[0].tool_calls',
      /not supported/,
    ],
    ['a prompt ending with the assistant', { ...good, query: conversation }, 'query', /ends with the role/],
    ['no rejected', { query: 'q', chosen: 'a' }, 'rejected', /missing/],
    ['rejected null', { ...good, rejected: null }, 'rejected', /missing/],
    ['an empty chosen', { ...good, chosen: '' }, 'chosen', /empty/],
    ['a blank rejected', { ...good, rejected: '\n' }, 'rejected', /empty/],
    ['rejected equal to chosen', { ...good, rejected: good.chosen }, 'rejected', /equal to "chosen"/],
    ['a response of another type', { ...good, chosen: { text: 'a' } }, 'chosen', /found an object/],
    ['a response by the user', { ...good, chosen: [turn('user', 'a')] }, 'chosen', /expected "assistant"/],
    [
      'a response that answers another prompt',
      { ...good, chosen: [turn('user', 'What?'), turn('assistant', 'a')] },
      'chosen',
      /differ from the prompt/,
    ],
    [
      'conversations that part early',
      { chosen: conversation, rejected: [turn('user', 'other'), turn('assistant', 'b')] },
      'rejected',
      /before the last message/,
    ],
    ['half a surrogate pair', { ...good, chosen: 'x\ud83d' }, 'chosen', /surrogate/],
  ];

  it.each(cases)('%s', async (_, row, field, problem) => {
    const path = await file(JSON.stringify([good, row]));
    const error = await readPreferenceRows(path, strict).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'DataError', exitCode: 2, location: { file: path, row: 2 } });
    expect(String(error)).toMatch(problem);
    if (field !== '') expect(error).toMatchObject({ location: { field } });

    const read = await readPreferenceRows(path, skip);
    expect(read.rows.map(({ index }) => index)).toEqual([0]);
    expect(read.skipped).toEqual([{ row: 2, field, problem: expect.stringMatching(problem) }]);
  });

  it('names the line too in JSONL, and counts the other invalid rows', async () => {
    const path = await file(`\n${JSON.stringify(good)}\n{"query": "q"}\n{}\n`);
    await expect(readPreferenceRows(path, strict)).rejects.toThrow(
      /rows\.json, line 3, row 2, field "chosen": missing.*and 1 more invalid row/,
    );
    expect((await readPreferenceRows(path, skip)).skipped).toMatchObject([
      { row: 2, line: 3 },
      { row: 3, line: 4 },
    ]);
  });

  it('refuses a file of which no row is valid even when skipping', async () => {
    await expect(readPreferenceRows(await file('[{}, {}]'), skip)).rejects.toThrow(/no valid rows: all 2/);
  });

  it('keeps responses untrimmed and takes responses that differ in blanks only', async () => {
    const path = await file(JSON.stringify([{ query: ' q ', chosen: ' a\n', rejected: 'a' }]));
    expect((await readPreferenceRows(path, strict)).rows).toEqual([
      { index: 0, prompt: [turn('user', ' q ')], chosen: ' a\n', rejected: 'a' },
    ]);
  });
});

describe('message lists', () => {
  const prompt = [turn('system', 's'), turn('user', 'q')];
  const expected = { index: 0, prompt, chosen: 'a', rejected: 'b' };
  it.each([
    ['a list prompt with text responses', { prompt, chosen: 'a', rejected: 'b' }],
    [
      'responses as messages',
      { prompt, chosen: [turn('assistant', 'a')], rejected: [turn('assistant', 'b')] },
    ],
    [
      'responses as whole conversations',
      { prompt, chosen: [...prompt, turn('assistant', 'a')], rejected: [...prompt, turn('assistant', 'b')] },
    ],
    [
      'no prompt',
      { chosen: [...prompt, turn('assistant', 'a')], rejected: [...prompt, turn('assistant', 'b')] },
    ],
    [
      'absent fields as null',
      { prompt: prompt.map((m) => ({ ...m, name: null })), query: null, chosen: 'a', rejected: 'b' },
    ],
  ])('%s', async (_, row) => {
    expect((await readPreferenceRows(await file(JSON.stringify([row])), strict)).rows).toEqual([expected]);
  });
});

describe('readPromptRows', () => {
  it('needs a prompt alone', async () => {
    const path = await file(JSON.stringify([{ query: 'q' }, { prompt: [turn('user', 'p')], chosen: 3 }]));
    expect((await readPromptRows(path, strict)).rows).toEqual([
      { index: 0, prompt: [turn('user', 'q')] },
      { index: 1, prompt: [turn('user', 'p')] },
    ]);
    await expect(readPromptRows(await file('[{}]'), strict)).rejects.toThrow(/row 1, field "prompt"/);
  });
});
