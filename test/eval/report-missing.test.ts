import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeReport } from '../../src/eval/report/index.ts';
import { DataError, UserError } from '../../src/support/errors.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { type MadeRun, makeRun } from './report-run.ts';

const folder = useTemporaryCache();

/** The page's text, of a run from which something was taken. */
async function pageWithout(paths: readonly string[], made: MadeRun = {}): Promise<string> {
  const run = makeRun(join(folder(), 'run'), made);
  for (const path of paths) rmSync(join(run, path), { recursive: true });
  const page = await writeReport([{ name: 'mine', folder: run }], join(run, 'report'), { resamples: 50 });
  return readFileSync(page, 'utf8');
}

describe('what is missing is said', () => {
  it.each([
    ['summary.json', 'not finished \\(no summary.json\\): 3 of 3 tasks are measured'],
    ['steps.jsonl', 'no steps.jsonl, or no step in it'],
    ['tasks/2-voice/general.json', 'no general.json after voice'],
    ['tasks/2-voice/replay.json', 'no replay.json after voice'],
    ['tasks/2-voice/consolidation', 'no record after voice'],
    ['tasks/2-voice/scores', 'no scores of its own test rows after voice'],
  ])('%s', async (path, said) => {
    const page = await pageWithout([path]);
    expect(page).toMatch(new RegExp(`<bdi>mine</bdi>: ${said}\\.`));
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
    expect(await pageWithout([])).not.toMatch(new RegExp(said));
  });

  it('of answers', async () => {
    const of = (task: string) =>
      ['base', 'tasks/2-voice', 'tasks/3-safety'].map((at) => `${at}/samples/${task}.json`);
    expect(await pageWithout(of('2-voice'))).toContain('no answers to the test prompts of voice.');
  });

  it('of a run that has only begun', async () => {
    const page = await pageWithout(['base', 'matrix.json'], { done: 0 });
    expect(page).toContain('0 of 3 tasks are measured');
    expect(page).toContain('no test row has been scored yet');
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('of a run on its way: what the base had of tasks to come is there', async () => {
    const page = await pageWithout([], { done: 1 });
    expect(page).toContain('1 of 3 tasks are measured');
    expect(page.match(/<tr class="apart">.*?<\/tr>/)?.[0].match(/40\.0/g)).toHaveLength(3);
  });

  it('but what the configuration does not want is not missing', async () => {
    const page = await pageWithout([], { consolidates: false });
    expect(page).toContain('<li class="off"><bdi>mine</bdi>: its configuration has no consolidation');
  });
});

describe('a file that no run writes is refused by name', () => {
  it.each([
    ['summary.json', '{"seconds": "long"}', 'seconds'],
    ['matrix.json', '{"preference_accuracy": {"base": ["x"]}}', 'preference_accuracy.base.0'],
    ['tasks/1-facts/consolidation/sft.json', '{"threshold": 0.9}', 'lambda'],
    ['tasks/1-facts/replay.json', '{"own": -1, "replayed": [], "kept": []}', 'own'],
    ['tasks/1-facts/general.json', '{"loss": null}', 'loss'],
    ['tasks/2-voice/samples/2-voice.json', '[{"answer": "a"}]', '0.index'],
    ['base/answers/1-facts.json', '[', 'invalid JSON'],
  ])('%s', async (path, content, problem) => {
    const run = makeRun(join(folder(), 'run'));
    writeFileSync(join(run, path), content);
    const error = await writeReport([{ name: 'mine', folder: run }], join(run, 'report')).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain(join(run, path));
    expect(error.message).toContain(problem);
  });

  it('with the line of a step log; a line half written is none', async () => {
    const run = makeRun(join(folder(), 'run'));
    const log = join(run, 'steps.jsonl');
    const whole = readFileSync(log, 'utf8');
    const write = () => writeReport([{ name: 'mine', folder: run }], join(run, 'report'), { resamples: 50 });
    writeFileSync(log, `${whole}{"task": "saf`);
    await write();
    writeFileSync(log, `${whole}{"task": "safety"}\n`);
    await expect(write()).rejects.toThrow(/steps\.jsonl, line 73: not what a run writes: stage/);
  });

  it('and so are no runs, and runs that do not belong together', async () => {
    await expect(writeReport([], folder())).rejects.toBeInstanceOf(UserError);
    const one = { name: 'a', folder: makeRun(join(folder(), 'one')) };
    const other = { name: 'b', folder: makeRun(join(folder(), 'other'), { tasks: ['facts', 'tone'] }) };
    await expect(writeReport([one, other], folder())).rejects.toThrow(/has facts, tone/);
  });
});
