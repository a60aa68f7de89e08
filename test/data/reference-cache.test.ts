import { copyFileSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ReferenceLogProbCache,
  type ReferencePolicyIdentity,
  type RowTokens,
} from '../../src/data/reference-cache.ts';

const base: ReferencePolicyIdentity = { engine: 'e', tokenizer: 't', template: 'c', adapter: null };
let folder: string;
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-cache-'));
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true }));

function open(policy = base): Promise<ReferenceLogProbCache> {
  return ReferenceLogProbCache.open({ policy, folder, warn: (message) => warnings.push(message) });
}

function row(prompt: number[], chosen: number[], rejected: number[]): RowTokens {
  return {
    prompt: Int32Array.from(prompt),
    chosen: Int32Array.from(chosen),
    rejected: Int32Array.from(rejected),
  };
}

async function written(): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.logprobs')).map((name) => join(folder, name));
}

it('keeps float64 exactly, across processes', async () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  const values = fc.sample(fc.tuple(finite, finite), 200);
  const cache = await open();
  for (const [index, [chosen, rejected]] of values.entries())
    cache.put(row([index], [1], [2]), { chosen, rejected });
  await cache.flush();
  const again = await open();
  expect(again.size).toBe(values.length);
  for (const [index, [chosen, rejected]] of values.entries()) {
    expect(again.get(row([index], [1], [2]))).toEqual({ chosen, rejected });
  }
  expect(warnings).toEqual([]);
});

it('tells rows apart by where their segments end', async () => {
  const cache = await open();
  cache.put(row([1, 2], [3], [4]), { chosen: -1, rejected: -2 });
  for (const other of [
    row([1], [2, 3], [4]),
    row([1, 2, 3], [], [4]),
    row([1, 2], [4], [3]),
    row([1, 2], [3], [4, 0]),
  ]) {
    expect(cache.get(other)).toBeUndefined();
  }
  expect(cache.get(row([1, 2], [3], [4]))).toEqual({ chosen: -1, rejected: -2 });
});

it('is another cache for another engine, tokenizer, template or adapter', async () => {
  const cache = await open();
  cache.put(row([1], [2], [3]), { chosen: -1, rejected: -2 });
  await cache.flush();
  const changes = [{ engine: 'x' }, { tokenizer: 'x' }, { template: 'x' }, { adapter: 'x' }, { adapter: '' }];
  for (const change of changes) expect((await open({ ...base, ...change })).size).toBe(0);
  expect((await open({ ...base, engine: 'et', tokenizer: '' })).size).toBe(0);
  expect((await open()).size).toBe(1);
});

it('writes only what is new, and nothing when nothing is', async () => {
  const cache = await open();
  await cache.flush();
  expect(await written()).toHaveLength(0);
  cache.put(row([1], [2], [3]), { chosen: -1, rejected: -2 });
  await cache.flush();
  await cache.flush();
  cache.put(row([2], [2], [3]), { chosen: -3, rejected: -4 });
  await cache.flush();
  const files = await written();
  expect((await Promise.all(files.map((path) => readFile(path)))).map(({ length }) => length)).toEqual([
    48, 48,
  ]);
});

it('takes writers at the same time', async () => {
  await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      const cache = await open();
      for (let index = 0; index < 20; index++) {
        cache.put(row([index], [1], [writer % 4]), { chosen: -index, rejected: -1 });
        if (index % 7 === 0) await cache.flush();
      }
      await cache.flush();
    }),
  );
  expect((await open()).size).toBe(80);
  expect(warnings).toEqual([]);
});

