import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareRuns, readRunResults } from '../../src/eval/comparison/index.ts';
import { workspace } from '../train/temporary-folder.ts';
import { runToy, toyConfig } from '../train/toy-stream.ts';
import { gradientCalls, runMethod } from './runs.ts';

describe('multi-task learning', () => {
  it('trains on the rows of all tasks, shuffled, in every epoch', async () => {
    const { engine, steps } = await runMethod('mtl');
    // 36 rows in batches of 4, two epochs of two stages.
    expect(steps).toHaveLength(4 * 9);
    const batches = gradientCalls(engine).map(({ rows }) => rows);
    const epoch = batches.slice(0, 9).flat();
    expect(new Set(epoch).size).toBe(36);
    expect(new Set(batches.slice(9, 18).flat())).toEqual(new Set(epoch));
    const alone = await runMethod('seqft');
    const ofFirst = new Set(
      gradientCalls(alone.engine)
        .slice(0, 5)
        .flatMap(({ rows }) => rows.map((row) => JSON.stringify(row))),
    );
    const isFirst = batches.slice(0, 9).map((rows) => rows.map((row) => ofFirst.has(JSON.stringify(row))));
    expect(isFirst.some((rows) => rows.includes(true) && rows.includes(false))).toBe(true);
  });

  it('has one row of results, the last: Last is its mean, and what needs the others is missing', async () => {
    const { summary, output } = await runMethod('mtl');
    const { matrix, last, bwt, ap, base } = summary.reward_accuracy;
    expect(base).toBeUndefined();
    expect(matrix[0]).toEqual([null, null]);
    const [low, high] = matrix[1]!;
    expect(last).toBe((low! + high!) / 2);
    expect([bwt, ap]).toEqual([null, null]);
    expect(readdirSync(join(output, 'tasks'))).toEqual(['2-high']);
  });

  it('stands beside other runs in a comparison, where it has a number', async () => {
    const named = async (method: string) => {
      const { output, summary } = await runMethod(method);
      return { name: method, runs: [await readRunResults(output)], last: summary.preference_accuracy.last };
    };
    const [mtl, seqft] = [await named('mtl'), await named('seqft')];
    const { scores } = compareRuns([mtl, seqft], { resamples: 50 });
    const { runs, differences } = scores.find(({ score }) => score === 'preference_accuracy')!;
    expect(runs[0]!.statistics.last.estimate).toBe(mtl.last);
    expect(differences[0]!.statistics.last.estimate).toBe(mtl.last! - seqft.last!);
    for (const name of ['bwt', 'ap', 'fwt', 'forgetting'] as const) {
      expect(runs[0]!.statistics[name].estimate, name).toBeNull();
      expect(differences[0]!.statistics[name].estimate, name).toBeNull();
    }
  });

  it('says that it is at work on all tasks', async () => {
    const folder = workspace();
    const log: string[] = [];
    const stages = { sft: { epochs: 1, batch_size: 100 }, preference: { epochs: 0 } };
    const environment = { log: (line: string) => void log.push(line) };
    await runToy(toyConfig({ method: 'mtl', stages }), { folder, environment });
    expect(log).toContain('warning: all 2 tasks, sft: the only step is warm-up, at learning rate 0');
  });
});
