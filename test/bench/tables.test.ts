/** Tables made of runs whose numbers are worked out by hand here. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobRecord } from '../../src/bench/record.ts';
import { type BenchOutput, writeBenchOutput } from '../../src/bench/report/write.ts';
import { checkClaims } from '../../src/bench/results/claims.ts';
import { gatherResults } from '../../src/bench/results/gather.ts';
import { benchTables } from '../../src/bench/results/tables.ts';
import { tableCsv, tableMarkdown } from '../../src/eval/report/tables/text.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { benchTree, madeBench, madeRecord, madeRun, right } from './made.ts';

const folder = useTemporaryCache();

/** Records by method, setting and seed: `lifealign 1`, `lifealign consolidation.lambda=0.1 2`. */
type Records = Readonly<Record<string, JobRecord>>;

const run = (seed: number, rows: readonly (readonly (number | null)[])[]) =>
  madeRecord(madeRun(seed, right(rows)));

/** Last 80 and 75, BWT −10 and 10. */
const lifealign: Records = {
  'lifealign 1': run(1, [[8], [7, 9]]),
  'lifealign 2': run(2, [[6], [7, 8]]),
};
/** Last 70 both times, BWT −20 and 0: differences of Last are 10 and 5, of BWT 10 and 10. */
const seqft: Records = {
  'seqft 1': run(1, [[8], [6, 8]]),
  'seqft 2': run(2, [[6], [6, 8]]),
};

async function resultsOf(records: Records, tree: Record<string, unknown> = benchTree()) {
  const bench = await madeBench(folder(), tree);
  const record = (
    { method, setting, order }: { method: string; setting: string; order: string },
    seed: number,
  ) =>
    records[
      [order === 'second' ? 'second' : '', method, setting, seed].filter((part) => part !== '').join(' ')
    ];
  return gatherResults(bench, { seeds: bench.seeds, record, resamples: 200 }, []);
}

async function tableOf(id: string, records: Records, tree?: Record<string, unknown>) {
  return benchTables(await resultsOf(records, tree)).find((table) => table.id === id)!;
}

describe('table 1', () => {
  it('has means over seeds with Student’s intervals, and paired tests against LifeAlign', async () => {
    const table = await tableOf('table1-preference_accuracy', { ...lifealign, ...seqft });
    expect(table.columns.map(({ title }) => title)).toEqual([
      ...['method', 'runs', 'BWT', 'Last', 'AP'],
      ...['LifeAlign minus: BWT', 'LifeAlign minus: Last', 'LifeAlign minus: AP'],
      ...['when learned', 'paper: BWT', 'paper: Last', 'paper: AP'],
    ]);
    const [first, second] = table.rows;
    expect(first!.slice(0, 2)).toEqual(['LifeAlign', '2']);
    // 77.5 ± 12.706 · 2.5; nothing to be compared with itself; learned: 85 and 70.
    expect(first![3]).toMatchObject({
      estimate: 77.5,
      low: expect.closeTo(45.73, 1),
      high: expect.closeTo(109.27, 1),
    });
    expect(first!.slice(5, 8)).toEqual([null, null, null]);
    expect(first![8]).toMatchObject({ estimate: 77.5 });
    expect(first!.slice(9)).toEqual([0.91, 37.67, 36.43]);
    // Differences 10 and 5: mean 7.5, standard error 2.5, so t = 3 with one degree of freedom: p = 1 − (2/π)·atan 3.
    expect(second![6]).toMatchObject({
      estimate: 7.5,
      low: expect.closeTo(7.5 - 12.706 * 2.5, 2),
      pValue: expect.closeTo(1 - (2 / Math.PI) * Math.atan(3), 6),
    });
    // Both seeds differ by 10.
    expect(second![5]).toMatchObject({ estimate: 10, low: 10, high: 10, pValue: 0 });
    expect(tableMarkdown(table)).toContain('| SeqFT | 2 | -10.0 [-137.1, 117.1] |');
  });

  it('pairs the seeds that both have, and says how many runs there are', async () => {
    const table = await tableOf('table1-preference_accuracy', {
      'lifealign 1': lifealign['lifealign 1']!,
      'lifealign 2': lifealign['lifealign 2']!,
      'seqft 2': seqft['seqft 2']!,
    });
    const [, second] = table.rows;
    expect(second![1]).toBe('1 of 2');
    expect(second![6]).toMatchObject({ estimate: 5 });
    // One pair: test rows are exchanged between the runs.
    expect((second![6] as { pValue: number }).pValue).toBeGreaterThan(0.05);
    expect(table.note).toContain('bootstrap intervals over test rows');
  });

  it('says what was not run, and what diverged', async () => {
    const nothing = await tableOf('table1-preference_accuracy', {});
    expect(nothing.rows.map((row) => row.slice(0, 5))).toEqual([
      ['LifeAlign', 'not run', 'not run', 'not run', 'not run'],
      ['SeqFT', 'not run', 'not run', 'not run', 'not run'],
    ]);
    const diverged = await tableOf('table1-preference_accuracy', {
      ...lifealign,
      'seqft 1': madeRecord(null),
    });
    expect(diverged.rows[1]!.slice(0, 3)).toEqual(['SeqFT', '0 of 2, 1 diverged', 'not run']);
  });

  it('compares STL by its diagonal, and leaves a labelled variant without the paper’s numbers', async () => {
    const methods = [
      { name: 'lifealign' },
      { name: 'stl' },
      { name: 'er', label: 'ER 5', set: { 'replay.capacity': 5 } },
    ];
    const stl = { 'stl 1': run(1, [[9], [2, 9]]), 'stl 2': run(2, [[7], [1, 9]]) };
    const er = { 'ER 5 1': run(1, [[8], [7, 9]]), 'ER 5 2': run(2, [[6], [7, 8]]) };
    const table = await tableOf(
      'table1-preference_accuracy',
      { ...lifealign, ...stl, ...er },
      benchTree({ methods }),
    );
    const [, alone, variant] = table.rows;
    // Diagonals 90 and 80; LifeAlign's Last is 10 and 5 lower.
    expect(alone![3]).toMatchObject({ estimate: 85 });
    expect(alone![2]).toMatchObject({ estimate: null });
    expect(alone![6]).toMatchObject({ estimate: -7.5 });
    expect(alone!.slice(9)).toEqual([null, 36.94, null]);
    expect(variant!.slice(9)).toEqual([null, null, null]);
  });
});

