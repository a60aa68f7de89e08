import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoFolder } from '../../src/cli/demo/folder.ts';
import { demoAnswers, demoTables } from '../../src/cli/demo/report.ts';
import { runDemo } from '../../src/cli/demo/run.ts';
import { type DemoSettings, demoMethods, demoSettings } from '../../src/cli/demo/settings.ts';
import { silentProgress } from '../../src/support/progress.ts';
import { openModelEnvironment } from '../../src/train/model-environment.ts';

const root = mkdtempSync(join(tmpdir(), 'lifealign-demo-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('where a demo goes', () => {
  const folder = (name: string) => join(root, name);

  it('is never where something else lies', () => {
    mkdirSync(folder('full'));
    writeFileSync(join(folder('full'), 'summary.json'), '{}');
    expect(() => demoFolder({ outputDir: folder('full'), resume: false })).toThrow(/is not empty/);
    expect(() => demoFolder({ outputDir: join(folder('full'), 'summary.json'), resume: false })).toThrow(
      /expected a folder/,
    );
    mkdirSync(folder('empty'));
    expect(demoFolder({ outputDir: folder('empty'), resume: false })).toBe(folder('empty'));
    expect(demoFolder({ outputDir: folder('new'), resume: false })).toBe(folder('new'));
  });

  it('is where one was begun if it is to be resumed', () => {
    expect(() => demoFolder({ outputDir: folder('nothing'), resume: true })).toThrow(/no demo to resume/);
    mkdirSync(join(folder('begun'), 'lifealign'), { recursive: true });
    writeFileSync(join(folder('begun'), 'lifealign', 'config.yaml'), '');
    expect(demoFolder({ outputDir: folder('begun'), resume: true })).toBe(folder('begun'));
    expect(() => demoFolder({ outputDir: folder('begun'), resume: false })).toThrow(/--resume/);
  });
});

describe('a small demo on the embedded base', () => {
  const settings: DemoSettings = {
    ...demoSettings.tiny,
    trainRows: 8,
    testRows: 3,
    epochs: { sft: 1, preference: 1 },
    maxNewTokens: 24,
  };
  const outputFolder = join(root, 'run');
  let summary: Awaited<ReturnType<typeof runDemo>>;

  beforeAll(async () => {
    const log = () => {};
    const model = await openModelEnvironment('tiny', { log });
    const signal = new AbortController().signal;
    const options = { base: 'tiny', settings, seed: 0, outputFolder, resume: false };
    summary = await runDemo({ ...options, model, signal, progress: silentProgress, log });
    await model.engine.close();
  }, 120_000);

  it('has both scores of every method', () => {
    expect(summary.tasks).toHaveLength(6);
    expect(Object.keys(summary.methods)).toEqual([...demoMethods]);
    for (const method of demoMethods) {
      for (const score of [summary.methods[method].preference_accuracy, summary.methods[method].judge]) {
        expect(score.matrix.at(-1)?.every((cell) => cell !== null && cell >= 0 && cell <= 100)).toBe(true);
        expect([score.last, score.bwt, score.ap].every((number) => typeof number === 'number')).toBe(true);
      }
    }
    expect(summary.before.judge).toHaveLength(6);
  });

  it('asks the base once, and every method starts from the same answers', () => {
    const answers = demoMethods.map((method) =>
      readFileSync(join(outputFolder, method, 'base/answers/1-empathy.json'), 'utf8'),
    );
    expect(new Set(answers).size).toBe(1);
  });

  it('is told as tables and answers', async () => {
    const tables = demoTables(summary);
    const numbers = summary.methods.lifealign.judge;
    expect(tables).toContain('before training');
    expect(tables).toMatch(new RegExp(`LifeAlign, at the end.*${numbers.last!.toFixed(1)}`));
    const answers = await demoAnswers(outputFolder, summary, 2);
    expect(answers).toMatch(/^empathy: /m);
    expect(answers.match(/^ {2}(before|LifeAlign|ER|SeqFT) /gm)).toHaveLength(8);
  });
});
