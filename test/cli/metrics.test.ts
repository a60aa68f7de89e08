import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { lifealign } from './command.ts';

const folder = useTemporaryCache();

function file(content: unknown): string {
  const path = join(folder(), 'input.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

async function report(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await lifealign('metrics', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

const FOUR = ['bleu-4', 'rouge-1', 'rouge-2', 'rouge-l'];
const ROWS = [
  { prediction: '今天天气很好，我们去公园散步。', reference: '今天天气不错，我们去公园走走。', id: 7 },
  { prediction: '', reference: 'an answer' },
];

describe('metrics --predictions', () => {
  it('gives the four scores by row and their means, and nothing else', async () => {
    const { rows, ...means } = await report('--predictions', file(ROWS));
    expect(Object.keys(means)).toEqual(['count', ...FOUR]);
    expect(means['count']).toBe(2);
    const [first, second] = rows as Record<string, number>[];
    expect(Object.keys(first!)).toEqual(FOUR);
    expect(second).toEqual({ 'bleu-4': 0, 'rouge-1': 0, 'rouge-2': 0, 'rouge-l': 0 });
    // By NLTK 3.10.4, jieba 0.42.1 and rouge-chinese 1.0.3.
    expect(first!['bleu-4']).toBeCloseTo(50.38920485259632, 9);
    expect(first!['rouge-1']).toBeCloseTo(70.58823479584775, 9);
    expect(first!['rouge-2']).toBeCloseTo(39.999999502222224, 9);
    expect(first!['rouge-l']).toBeCloseTo(70.58823479584775, 9);
    for (const name of FOUR) expect(means[name]).toBeCloseTo(first![name]! / 2, 12);
  });

  it('reads JSON lines alike', async () => {
    const whole = await report('--predictions', file(ROWS));
    const lines = ROWS.map((row) => JSON.stringify(row)).join('\n');
    expect(await report('--predictions', file(`${lines}\n\n`))).toEqual(whole);
  });

  it('adds scores under names of their own with --all', async () => {
    const plain = await report('--predictions', file(ROWS));
    const all = await report('--predictions', file(ROWS), '--all');
    const corpus = ['corpus-word-bleu', 'corpus-chrf2', 'distinct-1', 'distinct-2'];
    const sentence = ['sentence-word-bleu', 'sentence-chrf2'];
    expect(Object.keys(all)).toEqual(['count', ...FOUR, ...corpus, 'rows']);
    expect(Object.keys((all['rows'] as object[])[0]!)).toEqual([...FOUR, ...sentence]);
    for (const name of FOUR) expect(all[name]).toBe(plain[name]);
  });
});

describe('metrics --matrix', () => {
  const matrix = [
    [80, null, null],
    [70, 90, null],
    [60, 70, 95],
  ];

  it('gives Last, BWT, AP and forgetting; without a base row nothing is known of FWT', async () => {
    // Last (60 + 70 + 95)/3; BWT ((60 − 80) + (70 − 90))/2; AP (80 + 80 + 75)/3; forgetting (20 + 20)/2.
    const expected = { last: 75, bwt: -20, ap: 235 / 3, fwt: null, forgetting: 20 };
    expect(await report('--matrix', file({ matrix }))).toEqual(expected);
    const triangle = matrix.map((row) => row.filter((score) => score !== null));
    expect(await report('--matrix', file({ matrix: triangle }))).toEqual(expected);
  });

  it('gives FWT with a base row, where tasks were measured before they were trained on', async () => {
    const whole = [
      [80, 50, 20],
      [85, 90, 40],
      [60, 70, 95],
    ];
    // FWT ((50 − 45) + (40 − 25))/2; forgetting ((85 − 60) + (90 − 70))/2, not ((80 − 60) + (90 − 70))/2.
    const expected = { fwt: 10, forgetting: 22.5 };
    expect(await report('--matrix', file({ matrix: whole, base: [30, 45, 25] }))).toMatchObject(expected);
    expect(await report('--matrix', file({ matrix: whole }))).toMatchObject({ fwt: null });
    expect(await report('--matrix', file({ matrix, base: [30, 45, 25] }))).toMatchObject({ fwt: null });
    const unmeasured = file({ matrix: whole, base: [null, 45, null] });
    expect(await report('--matrix', unmeasured)).toMatchObject({ fwt: null });
  });

  it('says null where a score is missing or there is nothing to compare', async () => {
    const nothing = { last: null, bwt: null, ap: null, fwt: null, forgetting: null };
    expect(await report('--matrix', file({ matrix: [[50]] }))).toEqual({ ...nothing, last: 50, ap: 50 });
    const gap = [
      [80, null],
      [null, 90],
    ];
    expect(await report('--matrix', file({ matrix: gap }))).toEqual(nothing);
  });
});

describe('metrics refuses', () => {
  async function refused(args: readonly string[], ...says: string[]): Promise<void> {
    const { code, stdout, stderr } = await lifealign('metrics', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const text of says) expect(stderr).toContain(text);
    expect(stderr).not.toMatch(/^\s+at /m);
  }

  it('neither or both of its inputs, and --all with a matrix', async () => {
    const input = file({ matrix: [[1]] });
    await refused([], '--predictions', '--matrix');
    await refused(['--predictions', input, '--matrix', input], 'either');
    await refused(['--matrix', input, '--all'], '--all');
  });

  it('rows that are not pairs of texts, with file, row and field', async () => {
    const predictions = (rows: unknown) => ['--predictions', file(rows)];
    await refused(
      predictions([ROWS[0], { prediction: 'a' }]),
      'input.json',
      'row 2',
      '"reference"',
      'missing',
    );
    await refused(predictions([{ prediction: 3, reference: 'a' }]), 'row 1', '"prediction"', 'got 3');
    await refused(predictions([{ prediction: 'a', reference: null }]), '"reference"', 'got null');
    await refused(predictions([ROWS[0], ['a', 'b']]), 'row 2', 'expected an object');
    await refused(predictions('{"prediction": "a", "reference": "b"}\n{"x": 1}\n'), 'line 2', 'row 2');
    await refused(predictions([]), 'no rows');
    await refused(['--predictions', join(folder(), 'absent.json')], 'absent.json');
  });

  it('what is no result matrix, with file and row', async () => {
    const matrix = (content: unknown) => ['--matrix', file(content)];
    await refused(matrix({ matrix: [[1, 2], [3]] }), 'input.json', 'row 2', 'expected a list of 2 scores');
    await refused(
      matrix({
        matrix: [
          [1, 2, 3],
          [4, 5],
        ],
      }),
      'row 1',
      '1 to 2',
    );
    await refused(matrix({ matrix: [[1], [2, '3']] }), 'row 2', 'score 2', '"3"');
    await refused(matrix('{"matrix": [[1e999]]}'), 'score 1', 'too large');
    await refused(matrix({ matrix: [[1], null] }), 'row 2', 'null');
    await refused(matrix({ matrix: [] }), '"matrix"');
    await refused(matrix([[1]]), '"matrix"');
    await refused(matrix('{"matrix": [[1]'), 'line 1');
  });

  it('a base row that is no list of one score per task', async () => {
    const base = (row: unknown) => ['--matrix', file({ matrix: [[1], [2, 3]], base: row })];
    await refused(base([1]), 'input.json', 'field "base"', 'expected a list of 2 scores, got 1');
    await refused(base([1, 2, 3]), 'field "base"', 'got 3');
    await refused(base([1, '2']), 'field "base"', 'score 2', '"2"');
    await refused(base(null), 'field "base"', 'got null');
  });
});
