import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rawRow } from '../../src/data/convert.ts';
import { isProblem } from '../../src/data/invalid-row.ts';
import { readPreferenceRows, readPromptRows } from '../../src/data/read-rows.ts';
import { openPreferenceRows, type StreamOptions } from '../../src/data/row-stream.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';

const folder = useTemporaryCache();
const FIXTURES = join(import.meta.dirname, 'fixtures');

/** What a file is read as, its rows as they would be written, and what is wrong with the others. */
async function read(path: string, options: StreamOptions = {}) {
  const stream = await openPreferenceRows(path, options);
  const rows: unknown[] = [];
  const problems: string[] = [];
  for await (const batch of stream.results) {
    for (const result of batch) {
      if (isProblem(result)) problems.push(`${result.row} ${result.field}: ${result.problem}`);
      else rows.push(rawRow(result.row));
    }
  }
  return {
    format: stream.recognition.format.name,
    container: stream.container,
    rows,
    problems,
    ...stream.summary(),
  };
}

async function readRecords(records: readonly unknown[], options: StreamOptions = {}) {
  const path = join(folder(), 'rows.json');
  writeFileSync(path, JSON.stringify(records));
  return read(path, options);
}

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const pair = { prompt: 'Why?', chosen: 'So.', rejected: 'No.' };

// As test/data/oracle/make_format_fixtures.py has them.
const pairs = [
  { prompt: 'Why, "exactly"?', chosen: 'Because:\n- it is so', rejected: 'No, and no.' },
  { prompt: 'Wie heißt das? 猫 \u{1f431}', chosen: 'Katze; ein Tier.', rejected: "'Hund'" },
  { prompt: '=1+1', chosen: ' 2 ', rejected: 'NaN' },
];

describe('files that pandas, pyarrow and datasets wrote', () => {
  it.each([
    ['pandas.csv', 'csv', 'preference'],
    ['pandas-crlf.csv', 'csv', 'preference'],
    ['pandas.csv.gz', 'csv', 'preference'],
    ['pandas.tsv', 'csv', 'preference'],
    ['pandas.json', 'json', 'preference'],
    ['pandas.jsonl', 'jsonl', 'preference'],
    ['pandas.parquet', 'parquet', 'preference'],
    ['explicit-gzip.parquet', 'parquet', 'preference'],
    ['explicit-zstd.parquet', 'parquet', 'preference'],
    ['explicit-brotli.parquet', 'parquet', 'preference'],
    ['explicit-lz4.parquet', 'parquet', 'preference'],
    ['explicit-none.parquet', 'parquet', 'preference'],
    ['page-v2.parquet', 'parquet', 'preference'],
    ['datasets-implicit.parquet', 'parquet', 'preference'],
    ['datasets-explicit.jsonl', 'jsonl', 'preference'],
    ['datasets.csv', 'csv', 'preference'],
    ['datasets-unpaired.parquet', 'parquet', 'unpaired'],
    ['datasets-unpaired.csv', 'csv', 'unpaired'],
    ['ratings.parquet', 'parquet', 'ratings'],
  ])('%s', async (name, container, format) => {
    const found = await read(join(FIXTURES, name));
    expect(found).toMatchObject({ container, format, problems: [], rows: pairs });
  });

  it('hh-rlhf.jsonl.gz, whose turns lose the blanks around them', async () => {
    const { format, rows } = await read(join(FIXTURES, 'hh-rlhf.jsonl.gz'));
    expect({ format, rows }).toEqual({ format: 'hh-rlhf', rows: pairs.slice(0, 2) });
  });
});

