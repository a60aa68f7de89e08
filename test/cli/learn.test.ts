/** `learn`, and what is made of what was learned, as their users meet them: on a small model, with the real engine. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { adapterHash } from '../../src/model/adapter.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { Random } from '../../src/support/random.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { contents, type Ended, lifealign, MODEL } from './command.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const WORDS = 'the sea is blue and a fox runs over every hill to greet one old friend'.split(' ');

const stage = { epochs: 2, batch_size: 8, warmup_ratio: 0, learning_rate: 0.01 };
const config = {
  base: MODEL,
  lora: { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'down_proj'] },
  learn: {
    stages: { sft: stage, preference: stage },
    general: { limit: 4, max_new_tokens: 3 },
    max_length: 512,
    split: { gate: 16, report: 12 },
    // A model of random weights likes its few words best whatever is learned; rewards tell more.
    gate: { score: 'reward_accuracy', max_drift: null, resamples: 500 },
    search: null,
  },
};

/** Rows that prefer few words, or many. */
function writeRows(name: string, prefers: 'short' | 'long'): string {
  const random = Random.fromSeed(5).fork(name);
  const text = (words: number) =>
    Array.from({ length: words }, () => WORDS[random.integer(WORDS.length)]).join(' ');
  const rows = Array.from({ length: 48 }, (_, row) => {
    const [few, many] = [text(1 + random.integer(2)), text(5 + random.integer(4))];
    const [chosen, rejected] = prefers === 'short' ? [few, many] : [many, few];
    return { query: `${text(2 + random.integer(4))} ${row}`, chosen, rejected };
  });
  writeFileSync(at(`${name}.json`), JSON.stringify(rows));
  return at(`${name}.json`);
}

async function makeMemory(): Promise<void> {
  writeFileSync(at('memory.yaml'), stringify(config));
  const made = await lifealign('memory', 'init', '--memory', at('memory'), '--config', at('memory.yaml'));
  expect(made).toMatchObject({ code: 0, stderr: '' });
}

const learn = (task: string, data: string, ...more: string[]): Promise<Ended> =>
  lifealign('learn', '--memory', at('memory'), '--task', task, '--data', data, ...more);

it('learn commits what passes, refuses with 3 and a table what does not, and 2 what it cannot use', async () => {
  await makeMemory();
  const short = writeRows('short', 'short');
  const before = contents(at('memory'));
  const planned = await learn('short', short, '--dry-run');
  expect(planned).toMatchObject({ code: 0 });
  expect(planned.stdout).toMatch(
    /task short, onto version 0: 20 rows to train on, 16 for the gate, 12 to report on/,
  );
  expect(contents(at('memory'))).toEqual(before);

  const first = await learn('short', short);
  expect(first).toMatchObject({ code: 0 });
  expect(first.stdout).toMatch(/gain of short .* at least 0 +kept/);
  expect(first.stdout).toMatch(/committed as version 2\n$/);

  const refused = await learn('long', writeRows('long', 'long'), '--json');
  expect(refused.code).toBe(3);
  const result = JSON.parse(refused.stdout);
  expect(result).toMatchObject({ task: 'long', committed: false, version: 4, gate: { passed: false } });
  expect(result.gate.limits[0]).toMatchObject({ kind: 'budget', task: 'short', broken: true });
  expect(refused.stderr).toMatch(
    /lifealign: task long is refused: it breaks a limit; kept aside as version 4\n$/,
  );
  const table = await learn('long', at('long.json'));
  expect(table.code).toBe(3);
  expect(table.stdout).toMatch(/loss of short .* at most 5 +BROKEN/);
  expect(table.stdout).toMatch(/REFUSED: the memory is as it was.*kept aside as version 4/);

  // Taken all the same, and gone again.
  expect((await lifealign('memory', 'revert', '4', '--memory', at('memory'))).code).toBe(0);
  expect((await lifealign('memory', 'revert', '2', '--memory', at('memory'))).code).toBe(0);
  const verified = await lifealign('memory', 'verify', '--memory', at('memory'));
  expect(verified.code).toBe(0);

  const head = async () => (await (await MemoryStore.open(at('memory'))).head()).commit.number;
  for (const [args, message] of [
    [['short', short], /--task short: the memory has learned a task "short" already; .*--task short-2/],
    [['bad/name', short], /--task bad\/name/],
    [['none', at('none.json')], /none\.json/],
    [['few', short, '--set', 'split.least=17'], /48 rows leave 16 for gate; at least 17/],
    [['typo', short, '--set', 'gate.bugdet=1'], /gate\.bugdet/],
    [['other', short, '--engine', 'onnx'], /--engine/],
  ] as const) {
    const [task, data, ...more] = args;
    const ended = await learn(task, data, ...more);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(message);
    expect(await head()).toBe(2);
  }
});

