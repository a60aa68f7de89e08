import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { writeReport } from '../../src/eval/report/index.ts';
import { HEAT_STEPS } from '../../src/eval/report/page/colours.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { readFolder, readTable } from './report-files.ts';
import { type MadeRun, makeRun } from './report-run.ts';

const folder = useTemporaryCache();
const options = { resamples: 200 };

async function reportOf(made: MadeRun = {}): Promise<string> {
  const run = makeRun(join(folder(), 'run'), made);
  await writeReport([{ name: 'mine', folder: run }], join(run, 'report'), options);
  return join(run, 'report');
}

describe('the tables of a report', () => {
  it('have the matrix, with the base, drift and loss', async () => {
    const report = await reportOf();
    const rows = readTable(report, 'matrix-preference_accuracy');
    const cells = rows.map(({ after, facts, voice, safety }) => [after, facts, voice, safety]);
    expect(cells).toEqual([
      ['base', '40', '40', '40'],
      ['facts', '90', '', ''],
      ['voice', '80', '80', ''],
      ['safety', '70', '70', '70'],
    ]);
    expect(rows.map((row) => row['KL to base'])).toEqual(['0', '-0.001', '0.019', '0.039']);
    expect(rows.map((row) => row['neutral loss'])).toEqual(['2', '2.1', '2.11', '2.12']);
    // The judge has one task only.
    expect(readTable(report, 'matrix-judge').map(({ facts, voice }) => [facts, voice])).toEqual([
      ['40', ''],
      ['90', ''],
      ['80', ''],
      ['70', ''],
    ]);
  });

  it('have general ability with intervals over its conversations', async () => {
    const [, voice = {}] = readTable(await reportOf(), 'general');
    expect([voice['after'], voice['KL to base'], voice['neutral loss']]).toEqual(['voice', '0.019', '2.11']);
    // Rows of the drift differ by 0.02, those of the loss by 0.2 a token; over the base's, none does.
    const width = (title: string) => Number(voice[`${title} high`]) - Number(voice[`${title} low`]);
    expect(width('KL to base')).toBeGreaterThan(0.01);
    expect(width('KL to base')).toBeLessThan(0.06);
    expect(width('neutral loss')).toBeGreaterThan(0.1);
    expect(Number(voice['change of loss'])).toBeCloseTo(0.11, 9);
    expect(width('change of loss')).toBeCloseTo(0, 9);
  });

  it('have general ability without intervals where a run did not record its rows', async () => {
    const run = makeRun(join(folder(), 'old'));
    writeFileSync(join(run, 'tasks/2-voice/general.json'), '{"loss": 2.5, "base_loss": 2, "kl": 0.1}');
    await writeReport([{ name: 'mine', folder: run }], join(run, 'report'), options);
    const [, voice = {}] = readTable(join(run, 'report'), 'general');
    expect([voice['KL to base'], voice['KL to base low'], voice['change of loss']]).toEqual([
      '0.1',
      '',
      '0.5',
    ]);
    expect(readFileSync(join(run, 'report/report.md'), 'utf8')).toContain(
      '| mine | voice | 0.1000 | 2.5000 | 0.5000 |',
    );
  });

  it('have Last, BWT, AP and forgetting, worked by hand, with intervals', async () => {
    // Last 70; BWT ((70 − 90) + (70 − 80)) / 2; AP (90 + 80 + 70) / 3
    const [row = {}] = readTable(await reportOf(), 'statistics-preference_accuracy');
    expect([row['Last'], row['BWT'], row['AP'], row['FWT'], row['Forgetting']]).toEqual([
      '70',
      '-15',
      '80',
      '',
      '15',
    ]);
    expect(Number(row['Last low'])).toBeLessThan(70);
    expect(Number(row['Last high'])).toBeGreaterThan(70);
  });

  it('have each task when learned, at its best, at the end', async () => {
    const [facts = {}] = readTable(await reportOf(), 'tasks-preference_accuracy');
    const { base, 'when learned': learned, 'best since': best, 'at the end': end } = facts;
    expect([base, learned, best, end, facts['change since learned']]).toEqual([
      '40',
      '90',
      '90',
      '70',
      '-20',
    ]);
  });

  it('have the share of an update in old directions, over all matrices and by layer', async () => {
    const report = await reportOf();
    const stages = readTable(report, 'consolidation');
    const shares = stages.map((row) => Number(row['of it in old directions, %']));
    // 3 % a stage before it in layer 0 and 3.3 % in layer 1, of equal energy: 3.15 %
    for (const [at, share] of shares.entries()) expect(share).toBeCloseTo(3.15 * at, 9);
    const [first = {}] = stages;
    expect([first['kept rank, mean'], first['least'], first['most'], first['rank']]).toEqual([
      '3.5',
      '3',
      '4',
      '8',
    ]);
    const byLayer = readTable(report, 'old-directions-by-layer').at(-1) ?? {};
    expect(Number(byLayer['0'])).toBeCloseTo(15, 9);
    expect(Number(byLayer['1'])).toBeCloseTo(16.5, 9);
  });

  it('have the first and last tenth of a stage’s steps', async () => {
    const [sft = {}, preference = {}] = readTable(await reportOf({ steps: 20 }), 'training');
    // Two of twenty steps: 3 − 1.5/20 and 3 − 19.5/20; focal 0.25 less a tenth of that
    expect([sft['stage'], sft['focal factor, first']]).toEqual(['sft', '']);
    expect(Number(sft['loss, first'])).toBeCloseTo(2.925, 9);
    expect(Number(sft['loss, last'])).toBeCloseTo(2.025, 9);
    expect(Number(preference['focal factor, first'])).toBeCloseTo(0.2425, 9);
    expect(Number(preference['focal factor, last'])).toBeCloseTo(0.1525, 9);
  });

  it('have where rows came from, and what is needed to run it again', async () => {
    const report = await reportOf();
    const [, , last = {}] = readTable(report, 'replay-trained');
    expect([last['of facts'], last['of voice'], last['of safety']]).toEqual(['8', '8', '40']);
    expect(readTable(report, 'replay-kept')[0]).toMatchObject({ 'of facts': '8', 'of voice': '0' });
    const provenance = readTable(report, 'provenance');
    expect(provenance).toContainEqual({ run: 'mine', of: 'node', value: '20.20.2' });
    expect(provenance).toContainEqual({ run: 'mine', of: 'tokenizer', value: 'k' });
    expect(provenance.filter(({ of }) => of === 'facts test rows')[0]?.['value']).toMatch(/^[0-9a-f]{64}$/);
    const page = readFileSync(join(report, 'index.html'), 'utf8');
    expect(page).toContain('method: lifealign');
    expect(page).toContain('lifealign train config.yaml');
  });

  it('are all in Markdown too', async () => {
    const report = await reportOf();
    const markdown = readFileSync(join(report, 'report.md'), 'utf8');
    expect(markdown).toContain('| mine | safety | 70.0 | 70.0 | 70.0 | 0.0390 | 2.1200 |');
    const tables = [...readFolder(join(report, 'tables')).keys()];
    expect(markdown.match(/^## /gm)).toHaveLength(tables.length);
  });

  it('compare runs, and take several of a name for seeds', async () => {
    const made = (name: string, made: MadeRun) => ({
      name: name[0]!,
      folder: makeRun(join(folder(), name), made),
    });
    const right = (trained: number, tested: number) => (trained < tested ? 4 : 9);
    const output = join(folder(), 'report');
    const rows = { prompt: (task: string, row: number) => `${task} ${row}` };
    await writeReport([made('a', rows), made('b', { ...rows, right, method: 'er' })], output, options);
    const [difference = {}] = readTable(output, 'differences-preference_accuracy');
    expect([difference['run'], difference['Last']]).toEqual(['b', '-20']);
    expect(Number(difference['Last p'])).toBeLessThan(0.05);
    expect(readTable(output, 'matrix-preference_accuracy').map(({ run }) => run)).toEqual([
      ...['a', 'a', 'a', 'a'],
      ...['b', 'b', 'b', 'b'],
    ]);

    const seeds = [made('a1', { seed: 1, right }), made('a0', { seed: 0 })];
    await writeReport(seeds, output, options);
    expect(readTable(output, 'runs').map(({ run }) => run)).toEqual(['a, seed 0', 'a, seed 1']);
    expect(readTable(output, 'statistics-preference_accuracy')[0]?.['Last']).toBe('80');
  });
});

describe('a report', () => {
  it('has the same bytes when it is made again, and leaves nothing beside them', async () => {
    const report = await reportOf();
    const before = readFolder(report);
    await writeReport([{ name: 'mine', folder: join(report, '..') }], report, options);
    expect(readFolder(report)).toEqual(before);
    expect(
      [...before.keys()].filter((path) => !/^(index\.html|report\.md|tables\/[\w-]+\.csv)$/.test(path)),
    ).toEqual([]);
  });

  it('holds a page of three runs of fifty tasks within 4 MB, its tables with every number', async () => {
    const tasks = Array.from({ length: 50 }, (_, at) => `task-${at + 1}`);
    const answer = () => 'A long answer. '.repeat(300);
    const made = { tasks, judged: tasks, answer, layers: 30 };
    const runs = ['a', 'b', 'c'].map((name) => ({ name, folder: makeRun(join(folder(), name), made) }));
    const report = join(folder(), 'report');
    const page = readFileSync(await writeReport(runs, report, { resamples: 20 }), 'utf8');
    expect(page.length).toBeLessThan(4e6);
    expect(readTable(report, 'matrix-preference_accuracy')).toHaveLength(3 * 51);
    expect(readTable(report, 'consolidation')).toHaveLength(3 * 100);
    expect(Object.keys(readTable(report, 'replay-kept')[0] ?? {})).toHaveLength(2 + 50);
    // Bars of one colour are one mark, with a bar for every part: 50 · 51 / 2 of a run's buffer.
    const kept = page.slice(page.indexOf('aria-labelledby="replay-kept-1'));
    const bars = kept.slice(0, kept.indexOf('</svg>')).match(/ d="(M[^"]*z)"/g) ?? [];
    expect(bars.join('').match(/M/g)).toHaveLength((50 * 51) / 2);
    expect(bars.length).toBeLessThanOrEqual(HEAT_STEPS);
    const [spectrum = ''] = /aria-labelledby="spectrum-3-200-.*?<\/svg>/s.exec(page) ?? [];
    const [, axes] = /<use href="#([^"]+)"/.exec(spectrum) ?? [];
    expect(page).toContain(`<g id="${axes}">`);
    expect(spectrum).toContain('kept 4 of 8');
  });

  it('has no value, rather than a wrong one, where a stream has one task', async () => {
    const report = await reportOf({ tasks: ['only'] });
    const [row = {}] = readTable(report, 'statistics-preference_accuracy');
    expect([row['Last'], row['BWT']]).toEqual(['90', '']);
    expect(readFileSync(join(report, 'index.html'), 'utf8')).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('says where general ability does not compare', async () => {
    const note = 'do not compare';
    const pageOf = async (name: string, limit: number) => {
      const second = makeRun(join(folder(), name));
      const file = join(second, 'config.yaml');
      writeFileSync(file, stringify({ ...parse(readFileSync(file, 'utf8')), general: { limit } }));
      const first = makeRun(join(folder(), 'first'));
      const own = join(first, 'config.yaml');
      writeFileSync(own, stringify({ ...parse(readFileSync(own, 'utf8')), general: { limit: 32 } }));
      const runs = [
        { name: 'one', folder: first },
        { name: 'other', folder: second },
      ];
      return readFileSync(await writeReport(runs, join(folder(), 'both'), options), 'utf8');
    };
    expect(await pageOf('alike', 32)).not.toContain(note);
    expect(await pageOf('unlike', 8)).toContain(note);
  });

  it('leaves no table of an earlier report behind', async () => {
    const report = await reportOf();
    expect(existsSync(join(report, 'tables', 'answers.csv'))).toBe(true);
    await writeReport([{ name: 'mine', folder: join(folder(), 'run') }], report, { ...options, answers: 0 });
    expect(existsSync(join(report, 'tables', 'answers.csv'))).toBe(false);
    expect(existsSync(join(report, 'tables', 'runs.csv'))).toBe(true);
  });

  it('keeps a text from being a formula in a spreadsheet', async () => {
    const report = await reportOf({ answer: () => '=SUM(A1)' });
    expect(readTable(report, 'answers').some(({ text }) => text === "'=SUM(A1)")).toBe(true);
  });

  it('gives a run one style in all its charts, a single-task run beside it or not', async () => {
    const runs = ['stl', 'mine'].map((name) => ({ name, folder: makeRun(join(folder(), name)) }));
    const report = join(folder(), 'both');
    const page = readFileSync(await writeReport(runs, report, options), 'utf8');
    const summary = page.slice(page.indexOf('id="summary"'), page.indexOf('id="matrix"'));
    expect(summary).toMatch(/class="[^"]*\bs1\b/);
    expect(summary).not.toMatch(/class="[^"]*\bs0\b/);
  });

  it('shows texts in Markdown as they are', async () => {
    const answer = () => '<img src=x> ![a](http://b.example/c.png) | *d*\n# e';
    const report = await reportOf({ answer });
    const markdown = readFileSync(join(report, 'report.md'), 'utf8');
    expect(markdown).toContain('&lt;img src=x> !\\[a\\](http&#58;//b.example/c.png) \\| \\*d\\*<br>\\# e');
    expect(readTable(report, 'answers').some(({ text }) => text === answer())).toBe(true);
  });
});

