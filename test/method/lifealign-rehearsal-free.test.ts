/** LifeAlign without stored rows: no row of a finished task comes up again, and what is drawn holds the policy back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leastAlike } from '../../src/train/anchors.ts';
import { ToyEngine, toyText } from '../train/toy-engine.ts';
import { toyConfig } from '../train/toy-stream.ts';
import { gradientCalls, runMethod, taskAdapter } from './runs.ts';

const METHOD = 'lifealign-rehearsal-free';
const settings = { rows: 6, batch_size: 3, max_new_tokens: 6 };
const run = (changes: object = {}, rest: object = {}) =>
  runMethod(METHOD, { method_settings: { ...settings, ...changes }, ...rest });
const isAnchor = (call: ReturnType<typeof gradientCalls>[number]) =>
  call.request!.objective.name === 'anchor';
/** Two stages of two epochs over 18 rows by 4. */
const STEPS = 20;

function promptsOf(folder: string, name: string): Set<string> {
  const rows: { query: string; chosen: string; rejected: string }[] = JSON.parse(
    readFileSync(join(folder, `${name}.json`), 'utf8'),
  );
  const read = rows.map(({ query, chosen, rejected }, index) => ({
    index,
    prompt: [{ role: 'user', content: query }],
    chosen,
    rejected,
  }));
  const { encoded } = toyText.encodeRows(read, { file: name, maxLength: 2048, invalidRows: 'error' });
  return new Set(encoded.map(({ prompt, chosen }) => `${prompt}|${chosen}`));
}

describe('a task after the first', () => {
  it('trains on its own rows and on anchors, and on no row of the task before', async () => {
    const { engine, folder } = await run();
    const earlier = promptsOf(folder, 'low-train');
    const calls = gradientCalls(engine);
    const [first, second] = [calls.slice(0, STEPS), calls.slice(STEPS)];
    expect(first.some(isAnchor)).toBe(false);
    // With each step of SFT.
    expect(second.filter(isAnchor)).toHaveLength(STEPS / 2);
    expect(second.slice(STEPS).some(isAnchor)).toBe(false);
    expect(second).toHaveLength(1.5 * STEPS);
    const rows = second.flatMap((call) => call.rows);
    expect(rows.some(({ prompt, chosen }) => earlier.has(`${prompt}|${chosen}`))).toBe(false);
  });

  it('has anchors of the base’s prompts and its own answers, a few of them in each step', async () => {
    const { engine } = await run();
    const anchors = gradientCalls(engine).filter(isAnchor);
    const { before, after } = toyText.userTurn();
    const seen = new Set<string>();
    for (const { rows } of anchors) {
      expect(rows).toHaveLength(3);
      expect(new Set(rows).size).toBe(3);
      for (const { prompt, chosen, rejected } of rows) {
        seen.add(`${prompt}|${chosen}|${rejected}`);
        expect([...prompt.slice(0, before.length)]).toEqual([...before]);
        expect([...prompt.slice(-after.length)]).toEqual([...after]);
        expect(prompt.length).toBeGreaterThan(before.length + after.length);
        expect(Math.max(chosen.length, rejected.length)).toBeLessThanOrEqual(6);
      }
    }
    expect(seen.size).toBe(6);
  });

  it('begins without a penalty, which then grows with the drift; what they are held to is the task’s start', async () => {
    const { engine, steps } = await run();
    const [first, next] = steps.slice(STEPS);
    expect(first!['penalty']).toBe(0);
    expect(next!['penalty']).toBeGreaterThan(0);
    expect(steps.slice(0, STEPS).every((step) => !('penalty' in step))).toBe(true);
    const { request, rows } = gradientCalls(engine).filter(isAnchor).at(-1)!;
    const start = gradientCalls(engine)[STEPS]!.adapter;
    const { chosen, rejected } = await new ToyEngine().score(rows, start);
    expect(request!.constants['task_start_chosen']).toEqual(chosen);
    expect(request!.constants['task_start_rejected']).toEqual(rejected);
  });

  it('ends nearer to where it began than without anchors, the more the weight', async () => {
    const stages = {
      sft: { epochs: 2, batch_size: 4, warmup_ratio: 0, learning_rate: 0.02 },
      preference: { epochs: 0 },
    };
    const movedBy = async (weight: number) => {
      const { engine, output } = await run({ weight }, { stages });
      const anchors = gradientCalls(engine).filter(isAnchor);
      const rows = [...new Set(anchors.flatMap((call) => call.rows))];
      const [start, end] = [anchors[0]!.adapter, await taskAdapter(output, '2-high')];
      const [then, now] = [await engine.score(rows, start), await engine.score(rows, end)];
      return now.chosen.reduce((sum, logp, at) => sum + (logp - then.chosen[at]!) ** 2, 0) / rows.length;
    };
    const [free, held, tight] = [await movedBy(0), await movedBy(1), await movedBy(10)];
    expect(held).toBeLessThan(0.9 * free);
    expect(tight).toBeLessThan(0.9 * held);
  });
});

it('is held in the preference stage where SFT is left out', async () => {
  const stages = { sft: { epochs: 0 }, preference: { epochs: 1, batch_size: 4, learning_rate: 0.02 } };
  const { engine, steps } = await run({}, { stages });
  expect(gradientCalls(engine).filter(isAnchor)).toHaveLength(5);
  expect(steps.map((step) => [step['stage'], 'penalty' in step])).toEqual([
    ...Array.from({ length: 5 }, () => ['preference', false]),
    ...Array.from({ length: 5 }, () => ['preference', true]),
  ]);
});

describe('refuses', () => {
  it('replay, which would store rows', async () => {
    await expect(run({}, { replay: {} })).rejects.toThrow(/field "replay": the method .* has no replay/);
  });

  it('settings that leave no room for prompts and answers, before anything is written', async () => {
    await expect(run({}, { max_length: 14 })).rejects.toThrow(
      /max_new_tokens 6: a drawn prompt and its answer may have 15 tokens, and 14 are the most/,
    );
  });
});

it('takes the prompts that are least like the task’s own', () => {
  const prompts = [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [1, 2, 3, 9],
    [2, 3],
  ].map((tokens) => Int32Array.from(tokens));
  // Of their trigrams the task has both, none, one of two; the last has none at all.
  const task = [Int32Array.of(0, 1, 2, 3, 4)];
  expect(leastAlike(prompts, task, 3).map((prompt) => [...prompt])).toEqual([
    [5, 6, 7, 8],
    [2, 3],
    [1, 2, 3, 9],
  ]);
});

it('begins in the first task where the run continues an adapter', async () => {
  const { output } = await run();
  const { engine } = await run(
    {},
    {
      ...toyConfig(),
      adapter: join(output, 'tasks/2-high/adapter'),
      method: METHOD,
      method_settings: settings,
    },
  );
  expect(isAnchor(gradientCalls(engine)[1]!)).toBe(true);
});