describe('many small files', () => {
  const fill = async (files: number, from = 0) => {
    const cache = await open();
    for (let index = from; index < from + files; index++) {
      cache.put(row([index], [1], [2]), { chosen: -index, rejected: -1 });
      await cache.flush();
    }
  };

  it('become one where they are read, and a few stay as they are', async () => {
    await fill(16);
    expect((await open()).size).toBe(16);
    expect(await written()).toHaveLength(16);
    await fill(4, 16);
    expect((await open()).size).toBe(20);
    expect(await written()).toHaveLength(1);
    const again = await open();
    expect(again.size).toBe(20);
    expect(again.get(row([7], [1], [2]))).toEqual({ chosen: -7, rejected: -1 });
    expect(warnings).toEqual([]);
  });

  it('are merged by several readers at once without a loss', async () => {
    await fill(40);
    const sizes = (await Promise.all(Array.from({ length: 6 }, () => open()))).map(({ size }) => size);
    expect(sizes).toEqual([40, 40, 40, 40, 40, 40]);
    expect((await open()).size).toBe(40);
    expect(warnings).toEqual([]);
  });
});

it('a reader whose listed files were merged meanwhile looks again', async () => {
  const put = async (cache: ReferenceLogProbCache, ids: number[]) => {
    for (const id of ids) cache.put(row([id], [1], [2]), { chosen: -id, rejected: -1 });
    await cache.flush();
  };
  await put(await open(), [1]);
  await put(await open(), [2]);
  const before = await written();
  const elsewhere = join(folder, 'elsewhere');
  await put(await ReferenceLogProbCache.open({ policy: base, folder: elsewhere, warn: () => {} }), [1, 2]);
  const merged = (await written()).filter((path) => path.startsWith(elsewhere));
  // The warning of a damaged file, first in order, comes between listing and reading.
  const own = join(before[0]!, '..');
  await writeFile(join(own, `${'0'.repeat(64)}.logprobs`), 'damaged');
  const cache = await ReferenceLogProbCache.open({
    policy: base,
    folder,
    warn(message) {
      warnings.push(message);
      copyFileSync(merged[0]!, join(own, basename(merged[0]!)));
      for (const path of before) rmSync(path);
    },
  });
  expect(cache.size).toBe(2);
  expect(warnings).toHaveLength(1);
});

describe('damage', () => {
  async function one(): Promise<string> {
    const cache = await open();
    cache.put(row([1], [2], [3]), { chosen: -1.5, rejected: -2.5 });
    await cache.flush();
    return (await written())[0] ?? '';
  }

  it('any changed or missing byte is a miss and a warning; the file is made afresh', async () => {
    for (let position = 0; position <= 48; position += 4) {
      const path = await one();
      const bytes = await readFile(path);
      if (position < 48) bytes[position] = (bytes[position] ?? 0) ^ 1;
      await writeFile(path, position < 48 ? bytes : bytes.subarray(0, 47));
      warnings = [];
      expect((await open()).size).toBe(0);
      expect(warnings).toEqual([expect.stringContaining('damaged')]);
      expect(await written()).toEqual([]);
    }
  });

  it('leftovers of a killed writer are passed over', async () => {
    const path = await one();
    await writeFile(`${path}.tmp-0123456789ab`, 'half');
    expect((await open()).size).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('a folder that cannot be written warns, and the run goes on with what it has', async () => {
    const blocked = join(folder, 'file');
    await writeFile(blocked, '');
    const cache = await ReferenceLogProbCache.open({
      policy: base,
      folder: blocked,
      warn: (message) => warnings.push(message),
    });
    for (const id of [1, 2, 3]) {
      cache.put(row([id], [2], [3]), { chosen: -1, rejected: -2 });
      await cache.flush();
    }
    expect(warnings.filter((line) => line.includes('are not kept for later runs'))).toHaveLength(1);
    expect(cache.get(row([1], [2], [3]))).toEqual({ chosen: -1, rejected: -2 });
  });

  it('a log-prob that is not finite is never kept', async () => {
    const cache = await open();
    for (const chosen of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      expect(() => cache.put(row([1], [2], [3]), { chosen, rejected: -1 })).toThrow(RangeError);
    }
    expect(cache.size).toBe(0);
  });
});
