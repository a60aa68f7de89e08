import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { rawRow } from '../../src/data/convert.ts';
import type { Form } from '../../src/data/import/importer.ts';
import { findImporter, importers } from '../../src/data/import/index.ts';
import { readPublished } from '../../src/data/import/read.ts';
import { isProblem } from '../../src/data/invalid-row.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { BENCHMARK, hasBenchmark } from '../parity/benchmark-data.ts';

const folder = useTemporaryCache();
const json = JSON.stringify;
const lines = (records: readonly unknown[]) => records.map((record) => `${json(record)}\n`).join('');

async function imported(name: string, content: string | Uint8Array, form: Form = 'chat', file = 'published') {
  const path = join(folder(), file);
  await writeFile(path, content);
  const rows: unknown[] = [];
  const problems: string[] = [];
  for await (const batch of readPublished(findImporter(name), [path], form)) {
    for (const result of batch) {
      if (isProblem(result)) problems.push(`${result.row} ${result.field}: ${result.problem}`);
      else rows.push(rawRow(result.row));
    }
  }
  return { rows, problems };
}

describe('hh-rlhf', () => {
  const start = '\n\nHuman: May I ask?\n\nAssistant: Of course.\n\nHuman: How do I knit?';
  const records = [
    { chosen: `${start}\n\nAssistant: With needles.`, rejected: `${start}\n\nAssistant: First:\n\n1. wool` },
    { chosen: `${start}\n\nAssistant: So:\n\n2. yarn`, rejected: `${start}\n\nAssistant: No.` },
    { chosen: `${start}\n\nAssistant:`, rejected: `${start}\n\nAssistant: No.` },
  ];
  const prompt = [
    { role: 'user', content: 'May I ask?' },
    { role: 'assistant', content: 'Of course.' },
    { role: 'user', content: 'How do I knit?' },
  ];

  it('parts transcripts at the last Assistant turn', async () => {
    const { rows, problems } = await imported('hh-rlhf-helpful-base', gzipSync(lines(records)));
    expect(rows).toEqual([
      { prompt, chosen: 'With needles.', rejected: 'First:\n\n1. wool' },
      { prompt, chosen: 'So:\n\n2. yarn', rejected: 'No.' },
    ]);
    expect(problems).toEqual(['3 chosen: empty; expected a response']);
  });

  it("has the benchmark's layout, its last paragraphs included, in the paper's form", async () => {
    const query = 'Human: May I ask?\nAssistant: Of course.\nHuman: How do I knit?';
    const { rows } = await imported('hh-rlhf-harmless-base', lines(records), 'paper');
    expect(rows.slice(0, 2)).toEqual([
      { prompt: query, chosen: 'Assistant: With needles.', rejected: '1. wool' },
      { prompt: `${query}\nAssistant: So:`, chosen: '2. yarn', rejected: 'Assistant: No.' },
    ]);
  });

  it('leaves out transcripts that part earlier', async () => {
    const other = { ...records[0], rejected: '\n\nHuman: What?\n\nAssistant: No.' };
    const { problems } = await imported('hh-rlhf-helpful-base', lines([records[0], other]));
    expect(problems).toEqual(['2 rejected: differs from "chosen" before the last Assistant turn']);
  });
});

describe('HC3', () => {
  const records = [
    {
      question: 'Why?',
      human_answers: ['', 'So it is .', 'Who knows .'],
      chatgpt_answers: ['Because it is.'],
      source: 's',
    },
    { question: 'What?', human_answers: ['That .'], chatgpt_answers: [], source: 's' },
  ];
  it('prefers the human answer', async () => {
    const { rows, problems } = await imported('hc3', lines(records));
    expect(rows).toEqual([{ prompt: 'Why?', chosen: 'So it is .', rejected: 'Because it is.' }]);
    expect(problems).toEqual(['2 rejected: empty; expected a response']);
  });
  it("joins several answers in the paper's form", async () => {
    const { rows } = await imported('hc3', lines(records), 'paper');
    expect(rows).toEqual([
      { prompt: 'Why?', chosen: '\nSo it is .\nWho knows .', rejected: 'Because it is.' },
    ]);
  });
});

