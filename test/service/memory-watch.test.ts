/** A memory's head followed by the registry. */
import { afterEach, expect, it } from 'vitest';
import type { LoraAdapter } from '../../src/model/adapter.ts';
import {
  type MemorySource,
  type MemoryVersion,
  type MemoryWatch,
  watchMemory,
} from '../../src/service/models/memory-watch.ts';
import { ModelRegistry } from '../../src/service/models/registry.ts';
import { UserError } from '../../src/support/errors.ts';

let watch: MemoryWatch | null = null;
afterEach(() => watch?.stop());

const time = '2026-01-02T03:04:05.000Z';
const version = (number: number): MemoryVersion => ({ number, hash: `hash ${number}`, time });
const adapterOf = (number: number): LoraAdapter => ({
  settings: { rank: number + 1, alpha: 1, targets: [] },
  tensors: new Map(),
});

/** A memory whose head is moved by the test. */
function moving() {
  const versions = [version(0)];
  const memory = {
    at: 0,
    reads: [] as number[],
    broken: new Set<number>(),
    head: async () => ({ commit: versions[memory.at]! }),
    versions: async () => [...versions],
    async adapter({ number }: MemoryVersion) {
      memory.reads.push(number);
      if (memory.broken.has(number)) throw new UserError(`version ${number} is damaged`);
      return adapterOf(number);
    },
    learn() {
      memory.at = versions.push(version(versions.length)) - 1;
    },
  };
  return memory satisfies MemorySource<MemoryVersion>;
}

async function start() {
  const memory = moving();
  const registry = new ModelRegistry();
  const [published, errors] = [[] as string[], [] as unknown[]];
  watch = await watchMemory({
    ...{ name: 'support', memory, registry, interval: 2, check: () => {} },
    onPublish: (id) => published.push(id),
    onError: (error) => errors.push(error),
  });
  const until = async (test: () => boolean) => {
    for (let tries = 0; tries < 500 && !test(); tries++)
      await new Promise((resolve) => setTimeout(resolve, 2));
    expect(test()).toBe(true);
  };
  return { memory, registry, published, errors, until };
}

it('is published at the start, after every move, and back again', async () => {
  const { memory, registry, published, until } = await start();
  expect(registry.resolve('support')).toMatchObject({ id: 'support@v0', created: Date.parse(time) / 1000 });
  memory.learn();
  await until(() => published.length === 2);
  const head = registry.resolve('support')!;
  expect(head.id).toBe('support@v1');
  // It has been read before anyone asked for it.
  expect(memory.reads).toEqual([0, 1]);
  expect(await head.adapter()).toMatchObject({ settings: { rank: 2 } });
  memory.learn();
  memory.learn();
  await until(() => published.at(-1) === 'support@v3');
  memory.at = 1;
  await until(() => published.at(-1) === 'support@v1');
  expect(
    registry
      .list()
      .map(({ id }) => id)
      .sort(),
  ).toEqual(['support', ...[0, 1, 2, 3].map((number) => `support@v${number}`)]);
});

it('that cannot be served leaves the one before, is told once, and the next one follows', async () => {
  const { memory, registry, published, errors, until } = await start();
  memory.broken.add(1);
  memory.learn();
  await until(() => errors.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(errors).toHaveLength(1);
  expect(registry.resolve('support')!.id).toBe('support@v0');
  memory.learn();
  await until(() => published.at(-1) === 'support@v2');
  expect(errors).toHaveLength(1);
});

it('that cannot be served at the start is refused', async () => {
  const memory = moving();
  const check = () => {
    throw new UserError('it does not fit');
  };
  const options = {
    name: 'support',
    memory,
    registry: new ModelRegistry(),
    onPublish: () => {},
    onError: () => {},
  };
  await expect(watchMemory({ ...options, check })).rejects.toThrow('it does not fit');
});
