/** A finished run's file: small, whole, and refused where it is another's. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRecord, writeRecord } from '../../src/bench/record.ts';
import { lineOf } from '../../src/bench/results/lines.ts';
import { scoreMatrix } from '../../src/bench/results/run.ts';
import { stateLine, timeLeft } from '../../src/bench/work/time-left.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { madeRecord, madeRun, right } from './made.ts';

const folder = useTemporaryCache();
const file = () => join(folder(), 'job.json');

describe('a record', () => {
  const run = madeRun(3, right([[8], [7, 9]]));
  const judged = {
    ...run,
    scores: {
      ...run.scores,
      judge: {
        base: [[0, 100], null],
        cells: [
          [[0, 100], null],
          [
            [100, 100],
            [33.25, 50],
          ],
        ],
      },
    },
  };

  it('reads as it was written, row by row', async () => {
    await writeRecord(file(), madeRecord(judged));
    expect(await readRecord(file(), 'identity')).toEqual(madeRecord(judged));
    expect(statSync(file()).size).toBeLessThan(1200);
    await writeRecord(file(), madeRecord(null));
    expect(await readRecord(file(), 'identity')).toEqual(madeRecord(null));
  });

  it('gives the result matrix back', () => {
    expect(scoreMatrix(judged, 'preference_accuracy')).toMatchObject({
      base: [40, 40],
      matrix: [
        [80, null],
        [70, 90],
      ],
      last: 80,
      bwt: -10,
    });
    expect(scoreMatrix(judged, 'judge')).toMatchObject({ base: [50, null], last: (100 + 41.625) / 2 });
    expect(scoreMatrix(run, 'judge')).toBeNull();
  });

  it('is null where there is none, and refused where it is damaged or of another run', async () => {
    expect(await readRecord(file(), 'identity')).toBeNull();
    await writeRecord(file(), madeRecord(run));
    await expect(readRecord(file(), 'another')).rejects.toThrow(/field "identity": not the run/);
    writeFileSync(file(), '{"format": 1, "title": 3}');
    await expect(readRecord(file(), 'identity')).rejects.toThrow(/job\.json: not what a run writes: title/);
  });
});

it('runs on other rows are not compared', () => {
  const place = (method: string) => ({ base: 'b', order: 'o', method, setting: '', split: 'test' }) as const;
  const runs = { one: madeRun(1, right([[8], [7, 9]])), other: madeRun(1, right([[8], [7, 9]])) };
  const record = ({ method }: { method: string }) => {
    const run = runs[method as keyof typeof runs];
    return madeRecord(method === 'other' ? { ...run, rows: [run.rows[0]!, 'else'] } : run);
  };
  const source = { seeds: [1], record, resamples: 10 };
  expect(() => lineOf(source, place('other'), { label: 'Other', against: place('one') })).toThrow(
    /^Other: the run of seed 1 was measured on other rows of two than LifeAlign/,
  );
});

describe('the time left', () => {
  const done = [
    { kind: 'a', seconds: 10 },
    { kind: 'b', seconds: 40 },
  ];
  const underWay = [{ title: 'one', kind: 'a', label: 'task 1/2', seconds: 4 }];

  it('is by what finished runs of the kind took, shared out', () => {
    // 6 s of the run under way and 10 of the one that waits, by two at a time; of an unknown kind 25.
    expect(timeLeft({ done, underWay, waiting: ['a'], parallel: 2 })).toBe(8);
    expect(timeLeft({ done, underWay: [], waiting: ['c'], parallel: 2 })).toBe(25);
    expect(timeLeft({ done: [], underWay, waiting: ['a'], parallel: 1 })).toBeNull();
  });

  it('stands in a line with what is done and at work', () => {
    expect(stateLine({ done, underWay, waiting: ['b'], parallel: 1 })).toBe(
      '2/4 runs, about 46s left; at work: one (task 1/2)',
    );
    expect(stateLine({ done: [], underWay: [], waiting: ['b'], parallel: 1 })).toBe('0/1 runs');
  });
});
