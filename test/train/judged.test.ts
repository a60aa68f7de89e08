import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunEnvironment } from '../../src/train/environment.ts';
import { workspace } from './temporary-folder.ts';
import { runToy, toyConfig } from './toy-stream.ts';

const files = (folder: string) =>
  ['low', 'high'].map((name) => ({
    name,
    train: join(folder, `${name}-train.json`),
    test: join(folder, `${name}-test.json`),
  }));

it('answers to the test prompts are judged, kept and summarised; the base is asked too', async () => {
  const folder = workspace();
  const row = {
    query: 'Write about our oak chair.',
    chosen: 'You can rest on the oak chair. It is plain.',
    rejected: 'Buy the amazing oak chair now!',
  };
  writeFileSync(join(folder, 'low-test.json'), JSON.stringify(new Array(10).fill(row)));
  const asked: { base: boolean; prompts: number; maxNewTokens: number }[] = [];
  // The `voice` judge gives nothing to an answer with an exclamation mark, and something to a calm one.
  const answer: RunEnvironment['answer'] = async (prompts, adapter, { maxNewTokens, onProgress }) => {
    asked.push({ base: adapter === null, prompts: prompts.length, maxNewTokens });
    onProgress?.(prompts.length);
    return prompts.map(() =>
      adapter ? 'You can rest your feet on the oak chair. You will find it plain.' : 'Buy it now!',
    );
  };
  const [low, high] = files(folder);
  const config = toyConfig({
    tasks: [{ ...low, judge: 'voice' }, high],
    generation: { max_new_tokens: 7, samples: 0 },
  });
  const summary = await runToy(config, { folder, environment: { answer } });

  expect(asked).toEqual([
    { base: true, prompts: 10, maxNewTokens: 7 },
    { base: false, prompts: 10, maxNewTokens: 7 },
    { base: false, prompts: 10, maxNewTokens: 7 },
  ]);
  expect(summary.judge?.base).toEqual([0, null]);
  expect(summary.judge?.matrix[1]).toEqual([100, null]);
  const output = join(folder, 'output');
  const answers = (path: string) => JSON.parse(readFileSync(join(output, path), 'utf8'));
  expect(answers('base/answers/1-low.json')[0]).toEqual({ index: 0, answer: 'Buy it now!', score: 0 });
  expect(answers('tasks/2-high/answers/1-low.json')).toHaveLength(10);
  expect(existsSync(join(output, 'tasks/2-high/answers/2-high.json'))).toBe(false);
});

it('a judge that does not exist is refused with those there are', async () => {
  const folder = workspace();
  const [low] = files(folder);
  const config = toyConfig({ tasks: [{ ...low, judge: 'politeness' }] });
  await expect(runToy(config, { folder })).rejects.toThrow(/tasks\.0\.judge.*"empathy"/);
});
