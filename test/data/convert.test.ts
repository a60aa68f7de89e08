import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partsOf, Splitter } from '../../src/data/split.ts';
import { lifealign } from '../cli/command.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const rows = Array.from({ length: 200 }, (_, index) => ({
  prompt: `Q ${index % 180}`,
  chosen: `a ${index}`,
  rejected: 'b',
}));
const lines = (records: readonly unknown[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const written = (name: string) =>
  readFileSync(at(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as (typeof rows)[number]);

describe('data convert', () => {
  it('writes our own rows of any shape', async () => {
    writeFileSync(at('edits.csv'), 'prompt;original;edited\nWhy?;No.;"So;\nso."\n');
    const { code, stdout } = await lifealign(
      'data',
      'convert',
      at('edits.csv'),
      '--output',
      at('rows.jsonl'),
    );
    expect({ code, rows: written('rows.jsonl') }).toEqual({
      code: 0,
      rows: [{ prompt: 'Why?', chosen: 'So;\nso.', rejected: 'No.' }],
    });
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'edits',
      records: 1,
      written: { [at('rows.jsonl')]: 1 },
    });
  });

  it('splits by seed: every row once, equal prompts together, whatever the order of the file', async () => {
    const split = async (records: readonly unknown[], seed: string) => {
      writeFileSync(at('in.jsonl'), lines(records));
      const args = ['--output', at('out.jsonl'), '--split', 'train=0.8,test=0.2', '--seed', seed];
      expect((await lifealign('data', 'convert', at('in.jsonl'), ...args)).code).toBe(0);
      return { train: written('out.train.jsonl'), test: written('out.test.jsonl') };
    };
    const first = await split(rows, '1');
    expect([...first.train, ...first.test]).toHaveLength(200);
    expect(Math.abs(first.train.length - 160)).toBeLessThan(3);
    const prompts = new Set(first.train.map(({ prompt }) => prompt));
    expect(first.test.filter(({ prompt }) => prompts.has(prompt))).toEqual([]);
    const reversed = await split(rows.toReversed(), '1');
    expect(reversed.test.toReversed()).toEqual(first.test);
    expect((await split(rows, '2')).test).not.toEqual(first.test);
  });

  it('writes numbers of rows exactly', async () => {
    writeFileSync(at('in.jsonl'), lines(rows));
    const args = ['data', 'convert', at('in.jsonl'), '--output', at('out.jsonl'), '--split'];
    const { code, stdout } = await lifealign(...args, 'train=50,test=30');
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, in_no_part: 120 });
    expect([written('out.train.jsonl').length, written('out.test.jsonl').length]).toEqual([50, 30]);
    const { code: refused, stderr } = await lifealign(...args, 'train=150,test=60');
    expect({ refused, stderr }).toMatchObject({
      refused: 2,
      stderr: expect.stringMatching(/test shall have 60 rows/),
    });
  });

  it('writes nothing where a row is invalid, or an output is the input', async () => {
    writeFileSync(at('in.jsonl'), lines([...rows, { prompt: 'q' }]));
    const before = readdirSync(folder());
    const refused = await lifealign('data', 'convert', at('in.jsonl'), '--output', at('out.jsonl'));
    expect(refused).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/line 201, row 201, field "chosen"/),
    });
    const onto = await lifealign('data', 'convert', at('in.jsonl'), '--output', at('in.jsonl'));
    expect(onto).toMatchObject({ code: 2, stdout: '' });
    expect(readdirSync(folder())).toEqual(before);
    const skipped = await lifealign(
      'data',
      'convert',
      at('in.jsonl'),
      '--output',
      at('out.jsonl'),
      '--invalid-rows',
      'skip',
    );
    expect(JSON.parse(skipped.stdout)).toMatchObject({
      written: { [at('out.jsonl')]: 200 },
      invalid: [{ row: 201 }],
    });
  });

  it.each([
    ['--split', 'train'],
    ['--split', 'train=0.9,test=0.2'],
    ['--split', 'train=0.9,test=20'],
    ['--split', 'train=0.5,train=0.5'],
    ['--split', '../x=0.5'],
    ['--seed', '-1'],
    ['--format', 'nothing'],
    ['--pairs', 'some'],
    ['--margin', 'wide'],
    ['--columns', 'prompt'],
  ])('refuses %s %s', async (flag, value) => {
    writeFileSync(at('in.jsonl'), lines(rows));
    const { code, stderr } = await lifealign(
      'data',
      'convert',
      at('in.jsonl'),
      '--output',
      at('out.jsonl'),
      flag,
      value,
    );
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(flag) });
    expect(existsSync(at('out.jsonl'))).toBe(false);
  });
});

it('data import lists the data sets, and leaves out the prompts of another file', async () => {
  const { stdout } = await lifealign('data', 'import');
  expect(JSON.parse(stdout)).toHaveLength(6);
  const record = (question: string) => ({ question, human_answers: ['a'], chatgpt_answers: ['b'] });
  writeFileSync(at('all.jsonl'), lines([record('one'), record('two'), record('three')]));
  writeFileSync(at('test.json'), JSON.stringify([{ query: 'Two', chosen: 'a', rejected: 'b' }]));
  const done = await lifealign(
    'data',
    'import',
    'hc3',
    at('all.jsonl'),
    '--output',
    at('o.jsonl'),
    '--exclude',
    at('test.json'),
  );
  expect({ code: done.code, ...JSON.parse(done.stdout) }).toMatchObject({
    code: 0,
    excluded: 1,
    left_out: {},
  });
  expect(written('o.jsonl').map(({ prompt }) => prompt)).toEqual(['one', 'three']);
});

it('data check tells what was recognised, shows rows, and counts prompts of another file', async () => {
  writeFileSync(at('in.jsonl'), lines(rows));
  writeFileSync(at('test.json'), JSON.stringify([{ prompt: 'q 3', chosen: 'a', rejected: 'b' }]));
  const { code, stdout } = await lifealign(
    'data',
    'check',
    at('in.jsonl'),
    '--preview',
    '1',
    '--against',
    at('test.json'),
  );
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({
    code: 0,
    format: 'jsonl',
    rows: 'preference',
    recognised_by: 'a prompt with "chosen" and "rejected"',
    preview: [rows[0]],
    duplicates: { prompts: 20, rows: 0 },
    against: { rows_with_its_prompts: 2 },
  });
});

/** Fewer groups than this can leave a share without rows, which is refused. */
const manyPrompts = fc
  .array(fc.integer({ min: 0, max: 60 }), { minLength: 60, maxLength: 200 })
  .filter((prompts) => new Set(prompts).size >= 30);

it('a splitter gives every share its rows to within the largest group', () => {
  fc.assert(
    fc.property(manyPrompts, fc.nat(), (prompts, seed) => {
      const splitter = new Splitter(partsOf('a=0.5,b=0.3,c=0.2'), seed);
      for (const prompt of prompts) splitter.see(String(prompt));
      splitter.decide();
      const group = Math.max(...prompts.map((prompt) => prompts.filter((other) => other === prompt).length));
      const count = (name: string) =>
        prompts.filter((prompt) => splitter.partOf(String(prompt)) === name).length;
      expect(count('a') + count('b') + count('c')).toBe(prompts.length);
      expect(Math.abs(count('a') - prompts.length / 2)).toBeLessThanOrEqual(group + 1);
    }),
    { numRuns: 50 },
  );
});