describe('the other tables', () => {
  const tree = benchTree({
    methods: [{ name: 'lifealign' }, { name: 'seqft' }, { name: 'stl' }],
    ablations: true,
    orders: { first: ['one', 'two'], second: ['two', 'one'] },
    sweeps: [{ key: 'consolidation.lambda', values: [0.1, 0.5] }],
  });
  const records = {
    ...lifealign,
    ...seqft,
    'stl 1': run(1, [[9], [2, 9]]),
    'stl 2': run(2, [[7], [1, 9]]),
    'lifealign neither 1': run(1, [[8], [5, 9]]),
    'lifealign neither 2': run(2, [[6], [5, 8]]),
    'lifealign consolidation.lambda=0.1 1': run(1, [[8], [7, 8]]),
    'second seqft 1': run(1, [[8], [6, 8]]),
  };

  it('are the ablation with the paper’s numbers', async () => {
    const { rows } = await tableOf('table2-preference_accuracy', records, tree);
    expect(rows.map(([part, runs]) => [part, runs])).toEqual([
      ['neither', '2'],
      ['SLMC only', 'not run'],
      ['FPO only', 'not run'],
      ['both', '2'],
    ]);
    // Last 80 and 75 against 70 and 65.
    expect(rows[0]![6]).toMatchObject({ estimate: 10 });
    expect(rows[0]!.slice(8)).toEqual([-7.67, 21.25, 28.95, -7.02, 49.11, 51.81]);
  });

  it('are a sweep, its orders, and bases that were not run', async () => {
    const sweep = await tableOf('figure3-1-preference_accuracy', records, tree);
    expect(sweep.rows.map(([value, runs]) => [value, runs])).toEqual([
      ['0.1', '1 of 2'],
      ['0.5', 'not run'],
    ]);
    const orders = await tableOf('figure4-preference_accuracy', records, tree);
    expect(orders.rows.map((row) => row.slice(0, 3))).toEqual([
      ['first', 'LifeAlign', '2'],
      ['first', 'SeqFT', '2'],
      ['first', 'STL', '2'],
      ['second', 'LifeAlign', 'not run'],
      ['second', 'SeqFT', '1 of 2'],
    ]);
    expect((await tableOf('table3-preference_accuracy', records, tree)).note).toContain(
      'over bases was not run',
    );
  });

  it('say what a task gains alone, and which share of it a method gains', async () => {
    // The base is right on 4 of 10. Alone: 90 and 70 on task one, 90 and 90 on two: gains of 40 and 50 points.
    const alone = await tableOf('alone', records, tree);
    expect(alone.rows.map(([task, , base, accuracy]) => [task, base, accuracy])).toEqual([
      ['one', 40, 80],
      ['two', 40, 90],
    ]);
    // SeqFT when learned: 80 and 60 on one (+30), 80 and 80 on two (+40).
    const gains = await tableOf('gains-preference_accuracy', records, tree);
    expect(gains.rows).toContainEqual(['SeqFT', expect.closeTo(75), expect.closeTo(80)]);
  });
});