describe('answers side by side', () => {
  it('are those whose score changed first, as many as wanted', async () => {
    const run = makeRun(join(folder(), 'run'));
    // The base has rows 1 to 4 of facts right, the end 1 to 7: rows 5 to 9 changed on the way.
    await writeReport([{ name: 'mine', folder: run }], join(run, 'report'), { ...options, answers: 3 });
    const rows = readTable(join(run, 'report'), 'answers').filter(({ task }) => task === 'facts');
    expect([...new Set(rows.map((row) => row['test row']))]).toEqual(['5', '6', '7']);
    expect(rows.slice(0, 5).map(({ of, when, score, text }) => [of, when, score, text])).toEqual([
      ['prompt', '', '', 'What about row 5 of facts?'],
      ['reference', '', '', 'The reference of row 5 of facts.'],
      ['mine', 'base', '0', 'base: an answer to row 5 of facts'],
      ['mine', 'learned', '100', 'learned: an answer to row 5 of facts'],
      ['mine', 'end', '100', 'end: an answer to row 5 of facts'],
    ]);
  });

  it('go without prompts where the test rows are gone or others, and say so', async () => {
    const run = makeRun(join(folder(), 'run'));
    writeFileSync(join(run, 'data/facts-test.json'), '[{"query": "q", "chosen": "c", "rejected": "r"}]');
    writeFileSync(join(run, 'data/voice-test.json'), '');
    await writeReport([{ name: 'mine', folder: run }], join(run, 'report'), options);
    const page = readFileSync(join(run, 'report/index.html'), 'utf8');
    expect(page).toMatch(/facts-test\.json is not what it was when the run began/);
    expect(page).toMatch(/voice-test\.json can no longer be read/);
    const asked = readTable(join(run, 'report'), 'answers').filter(({ of }) => of === 'prompt');
    expect([...new Set(asked.map(({ task }) => task))]).toEqual(['safety']);
  });
});