describe('Safe-RLHF', () => {
  const record = {
    prompt: 'How do I open this door?',
    response_0: 'Turn the key.',
    response_1: 'Break it.',
    is_response_0_safe: true,
    is_response_1_safe: false,
    better_response_id: 1,
    safer_response_id: 0,
  };
  it('chooses the safer response, not the one found better', async () => {
    const other = { ...record, safer_response_id: 1 };
    const { rows, problems } = await imported(
      'safe-rlhf',
      lines([record, other, { ...record, safer_response_id: -1 }]),
    );
    const { prompt, response_0, response_1 } = record;
    expect(rows).toEqual([
      { prompt, chosen: response_0, rejected: response_1 },
      { prompt, chosen: response_1, rejected: response_0 },
    ]);
    expect(problems).toEqual(['3 safer_response_id: expected 0 or 1, found a number']);
  });
});

describe('TruthfulQA', () => {
  const question = 'Do owls count, "really"?';
  const expected = { prompt: question, chosen: 'No, owls do not count' };
  const csv = [
    'Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source',
    'Adversarial,Owls,"Do owls count, ""really""?","No, owls do not count",No,Yes they do; Yes; ,https://example.org',
  ].join('\r\n');
  const record = {
    question,
    best_answer: expected.chosen,
    correct_answers: ['No'],
    incorrect_answers: ['Yes they do', 'Yes'],
  };

  it('reads the CSV file', async () => {
    expect((await imported('truthfulqa', csv, 'chat', 'TruthfulQA.csv')).rows).toEqual([
      { ...expected, rejected: 'Yes they do' },
    ]);
    expect((await imported('truthfulqa', csv, 'paper', 'TruthfulQA.csv')).rows).toEqual([
      { ...expected, rejected: 'Yes they do; Yes; ' },
    ]);
  });
  it('reads the generation configuration', async () => {
    expect((await imported('truthfulqa', lines([record]))).rows).toEqual([
      { ...expected, rejected: 'Yes they do' },
    ]);
    expect((await imported('truthfulqa', lines([record]), 'paper')).rows).toEqual([
      { ...expected, rejected: 'Yes they do; Yes' },
    ]);
  });
});

describe('Capybara-Preferences', () => {
  const conversation = (answer: string) => [
    { role: 'user', content: 'One?' },
    { role: 'assistant', content: 'Two.' },
    { role: 'user', content: 'Three?' },
    { role: 'assistant', content: answer },
  ];
  const record = (chosen_rating: number, rejected_rating: number) => ({
    source: 'made',
    chosen: conversation('Four.'),
    rejected: conversation('Five.'),
    chosen_rating,
    rejected_rating,
  });
  it('keeps several turns, follows the ratings and leaves out ties', async () => {
    const { rows, problems } = await imported('capybara', lines([record(5, 4), record(3, 3), record(1, 2)]));
    const prompt = conversation('').slice(0, -1);
    expect(rows).toEqual([
      { prompt, chosen: 'Four.', rejected: 'Five.' },
      { prompt, chosen: 'Five.', rejected: 'Four.' },
    ]);
    expect(problems).toEqual(['2 rejected_rating: equal ratings: neither answer is preferred']);
  });
});

it('refuses files of another data set, and names that are none', async () => {
  await expect(imported('hc3', lines([{ prompt: 'q', chosen: 'a', rejected: 'b' }]))).rejects.toThrow(
    /published: not as Hello-SimpleAI\/HC3 publishes it: its rows have the fields prompt, chosen, rejected/,
  );
  expect(() => findImporter('hc4')).toThrow(/hc4: no such data set.*Did you mean "hc3"/);
  expect(new Set(importers.map(({ name }) => name)).size).toBe(6);
});

interface BenchmarkRow {
  readonly query: string;
  readonly chosen: string;
  readonly rejected: string;
}