describe('claims', () => {
  const claimed = async (records: Records, id: string, tree?: Record<string, unknown>) =>
    checkClaims(await resultsOf(records, tree), ['preference_accuracy']).find((claim) => claim.id === id)!
      .findings.preference_accuracy!;

  it('are verified beyond the interval only, and not run without runs', async () => {
    expect(await claimed({ ...lifealign, ...seqft }, 'bwt-seqft')).toMatchObject({ state: 'verified' });
    expect(await claimed({ ...lifealign, ...seqft }, 'last-seqft')).toMatchObject({
      state: 'not verified',
      detail: expect.stringMatching(/^level: 7\.5 \[/),
    });
    expect(await claimed(lifealign, 'last-seqft')).toMatchObject({ state: 'not run' });
    expect(await claimed({ ...lifealign, 'seqft 1': seqft['seqft 1']! }, 'last-seqft')).toMatchObject({
      state: 'not run',
      detail: expect.stringMatching(/^1 of 2 seeds so far: /),
    });
    expect(await claimed({}, 'no-forgetting')).toMatchObject({ state: 'not run' });
  });

  it('name the opposite', async () => {
    const better = { 'seqft 1': run(1, [[8], [8, 10]]), 'seqft 2': run(2, [[6], [8, 9]]) };
    expect(await claimed({ ...lifealign, ...better }, 'last-seqft')).toMatchObject({
      state: 'not verified',
      detail: expect.stringMatching(/^the opposite: -10\.0/),
    });
  });

  it('are not held against a variant of a method', async () => {
    const methods = [{ name: 'lifealign' }, { name: 'seqft', set: { 'lora.rank': 2 } }];
    expect(await claimed({ ...lifealign, ...seqft }, 'bwt-seqft', benchTree({ methods }))).toMatchObject({
      state: 'not run',
    });
  });
});

describe('the files', () => {
  it('hold every table as CSV, Markdown and LaTeX, and nothing of an earlier state', async () => {
    const methods = [{ name: 'lifealign' }, { name: 'seqft', label: 'Seq_FT 5 +' }];
    const records = { ...lifealign, 'Seq_FT 5 + 1': seqft['seqft 1']!, 'Seq_FT 5 + 2': seqft['seqft 2']! };
    const results = await resultsOf(records, benchTree({ methods }));
    const out = join(folder(), 'report');
    const output: BenchOutput = { results, title: 'a_b & c', matrices: '[]\n', remarks: ['said_so'] };
    mkdirSync(join(out, 'tables'), { recursive: true });
    writeFileSync(join(out, 'tables', 'old.csv'), '');
    await writeBenchOutput(out, output);
    const tables = readdirSync(join(out, 'tables'));
    expect(tables).toContain('table1-preference_accuracy.csv');
    expect(tables).not.toContain('old.csv');
    const tex = readFileSync(join(out, 'tables.tex'), 'utf8');
    expect(tex).toContain('Seq\\_FT 5 + & 2 & ');
    expect(tex).toContain('  method & runs & BWT & Last & AP & LifeAlign minus: BWT & ');
    expect(tex).toContain('\\caption{Table 1, all methods: Preference accuracy, \\%}');
    expect(tex).not.toMatch(/[^\\][%_#]/);
    const markdown = readFileSync(join(out, 'report.md'), 'utf8');
    expect(markdown).toMatch(/^# Bench a\\_b &amp; c\n\nsaid\\_so\n/);
    expect(markdown).toContain('| Seq\\_FT 5 + | 2 |');
    const page = readFileSync(join(out, 'index.html'), 'utf8');
    expect(page).toContain('<bdi>a_b &amp; c</bdi>');
    expect(page).not.toMatch(/<script|NaN|undefined|src=|http:/);
  });

  it('have every digit, intervals and p-values in CSV', async () => {
    const table = await tableOf('table1-preference_accuracy', { ...lifealign, ...seqft });
    const [head, , second] = tableCsv(table)
      .split('\n')
      .map((line) => line.split(','));
    const at = head!.indexOf('LifeAlign minus: Last p');
    expect(Number(second![at])).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(3), 10);
  });
});