describe('shapes', () => {
  const system = { role: 'system', content: 'Be kind.' };
  it.each<[string, unknown, object]>([
    [
      'alpaca',
      { instruction: 'Add.', input: '1 and 2', chosen: '3', rejected: '4' },
      { prompt: 'Add.\n1 and 2', chosen: '3', rejected: '4' },
    ],
    [
      'alpaca',
      {
        instruction: 'And?',
        input: '',
        system: 'Be kind.',
        history: [['Hi', 'Hello']],
        chosen: '3',
        rejected: '4',
      },
      { prompt: [system, user('Hi'), assistant('Hello'), user('And?')], chosen: '3', rejected: '4' },
    ],
    [
      'sharegpt',
      {
        conversations: [
          { from: 'human', value: 'Hi' },
          { from: 'gpt', value: 'Hello' },
          { from: 'human', value: 'And?' },
        ],
        chosen: { from: 'gpt', value: '3' },
        rejected: { from: 'gpt', value: '4' },
      },
      { prompt: [user('Hi'), assistant('Hello'), user('And?')], chosen: '3', rejected: '4' },
    ],
    [
      'openai',
      {
        input: { messages: [user('Cold?')], tools: [], parallel_tool_calls: true },
        preferred_output: [assistant('Yes.')],
        non_preferred_output: [assistant('Dunno.')],
      },
      { prompt: 'Cold?', chosen: 'Yes.', rejected: 'Dunno.' },
    ],
    [
      'edits',
      { prompt: 'Hi', original: 'Hey', edited: 'Good day' },
      { prompt: 'Hi', chosen: 'Good day', rejected: 'Hey' },
    ],
    [
      'ratings',
      { prompt: 'Hi', generations: ['a', 'b', 'c'], ratings: [1, null, 3] },
      { prompt: 'Hi', chosen: 'c', rejected: 'a' },
    ],
    [
      'ratings',
      {
        prompt: 'Hi',
        answers: [
          { answer: 'a', rank: 1 },
          { answer: 'b', rank: 2 },
        ],
      },
      { prompt: 'Hi', chosen: 'a', rejected: 'b' },
    ],
  ])('%s', async (format, record, row) => {
    expect(await readRecords([record])).toMatchObject({ format, rows: [row], problems: [] });
  });

  it('makes every pair of different ratings where asked, by a margin', async () => {
    const record = {
      prompt: 'q',
      responses: [
        { text: 'a', score: 1 },
        { text: 'b', score: 2 },
        { text: 'c', score: 4 },
        { text: 'd', score: 4 },
      ],
    };
    const all = await readRecords([record], { reading: { pairs: 'all', margin: 0 } });
    const short = (rows: unknown[]) =>
      (rows as { chosen: string; rejected: string }[]).map((row) => row.chosen + row.rejected);
    expect(short(all.rows)).toEqual(['ba', 'ca', 'cb', 'da', 'db']);
    const wide = await readRecords([record], { reading: { pairs: 'all', margin: 3 } });
    expect(short(wide.rows)).toEqual(['ca', 'da']);
  });

  it('counts rated answers that prefer nothing', async () => {
    const tie = {
      prompt: 'q',
      responses: [
        { text: 'a', score: 1 },
        { text: 'b', score: 1 },
      ],
    };
    const path = join(folder(), 'ties.json');
    writeFileSync(
      path,
      JSON.stringify([
        tie,
        {
          ...tie,
          responses: [
            { text: 'a', score: 1 },
            { text: 'b', score: 2 },
          ],
        },
      ]),
    );
    const { rows, notes } = await readPreferenceRows(path, { invalidRows: 'error' });
    expect(rows).toHaveLength(1);
    expect(notes).toEqual([
      `${path}: read as ratings: "responses" with a "score" each`,
      `${path}: 1 records give no row: no two answers with different ratings`,
    ]);
  });

  it('pairs thumbs by equal prompts, each answer once, and counts the rest', async () => {
    const thumb = (prompt: string, answer: string, label: unknown) => ({ prompt, answer, label });
    const found = await readRecords([
      thumb('p', 'good 1', true),
      thumb('q', 'good', 1),
      thumb('p', 'good 2', 'up'),
      thumb('P ', 'bad 1', 'false'),
      thumb('r', 'bad', 0),
      thumb('p', 'bad 2', false),
      thumb('p', 'bad 3', false),
      thumb('p', 'so so', 'maybe'),
    ]);
    expect(found.rows).toEqual([
      { prompt: 'P ', chosen: 'good 1', rejected: 'bad 1' },
      { prompt: 'p', chosen: 'good 2', rejected: 'bad 2' },
    ]);
    expect(found.labels).toEqual({ liked: 3, disliked: 4, prompts: 3, promptsWithBoth: 1, unpaired: 3 });
    expect(found.problems).toEqual(['8 label: expected true or false (or 1, 0, up, down), found "maybe"']);
  });

  it('parts texts that begin alike at a word, when asked to', async () => {
    const record = { chosen: 'The sky is blue.', rejected: 'The sky is black.' };
    expect(await readRecords([record], { format: 'implicit-text' })).toMatchObject({
      rows: [{ prompt: 'The sky is', chosen: ' blue.', rejected: ' black.' }],
    });
    const asked = await readRecords([record]);
    expect(asked).toMatchObject({
      format: 'preference',
      rows: [],
      problems: [expect.stringMatching(/^1 prompt: missing/)],
    });
  });

  it('says what is wrong under the names that the file has', async () => {
    const openai = {
      input: { messages: [user('q')] },
      preferred_output: [assistant('a')],
      non_preferred_output: [assistant('a')],
    };
    const call = { ...openai, input: { messages: [user('q')], tools: [{ type: 'function' }] } };
    const { problems } = await readRecords([openai, call, { ...openai, preferred_output: [user('a')] }]);
    expect(problems).toEqual([
      '1 non_preferred_output: equal to "chosen"; expected two different responses',
      '2 input.tools: tools are not supported',
      '3 preferred_output: the last message is of role "user"; expected "assistant"',
    ]);
  });
});

