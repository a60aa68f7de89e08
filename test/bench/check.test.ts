import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkRatios } from '../../bench/shared/check.ts';
import { compare } from '../../bench/shared/comparison.ts';
import { figures } from '../../bench/shared/figures.ts';
import { figuresSections } from '../../bench/shared/figures-sections.ts';
import { appendHistory, newest, type RunOfBench, readHistory } from '../../bench/shared/history.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-history-'));
});
afterAll(() => rm(folder, { recursive: true }));

const run: RunOfBench = {
  date: '2026-01-02T03:04:05.000Z',
  bench: 'score',
  form: 'short',
  machine: 'some-cpu-2-cores',
  cpu: 'Some CPU',
  commit: '0123456789',
  versions: { 'some-peer': '1.0' },
};

/** Twice as fast as the peer in one round, three times in the other, by default. */
function speed(name: string, ours = [200, 300], peer = [100, 100]) {
  return compare({ name, against: 'a peer', unit: 'tokens/s', better: 'more', ours, peer });
}

test('a comparison holds medians, their ratio, and the ends of each round', () => {
  expect(speed('a')).toEqual({
    ...{ name: 'a', against: 'a peer', unit: 'tokens/s' },
    ...{ ours: 250, peer: 100, ratio: 2.5 },
    spread: { ours: [200, 300], peer: [100, 100], ratio: [2, 3] },
  });
  const memory = compare({
    ...{ name: 'm', against: 'promised', unit: 'GB', better: 'less' },
    ...{ ours: [1, 2], peer: 3 },
  });
  expect([memory.ratio, memory.spread.ratio]).toEqual([2, [1.5, 3]]);
});

test('what is appended is read again, and the newest of each name counts', async () => {
  const file = join(folder, 'appended.jsonl');
  expect(await readHistory(file)).toEqual([]);
  await appendHistory(run, [speed('a'), speed('b')], file);
  await appendHistory({ ...run, date: '2026-02-02T00:00:00.000Z' }, [speed('a', [500, 500])], file);
  const history = await readHistory(file);
  expect(history).toHaveLength(3);
  expect(newest(history).map(({ name, ratio }) => [name, ratio])).toEqual([
    ['a', 5],
    ['b', 2.5],
  ]);
});

test('a line that is no record is named', async () => {
  const file = join(folder, 'broken.jsonl');
  await appendHistory(run, [speed('a')], file);
  const [line] = (await readHistory(file)).map((record) => JSON.stringify(record));
  await writeFile(file, `${line}\n${line!.replace('"score"', '7')}\n`);
  await expect(readHistory(file)).rejects.toThrow(/broken\.jsonl.*line 2.*bench/);
});

test('a ratio more than 15 % below the record of a like machine has fallen', () => {
  const history = [{ ...run, ...speed('a') }];
  const verdictOf = (ours: number, changes: object = {}) =>
    checkRatios({ ...run, comparisons: [speed('a', [ours], [100])], ...changes }, history)[0]!;
  expect(verdictOf(213)).toEqual({ name: 'a', fresh: 2.13, recorded: 2.5, hasFallen: false });
  expect(verdictOf(212)).toEqual({ name: 'a', fresh: 2.12, recorded: 2.5, hasFallen: true });
  expect(verdictOf(Number.NaN).hasFallen).toBe(true);
  for (const changes of [{ machine: 'another' }, { form: 'full' }, { bench: 'train' }] as const) {
    expect(verdictOf(1, changes)).toMatchObject({ recorded: null, hasFallen: false });
  }
});

test('figures show the newest record of the fullest form, with what was recorded before', () => {
  const full = { ...run, form: 'full' as const };
  const custom = { ...run, form: 'custom' as const };
  const text = figures([
    { ...run, ...speed('a') },
    { ...full, ...speed('a', [400, 400]) },
    { ...full, ...speed('a', [500, 510]) },
    { ...run, ...speed('b') },
    { ...run, ...speed('c') },
    { ...custom, ...speed('c', [300], [100]) },
    { ...run, ...speed('c') },
  ]);
  expect(text).toContain('Some CPU (some-cpu-2-cores); some-peer 1.0');
  expect(text.match(/^\| a .*$/gm)).toEqual([
    expect.stringMatching(/5\.05 \(5\.00 to 5\.10\) \| 4\.00 \| 2026-01-02, 0123456789 \|$/),
  ]);
  expect(text.match(/^\| b .*$/gm)).toEqual([
    expect.stringContaining('| - | 2026-01-02, 0123456789, short form |'),
  ]);
  expect(text.match(/^\| c .*$/gm)).toEqual([
    expect.stringContaining('3.00 (once) | - | 2026-01-02, 0123456789, other sizes'),
  ]);
  expect(figures([])).toBe('Nothing is recorded yet.\n');
});

test.each(['README.md', 'REPRODUCIBILITY.md'])(
  '%s has the figures that `npm run make:figures` writes',
  async (name) => {
    const document = await readFile(new URL(`../../${name}`, import.meta.url), 'utf8');
    expect(figuresSections(await readHistory())[name]!(document)).toBe(document);
  },
);
