import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTable } from '../eval/report-files.ts';
import { makeRun } from '../eval/report-run.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { BIN, lifealign } from './command.ts';

const folder = useTemporaryCache();
const run = (name: string, seed = 0) => makeRun(join(folder(), name), { seed });

async function refusal(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await lifealign('report', ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  return stderr;
}

describe('report', () => {
  it('writes a run’s report into its folder, from wherever it is called, and says where', () => {
    // A process of its own: components have to compile without the project's settings at hand.
    run('mine');
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'report', 'mine'], {
      cwd: folder(),
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'mine/report/index.html\n', stderr: '' });
    expect(readFileSync(join(folder(), 'mine/report/index.html'), 'utf8')).toMatch(
      /<h1><bdi>mine<\/bdi><\/h1>/,
    );
    expect(existsSync(join(folder(), 'mine/report/report.md'))).toBe(true);
  });

  it('names runs, takes a folder, a number of answers, and seeds', async () => {
    const output = join(folder(), 'out');
    const args = [`new=${run('a')}`, `old=${run('b')}`, '--output-dir', output, '--answers', '1'];
    expect(await lifealign('report', ...args)).toEqual({
      code: 0,
      stdout: `${join(output, 'index.html')}\n`,
      stderr: '',
    });
    expect(readTable(output, 'runs').map((row) => row['run'])).toEqual(['new', 'old']);
    expect(new Set(readTable(output, 'answers').map((row) => row['test row'])).size).toBe(2);

    const seeds = [`x=${run('x0', 0)}`, `x=${run('x1', 1)}`, '--seeds', '--output-dir', output];
    expect((await lifealign('report', ...seeds)).code).toBe(0);
    expect(readTable(output, 'runs').map((row) => row['run'])).toEqual(['x, seed 0', 'x, seed 1']);
  });

  it('takes a folder with "=" in its name for what it is', async () => {
    const { code } = await lifealign('report', run('lr=1e-4'));
    expect(code).toBe(0);
    expect(existsSync(join(folder(), 'lr=1e-4', 'report', 'index.html'))).toBe(true);
  });

  it('asks where a report on several runs goes, for it belongs to none of them', async () => {
    expect(await refusal(`new=${run('a')}`, `old=${run('b')}`)).toContain('--output-dir');
  });

  it('refuses what is no run, and files that no run writes, by name', async () => {
    expect(await refusal(join(folder(), 'none'))).toContain(join('none', 'config.yaml'));
    expect(await refusal(run('a'), run('b'))).toContain('NAME=RUN');
    expect(await refusal(`x=${run('a')}`, `x=${run('b')}`)).toContain('with --seeds');
    expect(await refusal(run('a'), '--answers', 'all')).toContain('--answers all');
    const broken = run('c');
    writeFileSync(join(broken, 'tasks/1-facts/replay.json'), '{}');
    expect(await refusal(broken)).toMatch(/replay\.json: not what a run writes: own/);
    expect(existsSync(join(broken, 'report'))).toBe(false);
  });
});
