import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countOverlap } from '../../src/data/overlap.ts';
import type { PromptRow } from '../../src/data/row.ts';
import { loadTask } from '../../src/data/task.ts';

const ask = (content: string, role = 'user'): PromptRow => ({ index: 0, prompt: [{ role, content }] });

describe('countOverlap', () => {
  it('counts test rows whose prompt is in training, case, blanks and compatibility forms aside', () => {
    const train = [ask('What is  DPO?\n'), ask('ﬁne')];
    expect(countOverlap(train, [ask('what is dpo?'), ask('What is DPO'), ask('fine'), ask('fine')])).toBe(3);
    expect(countOverlap(train, [ask('fine', 'system')])).toBe(0);
  });
});

describe('loadTask', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifealign-tasks-'));
    const row = (query: string) => ({ query, chosen: 'a', rejected: 'b' });
    await writeFile(join(folder, 'train.json'), JSON.stringify([row('1'), row('2'), row('3')]));
    await writeFile(join(folder, 'test.json'), JSON.stringify([row('4'), row('3'), row('2')]));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const entry = {
    name: 't',
    train: 'train.json',
    test: 'test.json',
    train_rows: null,
    test_rows: null,
    judge: null,
  };

  it('finds files beside the config and reads them whole, limits or not', async () => {
    const options = { folder, invalidRows: 'error' } as const;
    const task = await loadTask({ ...entry, train_rows: 2, judge: 'safety' }, options);
    expect(task).toMatchObject({ name: 't', judge: 'safety', train_rows: 2, test_rows: null });
    expect(task.train.rows.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(task.test.file).toBe(join(folder, 'test.json'));
  });
});

// How many rows each of the benchmark's files has: train, test.
const BENCHMARK = new URL('../../../shared/data/lifealign-bench/', import.meta.url);
const ROWS = [
  ['hh-rlhf-harmless-base', 3000, 1000],
  ['hh-rlhf-helpful-base', 3000, 1000],
  ['safe-rlhf', 2985, 348],
  ['TruthfulQA', 653, 83],
] as const;

describe.skipIf(!existsSync(BENCHMARK))('the benchmark data (skipped where ../shared/data is absent)', () => {
  it.each(ROWS)('%s', async (name, train, test) => {
    const { pathname } = new URL(`${name}/`, BENCHMARK);
    const entry = {
      name,
      train: 'train.json',
      test: 'test.json',
      train_rows: null,
      test_rows: null,
      judge: null,
    };
    const task = await loadTask(entry, { folder: pathname, invalidRows: 'skip' });
    expect((task.train.rows.length ?? 0) + (task.train.skipped.length ?? 0)).toBe(train);
    expect((task.test.rows.length ?? 0) + (task.test.skipped.length ?? 0)).toBe(test);
    expect(task.train.skipped.length).toBeLessThan(train * 0.05);
  });
});