describe('private tasks', () => {
  const made: MadeRun = {
    judged: ['facts', 'voice'],
    prompt: (task, row) => `asked of ${task} ${row}`,
    reference: (task, row) => `wanted of ${task} ${row}`,
    answer: (when, task, row) => `said of ${task} ${row} ${when}`,
  };

  it('have scores and no text, in no file of a report', async () => {
    const report = await reportOf({ ...made, private: ['facts', 'safety'] });
    const texts = [...readFolder(report).values()].join();
    expect(texts).toMatch(/said of voice \d base/);
    expect(texts).not.toMatch(/(said|asked|wanted) of (facts|safety)/);
    expect(texts).toContain('private: its scores are shown');
    expect(readTable(report, 'matrix-judge').map(({ facts }) => facts)).toEqual(['40', '90', '80', '70']);
  });

  it('have none even where their files hold some, or another run does', async () => {
    const open = makeRun(join(folder(), 'open'), made);
    const closed = makeRun(join(folder(), 'closed'), { ...made, private: ['facts'] });
    for (const moment of ['base', 'tasks/1-facts']) {
      const leak = join(moment, 'answers/1-facts.json');
      writeFileSync(join(closed, leak), readFileSync(join(open, leak)));
    }
    const output = join(folder(), 'report');
    for (const named of [
      [{ name: 'closed', folder: closed }],
      [
        { name: 'open', folder: open },
        { name: 'closed', folder: closed },
      ],
    ]) {
      await writeReport(named, output, options);
      const texts = [...readFolder(output).values()].join();
      expect(texts).not.toMatch(/(said|asked|wanted) of facts/);
      expect(texts).toMatch(/said of voice/);
    }
  });
});