it('compose, overlap, measure and generate make use of the tasks one by one', async () => {
  await makeMemory();
  await learn('one', writeRows('one', 'short'));
  await learn('two', writeRows('two', 'short'), '--set', 'gate.min_gain=null', '--set', 'gate.budget=100');
  const memory = ['--memory', at('memory')];

  const all = await lifealign('memory', 'compose', ...memory, '--tasks', 'two,one', '--output', at('all'));
  expect(all).toMatchObject({ code: 0 });
  const store = await MemoryStore.open(at('memory'));
  const whole = adapterHash(await store.adapter((await store.head()).commit));
  expect(adapterHash(await readPeftAdapter(at('all')))).toBe(whole);
  const half = [
    'memory',
    'compose',
    ...memory,
    '--tasks',
    'one,two',
    '--weights',
    '1,0.5',
    '--output',
    at('half'),
  ];
  expect((await lifealign(...half)).stdout).toContain('one + 0.5 two');
  for (const [args, message] of [
    [['--tasks', 'one,three'], /no task "three"/],
    [['--tasks', 'one,two', '--weights', '1'], /1 weights for 2 tasks/],
    [['--tasks', 'one', '--weights', 'x'], /expected numbers/],
  ] as const) {
    const ended = await lifealign('memory', 'compose', ...memory, ...args, '--output', at('no'));
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(message);
    expect(existsSync(at('no'))).toBe(false);
  }

  const overlap = await lifealign('memory', 'overlap', ...memory, '--task', 'two');
  expect(overlap.stdout).toMatch(/two +one +together\nin all +\d+\.\d +\d+\.\d\nlayer 0/);

  const measured = await lifealign(
    'memory',
    'measure',
    ...memory,
    '--tasks',
    'one',
    '--retrieve',
    '1,2',
    '--json',
  );
  expect(measured.code).toBe(0);
  const { policies, tasks } = JSON.parse(measured.stdout);
  expect(policies).toEqual(['whole memory', 'one', '1 retrieved', '2 retrieved']);
  for (const { policies: own } of tasks) {
    // Of two tasks both are retrieved: the whole memory, row by row.
    expect(own[3]).toMatchObject({ difference: { estimate: 0 }, own_task: 100 });
    expect(own[3].difference.low).toBeCloseTo(-own[3].difference.high, 8);
    expect(own[3].margin).toBeCloseTo(own[0].margin, 6);
  }

  writeFileSync(at('prompts.json'), readFileSync(at('one.json'), 'utf8'));
  const answers = async (name: string, ...flags: string[]) => {
    const output = at(`${name}.jsonl`);
    const args = ['--data', at('prompts.json'), '--output', output, '--max-new-tokens', '4'];
    expect((await lifealign('generate', ...flags, ...args)).code).toBe(0);
    return readFileSync(output, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  const ofHead = await answers('head', ...memory);
  expect(ofHead).toHaveLength(48);
  expect(await answers('adapter', '--model', MODEL, '--adapter', at('all'))).toEqual(ofHead);
  const both = await answers('both', ...memory, '--retrieve', '2');
  expect(both.map(({ tasks: _, ...answer }) => answer)).toEqual(ofHead);
  expect(both[0].tasks).toEqual(['one', 'two']);
  const retrieved = await answers('retrieved', ...memory, '--retrieve', '1');
  expect(new Set(retrieved.map((answer) => answer.tasks.join()))).toEqual(new Set(['one', 'two']));
  for (const [flags, message] of [
    [[], /--model: missing/],
    [['--model', MODEL, '--retrieve', '1'], /--retrieve: expected beside --memory/],
    [['--model', MODEL, ...memory], /leave out --model/],
    [[...memory, '--retrieve', '0'], /whole number from 1/],
  ] as const) {
    const ended = await lifealign('generate', ...flags, '--prompt', 'hi');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(message);
  }
});
