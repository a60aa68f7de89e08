/** A task is learned over the base in one precision: recorded, and not mixed with another. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { Interrupted } from '../../src/support/errors.ts';
import { temporaryFolder } from '../train/temporary-folder.ts';
import { ToyEngine } from '../train/toy-engine.ts';
import { createToyMemory, learnToy, toyLearn, writeToyTask } from './toy-memory.ts';

const QUANTIZED = 'nf4/bfloat16';
const rows = { chosen: 'abcde', rejected: 'fghij' };

let folder: string;
const data = (name: string) => writeToyTask(folder, name, rows);
const head = () => readFileSync(join(folder, 'memory', 'head'), 'utf8');

beforeEach(() => {
  folder = temporaryFolder();
});

it('is recorded, and another one is refused before anything is trained', async () => {
  await createToyMemory(folder);
  const first = await learnToy(folder, {
    ...{ task: 'low', data: data('low'), engine: new ToyEngine({ precision: QUANTIZED }) },
  });
  expect(first.version.precisions).toEqual([QUANTIZED]);
  const before = head();
  const engine = new ToyEngine();
  await expect(learnToy(folder, { task: 'more', data: data('more'), engine })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining(
      'its tasks were learned over a base in nf4/bfloat16, and this one is in float32',
    ),
  });
  expect(engine.calls).toEqual([]);
  expect(head()).toBe(before);
  const again = await learnToy(folder, {
    ...{ task: 'more', data: data('more'), engine: new ToyEngine({ precision: QUANTIZED }) },
  });
  expect(again.committed).toBe(true);
});

it('is that of a training which was broken off, too', async () => {
  await createToyMemory(folder);
  const controller = new AbortController();
  let rows = 0;
  const onRow = (kind: string) => (kind === 'gradients' && ++rows > 40 ? controller.abort() : undefined);
  const begun = {
    ...{ task: 'low', data: data('low'), engine: new ToyEngine({ precision: QUANTIZED, onRow }) },
    environment: { signal: controller.signal },
  };
  await expect(learnToy(folder, begun)).rejects.toThrow(Interrupted);
  await expect(learnToy(folder, { task: 'low', data: data('low') })).rejects.toThrow(
    'another training of it was begun: precision was "nf4/bfloat16", is now "float32"; --restart begins anew',
  );
  const anew = await learnToy(folder, { task: 'low', data: data('low'), restart: true });
  expect(anew.version.precisions).toEqual(['float32']);
});

it('may be another than that of the adapter that the memory began with, which is said', async () => {
  await createToyMemory(folder, toyLearn, [QUANTIZED]);
  const lines: string[] = [];
  const outcome = await learnToy(folder, {
    ...{ task: 'low', data: data('low'), environment: { log: (line) => lines.push(line) } },
  });
  expect(outcome.committed).toBe(true);
  expect(lines).toContainEqual(
    expect.stringMatching(/^warning: .*: version 0 was trained over a base in nf4\/bfloat16, and it is used/),
  );
  const store = await MemoryStore.open(join(folder, 'memory'));
  const [root, sft] = await store.versions();
  expect([root!.precisions, sft!.precisions]).toEqual([[QUANTIZED], ['float32']]);
});
