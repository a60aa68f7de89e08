/** Adapters and memories over a base in another precision than they were trained over: recorded, shown, warned of. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import { readPeftAdapter, writePeftAdapter } from '../../src/model/peft.ts';
import { makeFormat1 } from '../memory/store/format-1.ts';
import { clock, learnSmall } from '../memory/store/small-memory.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { lifealign, MODEL, ROWS } from './command.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const memory = () => ['--memory', at('memory')];
const QUANTIZED = 'nf4/bfloat16';
const DOUBT = /^warning: .*was trained over a base in nf4\/bfloat16, and it is used over one in float32: /m;

async function makeMemory(precision: string): Promise<void> {
  expect(await lifealign('memory', 'init', ...memory(), '--base', MODEL)).toMatchObject({ code: 0 });
  const writer = await lockMemory(at('memory'), { now: clock() });
  await learnSmall(writer, 'tone', { stages: ['preference'], precision });
  writer.release();
}

it('a memory shows it, and what asks it over another base in numbers says so', async () => {
  await makeMemory(QUANTIZED);
  const shown = await lifealign('memory', 'show', ...memory());
  expect(shown.stdout).toContain('\n  precision  of the base in training: nf4/bfloat16\n');
  expect(JSON.parse((await lifealign('memory', 'show', '--json', ...memory())).stdout)).toMatchObject({
    precisions: [QUANTIZED],
    trained_over: { precisions: [QUANTIZED], whole: true },
  });
  const root = await lifealign('memory', 'show', '0', ...memory());
  expect(root.stdout).toContain('of the base in training: nothing was trained\n');

  const generate = [...['generate', '--prompt', 'Hi', '--max-new-tokens', '1'], ...memory()];
  const measure = ['memory', 'measure', ...memory()];
  const diff = ['memory', 'diff', '0', '1', '--answers', '0', ...memory()];
  const drop = ['memory', 'drop', 'tone', ...memory()];
  for (const command of [generate, measure, diff, drop]) {
    const ended = await lifealign(...command);
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr, command.join(' ')).toMatch(DOUBT);
  }
  // The task is gone, and what it was trained over with it.
  expect((await lifealign(...generate)).stderr).not.toMatch(DOUBT);
});

it('a memory learned in float32 is used without a word', async () => {
  await makeMemory('float32');
  const ended = await lifealign('generate', '--prompt', 'Hi', '--max-new-tokens', '1', ...memory());
  expect(ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('trained over') });
});

it('learn goes on in the same precision alone', async () => {
  await makeMemory(QUANTIZED);
  const learn = ['learn', ...memory(), '--task', 'more', '--data', ROWS, '--dry-run'];
  expect(await lifealign(...learn)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /its tasks were learned over a base in nf4\/bfloat16, and this one is in float32: .*--engine/,
    ),
  });
});

it('a memory of before it was recorded says so, and is used as ever', async () => {
  await makeMemory(QUANTIZED);
  await makeFormat1(await MemoryStore.open(at('memory')));
  const shown = await lifealign('memory', 'show', ...memory());
  expect(shown.stdout).toContain('of the base in training: not recorded\n');
  const used = await lifealign('generate', '--prompt', 'Hi', '--max-new-tokens', '1', ...memory());
  expect(used).toMatchObject({ code: 0, stderr: expect.not.stringContaining('trained over') });
  const learned = await lifealign('learn', ...memory(), '--task', 'more', '--data', ROWS, '--dry-run');
  expect(learned.stderr).toMatch(/^warning: .*in what precision its base was .* is not recorded/m);
});

it('goes along with the adapter: out of a memory, to whoever uses it, and into another memory', async () => {
  await makeMemory(QUANTIZED);
  await lifealign('memory', 'export', ...memory(), '--output', at('adapter'));
  await lifealign('memory', 'compose', ...memory(), '--tasks', 'tone', '--output', at('composed'));
  for (const name of ['adapter', 'composed']) {
    expect((await readPeftAdapter(at(name))).basePrecisions).toEqual([QUANTIZED]);
  }
  const merge = [
    'consolidate',
    '--before',
    at('adapter'),
    '--after',
    at('composed'),
    '--output',
    at('merged'),
  ];
  expect((await lifealign(...merge)).code).toBe(0);
  for (const name of ['merged', 'merged/refined']) {
    expect((await readPeftAdapter(at(name))).basePrecisions).toEqual([QUANTIZED]);
  }
  const using = ['--model', MODEL, '--adapter', at('adapter')];
  const scored = await lifealign('score', ...using, '--data', ROWS, '--output', at('scores.jsonl'));
  expect(scored).toMatchObject({ code: 0, stderr: expect.stringMatching(DOUBT) });
  const init = ['memory', 'init', '--base', MODEL, '--adapter', at('adapter')];
  expect((await lifealign(...init, '--memory', at('another'))).code).toBe(0);
  const shown = await lifealign('memory', 'show', '--memory', at('another'));
  expect(shown.stdout).toContain('of the base in training: nf4/bfloat16\n');
});

it('consolidate names two that were trained over different bases, in numbers', async () => {
  const adapter = await readPeftAdapter(join(MODEL, 'adapters/all'));
  await writePeftAdapter(at('before'), adapter, { ...adapter, basePrecisions: ['float32'] });
  await writePeftAdapter(at('after'), adapter, { ...adapter, basePrecisions: [QUANTIZED] });
  const ended = await lifealign(
    ...['consolidate', '--before', at('before'), '--after', at('after'), '--output', at('merged')],
  );
  expect(ended.stderr).toMatch(
    /^warning: .*trained over a base in float32 and nf4\/bfloat16: two bases to them$/m,
  );
  expect((await readPeftAdapter(at('merged'))).basePrecisions).toEqual(['float32', QUANTIZED]);
});