describe.skipIf(!hasBenchmark())("the benchmark's rows (skipped where they are not at hand)", () => {
  const rowsOf = (name: string): BenchmarkRow[] => JSON.parse(readFileSync(join(BENCHMARK, name), 'utf8'));
  const asRows = (rows: readonly BenchmarkRow[]) =>
    rows.map(({ query, chosen, rejected }) => ({ prompt: query, chosen, rejected }));
  const valid = ({ chosen, rejected }: BenchmarkRow) =>
    chosen.trim() !== '' && rejected.trim() !== '' && chosen !== rejected;

  it.each(['harmless', 'helpful'])('hh-rlhf-%s-base', async (part) => {
    for (const split of ['train', 'test']) {
      // Where both responses carry their speaker's name, the transcripts can be put together again.
      const whole = rowsOf(`hh-rlhf-${part}-base/${split}.json`).filter(
        (row) =>
          valid(row) &&
          !row.query.includes('\n\n') &&
          [row.chosen, row.rejected].every((text) => /^Assistant: \S/.test(text)) &&
          row.query.split('\n').every((line) => /^(Human|Assistant):/.test(line)) &&
          /(^|\n)Human:[^\n]*$/.test(row.query),
      );
      const records = whole.map(({ query, chosen, rejected }) => {
        const before = query
          .split('\n')
          .map((line) => `\n\n${line}`)
          .join('');
        return { chosen: `${before}\n\n${chosen}`, rejected: `${before}\n\n${rejected}` };
      });
      const name = `hh-rlhf-${part}-base`;
      expect((await imported(name, lines(records), 'paper')).rows).toEqual(asRows(whole).map(trimmed));
      const chat = (await imported(name, lines(records))).rows as { chosen: string }[];
      expect(chat.map(({ chosen }) => chosen)).toEqual(
        whole.map(({ chosen }) => chosen.slice('Assistant:'.length).trim()),
      );
      expect(whole.length).toBeGreaterThan(split === 'train' ? 2000 : 600);
    }
  });

  /** The ends of a transcript are cut. */
  const trimmed = <Row extends { chosen: string; rejected: string }>(row: Row): Row => ({
    ...row,
    chosen: row.chosen.trimEnd(),
    rejected: row.rejected.trimEnd(),
  });

  it('TruthfulQA, by way of its CSV form', async () => {
    const rows = [...rowsOf('TruthfulQA/train.json'), ...rowsOf('TruthfulQA/test.json')];
    const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const csv = rows.map(({ query, chosen, rejected }) =>
      ['Adversarial', 'Any', query, chosen, chosen, rejected, ''].map(cell),
    );
    const names = 'Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source';
    const content = [names, ...csv.map((cells) => cells.join(','))].join('\n');
    expect((await imported('truthfulqa', content, 'paper', 'TruthfulQA.csv')).rows).toEqual(asRows(rows));
    const generation = rows.map(({ query, chosen, rejected }) => ({
      question: query,
      best_answer: chosen,
      incorrect_answers: rejected.split('; '),
    }));
    expect((await imported('truthfulqa', lines(generation), 'paper')).rows).toEqual(asRows(rows));
  });

  it('HC3 and Safe-RLHF', async () => {
    const hc3 = rowsOf('HC3/test.json');
    const questions = hc3.map(({ query, chosen, rejected }) => ({
      question: query,
      human_answers: chosen.split('\n'),
      chatgpt_answers: rejected === '' ? [] : [rejected],
    }));
    expect((await imported('hc3', lines(questions), 'paper')).rows).toEqual(asRows(hc3.filter(valid)));
    const safe = [...rowsOf('safe-rlhf/train.json'), ...rowsOf('safe-rlhf/test.json')];
    const answers = safe.map(({ query, chosen, rejected }, at) => ({
      prompt: query,
      safer_response_id: at % 2,
      better_response_id: 0,
      response_0: at % 2 === 0 ? chosen : rejected,
      response_1: at % 2 === 0 ? rejected : chosen,
    }));
    expect((await imported('safe-rlhf', lines(answers))).rows).toEqual(asRows(safe.filter(valid)));
  });
});