describe('recognition', () => {
  it('refuses a record that could be two things, naming both', async () => {
    await expect(readRecords([{ ...pair, completion: 'So.', label: true }])).rejects.toThrow(
      /rows\.json, row 1: could be either of preference \(.*\), unpaired \(.*--format NAME/,
    );
    expect(
      (await readRecords([{ ...pair, completion: 'So.', label: true }], { format: 'preference' })).rows,
    ).toEqual([pair]);
  });
  it('refuses a file of two shapes', async () => {
    await expect(readRecords([pair, { prompt: 'q', original: 'a', edited: 'b' }])).rejects.toThrow(
      /row 2: the file holds rows of preference .*, edits /,
    );
  });
  it('takes what fits no shape as invalid rows of the others', async () => {
    const { format, problems } = await readRecords([
      {},
      { prompt: 'q', original: 'a', edited: 'b' },
      { prompt: 'q', original: 'a' },
    ]);
    expect({ format, problems }).toEqual({
      format: 'edits',
      problems: [
        '1 prompt: missing; expected prompt or query',
        "3 edited: missing; expected the response's text",
      ],
    });
  });
  it('names the fields of a file that nothing is known of, and the public data set that it may be', async () => {
    await expect(readRecords([{ question: 'q', good: 'a' }])).rejects.toThrow(
      /its rows have the fields "question", "good".*--columns/,
    );
    await expect(readRecords([{ question: 'q', human_answers: [], chatgpt_answers: [] }])).rejects.toThrow(
      /look like hc3; lifealign data import hc3/,
    );
  });
  it('renames columns', async () => {
    const columns = { prompt: 'question', chosen: 'good', rejected: 'bad' };
    expect((await readRecords([{ question: 'Why?', good: 'So.', bad: 'No.' }], { columns })).rows).toEqual([
      pair,
    ]);
  });
  it('refuses an unknown format with the nearest name', async () => {
    await expect(readRecords([pair], { format: 'rating' })).rejects.toThrow(
      /no such format.*Did you mean "ratings"/,
    );
  });
  it('finds a prompt in any shape, where that is all that is needed', async () => {
    const path = join(folder(), 'prompts.json');
    writeFileSync(path, JSON.stringify([{ instruction: 'Add.', input: '1', chosen: '1', rejected: '2' }]));
    expect((await readPromptRows(path, { invalidRows: 'error' })).rows).toEqual([
      { index: 0, prompt: [user('Add.\n1')] },
    ]);
  });
});

describe('dataset_info.json', () => {
  const info = {
    mine: {
      file_name: 'mine.json',
      ranking: true,
      columns: { prompt: 'query', chosen: 'good', rejected: 'bad' },
    },
    chat: {
      file_name: 'chat.json',
      formatting: 'sharegpt',
      ranking: true,
      columns: { messages: 'messages', chosen: 'chosen', rejected: 'rejected' },
      tags: { role_tag: 'role', content_tag: 'content', user_tag: 'user', assistant_tag: 'assistant' },
    },
    plain: { file_name: 'mine.json' },
    outside: { file_name: '../mine.json', ranking: true },
    remote: { hf_hub_url: 'owner/name', ranking: true },
  };
  const source = (name = '') => {
    mkdirSync(join(folder(), 'data'), { recursive: true });
    writeFileSync(join(folder(), 'data/dataset_info.json'), JSON.stringify(info));
    writeFileSync(
      join(folder(), 'data/mine.json'),
      JSON.stringify([{ query: 'Why?', good: 'So.', bad: 'No.' }]),
    );
    const chat = { messages: [user('Why?')], chosen: assistant('So.'), rejected: assistant('No.') };
    writeFileSync(join(folder(), 'data/chat.json'), JSON.stringify([chat]));
    return join(folder(), `data/dataset_info.json${name}`);
  };
  it.each(['#mine', '#chat'])('%s is read under the names it gives', async (name) => {
    expect((await read(source(name))).rows).toEqual([pair]);
  });
  it.each([
    ['', /say which data set: .*mine, chat/],
    ['#mein', /no data set "mein".*Did you mean "mine"/],
    ['#plain', /field "plain\.ranking": not true/],
    ['#outside', /leads out of the folder/],
    ['#remote', /only data sets that are files/],
  ])('%s is refused', async (name, message) => {
    await expect(read(source(name))).rejects.toThrow(message);
  });
});
