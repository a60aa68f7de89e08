/** The choice of settings: by Last on validation rows, for each method among its own trials. */
import { describe, expect, it } from 'vitest';
import { type Place, reportRuns, tuningRuns } from '../../src/bench/plan.ts';
import { chosenBy, tune } from '../../src/bench/tuning.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { madeBench, madeRecord, madeRun, right, tuned } from './made.ts';

const folder = useTemporaryCache();

const last = (count: number) => madeRecord(madeRun(7, right([[10], [count, count]])));
const benchOf = () =>
  madeBench(
    folder(),
    tuned({ methods: [{ name: 'lifealign' }, { name: 'seqft' }, { name: 'stl', tuned_as: 'seqft' }] }),
  );

describe('tuning', () => {
  const scores: Record<string, number> = {
    'lifealign trial 1': 6,
    'lifealign trial 2': 8,
    'seqft trial 1': 5,
    'seqft trial 2': 5,
  };
  const recordOf = ({ method, setting }: Place) => {
    const score = scores[`${method} ${setting}`];
    return score === undefined ? undefined : last(score);
  };

  it('takes the best trial, the first of equals, and for a method without trials another’s', async () => {
    const bench = await benchOf();
    const found = tune(bench, recordOf);
    expect(
      found.map(({ method, chosen, trials }) => [method, chosen, trials.map(({ mean }) => mean)]),
    ).toEqual([
      ['lifealign', 1, [60, 80]],
      ['seqft', 0, [50, 50]],
    ]);
    const chosen = chosenBy(bench, found);
    const rate = (at: number) => chosen('untied-gqa', bench.methods[at]!)?.['stages.sft.learning_rate'];
    expect([rate(0), rate(1), rate(2)]).toEqual([0.2, 0.1, 0.1]);
  });

  it('never takes a trial that diverged', async () => {
    const found = tune(await benchOf(), (place) =>
      place.setting === 'trial 2' ? madeRecord(null) : recordOf(place),
    );
    expect(found.map(({ chosen, trials }) => [chosen, trials[1]!.mean])).toEqual([
      [0, null],
      [0, null],
    ]);
  });

  it('chooses nothing for a method whose trials are not all finished', async () => {
    const bench = await benchOf();
    const found = tune(bench, (place) =>
      place.method === 'seqft' && place.setting === 'trial 2' ? undefined : recordOf(place),
    );
    expect(found.map(({ method }) => method)).toEqual(['lifealign']);
    const chosen = chosenBy(bench, found);
    expect(bench.methods.map((method) => chosen('untied-gqa', method) === null)).toEqual([false, true, true]);
  });

  it('takes a single trial as it is, a method’s own before that of all, and runs none', async () => {
    const rate = (value: number) => ({ 'stages.sft.learning_rate': value });
    const bench = await madeBench(
      folder(),
      tuned({
        tuning: { trials: [rate(0.1)], seeds: [7] },
        methods: [
          { name: 'lifealign' },
          { name: 'l2p', trials: [rate(0.3)] },
          { name: 'stl', tuned_as: 'lifealign' },
        ],
      }),
    );
    expect(tuningRuns(bench)).toEqual([]);
    const found = tune(bench, () => undefined);
    const runs = reportRuns(bench, chosenBy(bench, found));
    const rates = runs.map(({ place, tree }) => [
      place.method,
      (tree['stages'] as { sft: Record<string, unknown> }).sft['learning_rate'],
    ]);
    expect(new Map(rates as [string, number][])).toEqual(
      new Map([
        ['lifealign', 0.1],
        ['l2p', 0.3],
        ['stl', 0.1],
      ]),
    );
  });
});
