/** `lifealign data conflicts`: what it lists, what each policy does, and what it refuses. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { contents, lifealign, MODEL, ROWS } from './command.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const rows: Record<string, string>[] = JSON.parse(readFileSync(ROWS, 'utf8'));
const exchanged = (row: Record<string, string>) => ({
  ...row,
  chosen: row['rejected'],
  rejected: row['chosen'],
});

function file(name: string, content: unknown): string {
  writeFileSync(at(name), JSON.stringify(content));
  return at(name);
}

const other = {
  query: 'Is the shop open on Sundays?',
  chosen: 'Yes, from ten to four.',
  rejected: 'Look it up.',
};

/** The second new row contradicts the third accepted one. */
const args = (...more: string[]) => [
  ...['data', 'conflicts', '--new', file('new.json', [other, exchanged(rows[2]!)])],
  ...['--accepted', `tone=${ROWS}`, ...more],
];

describe('data conflicts', () => {
  it.each([[], ['--model', MODEL]])('lists pairs with the earlier row and task (%j)', async (...model) => {
    const { code, stdout, stderr } = await lifealign(...args(...model.flat()));
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      new: at('new.json'),
      rows: 2,
      accepted: { tone: rows.length },
      policy: 'warn',
      conflicts: [{ new_index: 1, task: 'tone', accepted_index: 2, kind: 'lexical', similarity: 1 }],
    });
    expect(stderr).toMatch(
      /new\.json: 1 row contradicts 1 accepted one\n {2}row 2 contradicts row 3 of tone \(near/,
    );
  });

  it('ends with 2 and the list under error, and with 0 where there is none', async () => {
    const { code, stdout, stderr } = await lifealign(...args('--policy', 'error'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /lifealign: .*new\.json: 1 row contradicts .*\n {2}row 2 contradicts row 3 of tone/,
    );
    const clean = ['--new', file('clean.json', [other]), '--accepted', `tone=${ROWS}`, '--policy', 'error'];
    const ended = await lifealign('data', 'conflicts', ...clean);
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout).conflicts).toEqual([]);
  });

  it('names the rows that leave under prefer-new, by task', async () => {
    const second = file('second.json', [other, rows[2]]);
    const { stdout } = await lifealign(...args('--accepted', `facts=${second}`, '--policy', 'prefer-new'));
    expect(JSON.parse(stdout).leaving).toEqual({ tone: [2], facts: [1] });
  });

  it('leaves invalid rows out where told, and counts on', async () => {
    const broken = file('broken.json', [{ ...other, rejected: '' }, exchanged(rows[0]!)]);
    const given = ['data', 'conflicts', '--new', broken, '--accepted', `tone=${ROWS}`];
    const refused = await lifealign(...given);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/broken\.json, row 1, field "rejected"/);
    const { code, stdout, stderr } = await lifealign(...given, '--invalid-rows', 'skip');
    expect(code).toBe(0);
    expect(stderr).toMatch(/1 invalid rows left out/);
    expect(JSON.parse(stdout).conflicts).toMatchObject([{ new_index: 1, accepted_index: 0 }]);
  });

  it.each<[string, () => string[], RegExp]>([
    ['no accepted rows', () => args().slice(0, 4), /--accepted/],
    ['accepted rows without a name', () => args('--accepted', ROWS), /expected NAME=FILE/],
    ['a name twice', () => args('--accepted', `tone=${ROWS}`), /a task "tone" was given already/],
    ['a file that is not there', () => args('--accepted', 'facts=none.json'), /none\.json: cannot read/],
    ['an unknown policy', () => args('--policy', 'ignore'), /--policy/],
    ['an unknown model', () => args('--model', at('none')), /no such folder or file/],
  ])('refuses %s', async (_, given, message) => {
    const before = given();
    const files = contents(folder());
    const { code, stdout, stderr } = await lifealign(...before);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toMatch(/^\s+at |defect/m);
    expect(contents(folder())).toEqual(files);
  });
});
