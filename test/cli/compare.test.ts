import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { lifealign } from './command.ts';

const folder = useTemporaryCache();

interface MadeRun {
  /** `right[i][j]`: how many of task j's ten rows are preferred as they should be after task i. */
  readonly right?: readonly (readonly number[])[];
  readonly seed?: number;
  readonly hash?: string;
  readonly indices?: readonly number[];
  readonly judge?: number;
  readonly tasks?: readonly [string, string];
  readonly finished?: boolean;
  /** Drift after the last task, in nats per token, of conversations alike in all else. */
  readonly kl?: number;
  readonly neutral?: string;
}

const TEN = Array.from({ length: 10 }, (_, index) => index);

/** A run as `train` leaves it; the base prefers the first four rows of every task as it should. */
function run(name: string, made: MadeRun = {}): string {
  const { right = [[6], [5, 9]], seed = 0, hash = 'h', indices = TEN, tasks = ['tone', 'policy'] } = made;
  const write = (path: string, content: unknown) => {
    const file = join(folder(), name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  };
  const hashes = {
    general: made.neutral ?? 'n',
    tasks: tasks.map((task) => ({ train: 't', test: `${hash} ${task}` })),
  };
  write(
    'config.yaml',
    stringify({ tasks: tasks.map((task) => ({ name: task })), seed, provenance: { hashes } }),
  );
  if (made.finished ?? true) write('summary.json', { seconds: 90 });
  const { kl } = made;
  if (kl !== undefined) {
    const rows = [1, 2, 3].map((index) => ({ index, tokens: 10, base_logp: -20 * index }));
    write(`tasks/2-${tasks[1]}/general.json`, {
      loss: 3 + kl,
      base_loss: 4,
      kl,
      loss_rows: rows.map((row) => ({ ...row, logp: row.base_logp + 10 * (1 - kl) })),
      kl_rows: rows.map((row) => ({ ...row, logp: row.base_logp + 5 * kl * row.index })),
    });
  }
  right.forEach((row, i) => {
    row.forEach((count, j) => {
      const of = `tasks/${i + 1}-${tasks[i]}`;
      const rows = indices.map((index, at) => ({
        index,
        chosen_logp: -10,
        rejected_logp: at < count ? -20 : -5,
        base_chosen_logp: -10,
        base_rejected_logp: at < 4 ? -20 : -5,
        chosen_tokens: 5,
        rejected_tokens: 5,
      }));
      write(`${of}/scores/${j + 1}-${tasks[j]}.json`, rows);
      const answers = indices.map((index) => ({ index, answer: 'yes', score: made.judge }));
      if (made.judge !== undefined) write(`${of}/answers/${j + 1}-${tasks[j]}.json`, answers);
    });
  });
  return join(folder(), name);
}

async function compare(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await lifealign('compare', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function refusal(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await lifealign('compare', ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  return stderr;
}

describe('compare', () => {
  it('shows the hand-worked numbers of two runs and their difference', async () => {
    // Last (50 + 90)/2 = 70, BWT 50 − 60 = −10, AP (60 + 70)/2 = 65, forgetting 10; the base has 40 on policy.
    const csv = await compare(
      `a=${run('a')}`,
      `b=${run('b', {
        right: [
          [6, 5],
          [6, 9],
        ],
      })}`,
      '--format',
      'csv',
    );
    const lines = csv
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const number = (
      run: string,
      minus: string,
      task: string,
      statistic: string,
      score = 'preference_accuracy',
    ) => lines.find((line) => line.slice(0, 5).join() === [score, run, minus, task, statistic].join())?.[5];
    expect(lines[0]).toEqual(['score', 'run', 'minus', 'task', 'statistic', 'estimate', 'low', 'high', 'p']);
    expect(number('a', '', 'tone', '')).toBe('50');
    expect(number('a', '', '', 'last')).toBe('70');
    expect(number('a', '', '', 'bwt')).toBe('-10');
    expect(number('a', '', '', 'ap')).toBe('65');
    expect(number('a', '', '', 'forgetting')).toBe('10');
    expect(number('a', '', '', 'fwt')).toBe('');
    expect(number('b', '', '', 'fwt')).toBe('10');
    expect(number('a', 'b', '', 'last')).toBe('-5');
    // The base's rewards are none, its margins 0: rejected falls by 15 nats on one row of ten.
    expect(number('b', '', '', 'fwt', 'reward_accuracy')).toBe('');
    expect(Number(number('b', '', '', 'fwt', 'margin'))).toBeCloseTo(1.5, 9);
    expect(lines.some(([score]) => score === 'judge')).toBe(false);
    const full = lines.slice(1).filter((line) => line[5] !== '');
    for (const [, , minus, , , estimate, low, high, p] of full) {
      expect(Number(low)).toBeLessThanOrEqual(Number(estimate));
      expect(Number(high)).toBeGreaterThanOrEqual(Number(estimate));
      expect(p === '').toBe(minus === '');
    }
  });

  it('has drift and loss on neutral conversations after the last task, and their differences', async () => {
    const [one, other] = [run('a', { kl: 0.2 }), run('b', { kl: 0.1 })];
    const text = await compare(`a=${one}`, `b=${other}`);
    const [, general = ''] = text.split('General ability after the last task, nats per token\n\n');
    const [head, , a, b] = general.split('\n');
    expect(head).toBe('|  | KL to base | neutral loss | change of loss |');
    // Rows of 0.5, 1 and 1.5 times the drift; a loss of 1 nat less but for the drift, on every row.
    expect(a).toMatch(
      /^\| a \| 0\.2000 \[0\.1\d+, 0\.[23]\d+\] \| 3\.2000 \[.*\] \| -0\.8000 \[-0\.8000, -0\.8000\] \|$/,
    );
    expect(b).toMatch(/^\| b \| 0\.1000 \[0\.0\d+, 0\.1\d+\]/);
    expect(text).toMatch(
      /nats per token: a minus\n\n.*\n.*\n\| b \| 0\.1000 \[.*\], p = 0\.\d+ \| 0\.1000 \[0\.1000, 0\.1000\], p/,
    );
    const csv = await compare(`a=${one}`, `b=${other}`, '--format', 'csv');
    expect(csv).toMatch(/^general,a,,,kl,0\.2,0\.1/m);
    expect(csv).toMatch(/^general,a,b,,lossChange,0\.(1|09999)/m);
    const seeds = await compare('--seeds', `a=${one}`, `a=${run('c', { kl: 0.4, seed: 1 })}`);
    expect(seeds).toMatch(/\| a \| 0\.3000 \[-0\.9706, 1\.5706\] \|/);
  });

  it('takes no difference of general ability on other conversations, and says why', async () => {
    const text = await compare(`a=${run('a', { kl: 0.2 })}`, `b=${run('b', { kl: 0.1, neutral: 'others' })}`);
    expect(text).toContain('| b | 0.1000 [');
    expect(text).not.toContain('nats per token: a minus');
    expect(text).toContain('it does not compare');
    expect(await compare(`a=${run('c')}`)).not.toContain('General ability');
  });

  it('has the gains of a run named stl in a table of their own', async () => {
    const text = await compare(`stl=${run('s', { right: [[6], [6, 9]] })}`, `a=${run('a', { judge: 80 })}`);
    expect(text).toMatch(/\| policy \| 10 \| 40\.0 \| 90\.0 \| 50\.0 \[/);
    expect(text).toMatch(/\| a \| 50\.0 \| 90\.0 \| 70\.0 \[/);
    expect(text).toMatch(/\| a \| 80\.0 \| 80\.0 \| 80\.0 \[80\.0, 80\.0\]/);
    expect(text).not.toMatch(/minus \|/);
    expect(text).toMatch(/stl 1\.5 min, a 1\.5 min/);
  });

  it('takes several runs of a name for seeds', async () => {
    const seeds = (name: string, rights: readonly number[]) =>
      rights.map((right, seed) => {
        const made = { right: [[8], [right, right]], seed, hash: `of ${seed}` };
        return `${name}=${run(`${name}${seed}`, made)}`;
      });
    const args = [
      ...seeds('a', [6, 7, 8]),
      ...seeds('b', [5, 6, 6]).reverse(),
      '--seeds',
      '--format',
      'json',
    ];
    const { over, scores } = JSON.parse(await compare(...args));
    expect(over).toBe('seeds');
    // Means 70 and 56.7; differences 10, 10, 20: mean 13.3, error 3.333, t(2) = 4.303
    const { last } = scores[0].runs[0].statistics;
    expect(last.estimate).toBeCloseTo(70, 9);
    expect(last.high).toBeCloseTo(70 + (4.3027 * 10) / Math.sqrt(3), 2);
    const difference = scores[0].differences[0].statistics.last;
    expect(difference.estimate).toBeCloseTo(40 / 3, 9);
    expect(difference.low).toBeCloseTo(40 / 3 - 4.3027 * (10 / 3), 2);
  });

  it('writes LaTeX, to a file, with names escaped', async () => {
    const output = join(folder(), 'table.tex');
    expect(await compare(`my_run & co=${run('a')}`, '--format', 'latex', '--output', output)).toBe('');
    const text = readFileSync(output, 'utf8');
    expect(text).toContain('my\\_run \\& co & 50.0 & 90.0 & 70.0 [');
    expect(text).toContain('Preference accuracy, \\%');
  });

  it('says that a run is not finished, and shows what it has', async () => {
    const path = run('a', { right: [[6]], finished: false });
    const { code, stdout, stderr } = await lifealign('compare', `a=${path}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `warning: ${path}: the run is not finished\n` });
    expect(stdout).toContain('| a | - | - | - | - | - | - | - |');
  });
});

describe('compare refuses', () => {
  it('runs with other test rows or tasks', async () => {
    const a = `a=${run('a')}`;
    expect(await refusal(a, `b=${run('b', { hash: 'other' })}`)).toContain('another test file of task tone');
    const fewer = run('c', { indices: TEN.map((index) => index + 1) });
    expect(await refusal(a, `c=${fewer}`)).toContain('other rows of the same test file of task tone');
    expect(await refusal(a, `d=${run('d', { tasks: ['tone', 'facts'] })}`)).toContain('has tone, facts');
  });

  it('seeds that do not pair', async () => {
    const one = (name: string, seed: number) => `${name[0]}=${run(name, { seed })}`;
    const a = [one('a0', 0), one('a1', 1)];
    expect(await refusal(...a)).toContain('with --seeds');
    expect(await refusal(...a, one('b0', 0), '--seeds')).toContain('at least two runs');
    expect(await refusal(...a, one('b0', 0), one('b2', 2), '--seeds')).toContain('b with 0, 2');
    expect(await refusal(one('a0', 0), one('a1', 0), '--seeds')).toContain('the same seed, 0');
  });

  it('what is not a run, naming the file', async () => {
    expect(await refusal('a')).toContain('NAME=RUN');
    expect(await refusal(`a=${run('a')}`, '--format', 'html')).toContain('markdown, csv, json, latex');
    expect(await refusal(`a=${join(folder(), 'none')}`)).toContain(join('none', 'config.yaml'));
    const path = run('broken');
    writeFileSync(join(path, 'tasks/1-tone/scores/1-tone.json'), '[{"index": 0, "chosen_logp": null}]');
    expect(await refusal(`a=${path}`)).toContain(join('scores', '1-tone.json'));
    writeFileSync(join(path, 'config.yaml'), 'tasks: [');
    expect(await refusal(`a=${path}`)).toContain('not YAML');
  });
});
