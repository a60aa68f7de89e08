import { describe, expect, it } from 'vitest';
import { builtinTasks } from '../../src/data/builtin/index.ts';
import { builtinRows } from '../../src/data/builtin/rows.ts';
import { builtinRowCounts } from '../../src/data/builtin/source.ts';
import type { Split } from '../../src/data/builtin/task.ts';
import { countDuplicates, countOverlap } from '../../src/data/overlap.ts';
import { readPreferenceRows, readPromptRows } from '../../src/data/read-rows.ts';

const splits = Object.keys(builtinRowCounts) as Split[];

describe.each(builtinTasks.map((task) => [task.name, task] as const))('%s', (name, task) => {
  it.each(splits)('has enough valid %s rows, no query twice', async (split) => {
    const source = `builtin:${name}/${split}`;
    const { rows, skipped } = await readPreferenceRows(source, { invalidRows: 'error' });
    expect(rows).toHaveLength(builtinRowCounts[split]);
    expect(skipped).toEqual([]);
    expect(countDuplicates(rows)).toEqual({ prompts: 0, rows: 0 });
  });

  it('shares no query between training and what it is measured on', async () => {
    const read = async (split: Split) =>
      (await readPreferenceRows(`builtin:${name}/${split}`, { invalidRows: 'error' })).rows;
    expect(countOverlap(await read('train'), await read('test'))).toBe(0);
    expect(countOverlap(await read('validation'), await read('test'))).toBe(0);
  });

  it('is decided by the seed, row for row', () => {
    expect(builtinRows(task, 'train', 30, 5)).toEqual(builtinRows(task, 'train', 60, 5).slice(0, 30));
    expect(builtinRows(task, 'train', 30, 6)).not.toEqual(builtinRows(task, 'train', 30, 5));
  });
});

describe('names of built-in rows', () => {
  const read = (source: string) => readPromptRows(source, { invalidRows: 'error' });

  it('take a seed', async () => {
    const [zero, named, other] = await Promise.all(
      ['', '?seed=0', '?seed=1'].map((query) => read(`builtin:facts/test${query}`)),
    );
    expect(named!.sha256).toBe(zero!.sha256);
    expect(other!.sha256).not.toBe(zero!.sha256);
  });

  it.each([
    ['builtin:fact/train', /no built-in task "fact"; there are .*facts/],
    ['builtin:facts/training', /no split "training"; there are train, validation, test/],
    ['builtin:facts', /expected builtin:<task>\/<split>/],
    ['builtin:facts/train?seed=-1', /expected builtin:<task>\/<split>/],
  ])('are refused where wrong: %s', async (source, message) => {
    await expect(async () => read(source)).rejects.toThrow(message);
  });
});
