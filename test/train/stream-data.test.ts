/** Which rows of a task's files a run takes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeRows } from '../../src/text/segments.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import type { ConfigTree } from '../../src/train/config/overrides.ts';
import { resolveRunConfig } from '../../src/train/config/resolve.ts';
import { loadStream } from '../../src/train/stream-data.ts';
import { writeModelFolder } from '../text/tiny-model.ts';
import { temporaryFolder } from './temporary-folder.ts';

const good = (query: string) => ({ query, chosen: 'yes', rejected: 'no' });
const tooLong = (query: string) => ({ query, chosen: 'x'.repeat(60), rejected: 'no' });
const invalid = { query: 'no responses' };

async function load(train: readonly object[], changes: ConfigTree, task: ConfigTree = {}) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'train.json'), JSON.stringify(train));
  writeFileSync(join(folder, 'test.json'), JSON.stringify([good('c'), good('z')]));
  await writeModelFolder(folder);
  const model = await loadTextModel(folder);
  const text = {
    identity: { tokenizer: model.tokenizer.identity, template: model.template.identity },
    maxPositions: 40,
    endTokens: [],
    encodeRows: (rows, options) => encodeRows(rows, model, options),
  } satisfies Parameters<typeof loadStream>[1];
  const tasks = [{ name: 'task', train: 'train.json', test: 'test.json', ...task }];
  const tree = { base: 'x', max_length: 40, general: null, ...changes, tasks };
  const config = await resolveRunConfig(tree, { file: 'run.yaml', folder });
  const lines: string[] = [];
  const data = await loadStream(config, text, { softTokens: 0, log: (line) => void lines.push(line) });
  return { ...data, lines, train: data.tasks[0]!.train };
}

describe('train_rows', () => {
  const rows = [good('a'), invalid, tooLong('b'), good('c'), tooLong('d'), invalid, good('e')];
  const skip = { invalid_rows: 'skip' };

  it('counts the rows that can be used, in the order of the file', async () => {
    const { train, skippedRows, lines } = await load(rows, skip, { train_rows: 2 });
    expect(train.rows.map(({ index }) => index)).toEqual([0, 3]);
    expect(train.encoded).toHaveLength(2);
    expect(skippedRows).toBe(2);
    const leftOut = lines.filter((line) => line.includes('is left out'));
    expect(leftOut).toEqual([
      expect.stringMatching(/train\.json: row 2 is left out: field "chosen"/),
      expect.stringMatching(/train\.json: row 3 is left out: field "chosen": the response has 61 tokens/),
    ]);
  });

  it('says so where the file has fewer', async () => {
    const { train, skippedRows, lines } = await load(rows, skip, { train_rows: 5 });
    expect(train.rows.map(({ index }) => index)).toEqual([0, 3, 6]);
    expect(skippedRows).toBe(4);
    expect(lines).toContainEqual(expect.stringMatching(/only 3 rows can be used; 5 were asked for/));
    expect((await load(rows, skip)).lines.join()).not.toMatch(/asked for/);
  });

  it('lets a row that cannot be encoded stop the run only where it would be taken', async () => {
    const valid = rows.filter((row) => row !== invalid);
    await expect(load(valid, {}, { train_rows: 2 })).rejects.toThrow(/train\.json, row 2, field "chosen"/);
    expect((await load(valid, {}, { train_rows: 1 })).train.encoded).toHaveLength(1);
  });

  it('decides which test rows overlap', async () => {
    const overlap = async (train_rows: number) =>
      (await load(rows, skip, { train_rows })).lines.filter((line) => line.includes('training rows'));
    expect(await overlap(1)).toEqual([]);
    expect(await overlap(2)).toEqual([expect.stringContaining('1 of 2 test rows')]);
  });
});
