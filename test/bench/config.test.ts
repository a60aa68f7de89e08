/** What is wrong with a bench's config: exit code 2, the key named, and nothing begun. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lifealign, MODEL, ROWS } from '../cli/command.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { benchTree, TASKS, tuned, writeBench } from './made.ts';

const folder = useTemporaryCache();

async function refused(tree: Record<string, unknown>, says: RegExp): Promise<void> {
  const output = join(folder(), 'out');
  for (const split of ['test', 'validation']) writeFileSync(join(folder(), `rows-${split}.json`), '[]');
  const { code, stdout, stderr } = await lifealign(
    'bench',
    writeBench(folder(), tree),
    '--output-dir',
    output,
  );
  expect(stderr).toMatch(says);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).not.toMatch(/^\s+at |defect/m);
  expect(existsSync(output)).toBe(false);
}

const base = benchTree()['base_config'] as Record<string, unknown>;
const tasks = (...more: Record<string, unknown>[]) => [
  ...TASKS.map((name) => ({ name, train: ROWS, test: ROWS })),
  ...more,
];
const withBase = (changes: Record<string, unknown>) => benchTree({ base_config: { ...base, ...changes } });

describe('a bench with', () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ['an unknown key', benchTree({ method: [] }), /field "method": unknown key; .*Did you mean "methods"/],
    [
      'an unknown method',
      benchTree({ methods: [{ name: 'lifalign' }] }),
      /field "methods.0.name": unknown method/,
    ],
    [
      'a method twice',
      benchTree({ methods: [{ name: 'er' }, { name: 'er', set: { 'replay.capacity': 4 } }] }),
      /field "methods.1": "er" names an earlier method too/,
    ],
    [
      'a method in the base config',
      withBase({ method: 'er' }),
      /field "base_config.method": decided by methods/,
    ],
    ['no tasks', withBase({ tasks: [] }), /field "base_config.tasks": expected a list/],
    ['a task twice', withBase({ tasks: tasks({ name: 'one' }) }), /field "base_config.tasks.2.name"/],
    [
      'a run key that is unknown',
      withBase({ epochs: 3 }),
      /as lifealign has it, field "epochs": unknown key/,
    ],
    [
      'a key of one method alone that is unknown',
      benchTree({ methods: [{ name: 'lifealign' }, { name: 'ewc', set: { 'method_settings.lamda': 1 } }] }),
      /as ewc has it, field "method_settings.lamda": unknown key/,
    ],
    [
      'a setting that the bench decides',
      benchTree({ methods: [{ name: 'er', set: { seed: 3 } }] }),
      /field "methods.0.set.seed": decided by the bench/,
    ],
    [
      'replay that no method has',
      { ...withBase({ replay: {} }), methods: [{ name: 'seqft' }] },
      /field "base_config.replay"/,
    ],
    [
      'an order that lacks a task',
      benchTree({ orders: { short: ['one'] } }),
      /field "orders.short": "two" is missing/,
    ],
    [
      'an order with a stranger',
      benchTree({ orders: { odd: ['one', 'three'] } }),
      /field "orders.odd": no task is named/,
    ],
    ['a seed twice', benchTree({ seeds: [1, 1] }), /field "seeds.1": stands there twice/],
    [
      'ablations of nothing',
      benchTree({ methods: [{ name: 'er' }], ablations: true }),
      /field "ablations": needs/,
    ],
    [
      'a sweep out of range',
      benchTree({ sweeps: [{ key: 'consolidation.lambda', values: [0.5, 2] }] }),
      /lifealign \(consolidation.lambda=2\) has it, field "consolidation.lambda"/,
    ],
    [
      'rows that are not there',
      withBase({ tasks: tasks({ name: 'x', train: 'no.json', test: ROWS }) }),
      /no\.json: cannot read/,
    ],
    ['a base that is not there', withBase({ base: 'no/model' }), /no\/model: no such folder or file/],
    [
      'tuning on reported seeds',
      tuned({ tuning: { trials: [{}], seeds: [2] } }),
      /field "tuning.seeds.0": 2 is reported too/,
    ],
    [
      'tuning on test rows',
      { ...benchTree(), tuning: { trials: [{}], seeds: [7] } },
      /field "base_config.tasks.0.test": expected \{split\} in it/,
    ],
    [
      'fewer trials for one method',
      tuned({ methods: [{ name: 'lifealign', trials: [{}] }] }),
      /field "methods.0.trials": expected 2 of them, as every method has, found 1/,
    ],
    [
      'a setting that trials override',
      tuned({ methods: [{ name: 'er', set: { 'stages.sft.learning_rate': 1 } }] }),
      /field "methods.0.set.stages.sft.learning_rate": a trial of tuning sets it too/,
    ],
    [
      'a method tuned as nobody',
      tuned({ methods: [{ name: 'er', tuned_as: 'seqft' }] }),
      /field "methods.0.tuned_as": expected the label of another method/,
    ],
    [
      'no tuning to be taken',
      benchTree({ methods: [{ name: 'er', tuned_as: 'er' }] }),
      /field "methods.0.tuned_as": there is/,
    ],
    [
      'two bases of one name',
      { ...withBase({ base: undefined }), bases: [MODEL, `elsewhere/${MODEL.split('/').at(-1)}`] },
      /field "bases.1": its last part names an earlier base too/,
    ],
  ];
  it.each(cases)('%s is refused', (_, tree, says) => refused(tree, says));
});

it('is refused where YAML is broken, with the line', async () => {
  const file = join(folder(), 'bench.yaml');
  writeFileSync(file, 'seeds: [1\nmethods: x: y\n');
  const { code, stderr } = await lifealign('bench', file);
  expect(code).toBe(2);
  expect(stderr).toMatch(/bench\.yaml, line \d: invalid YAML/);
});
