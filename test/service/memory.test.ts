/** A memory served: its versions are models, and what it learns is published while the service runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openBase } from '../../src/cli/base.ts';
import { followMemories, openMemories } from '../../src/cli/serve/memories.ts';
import { baseHashes } from '../../src/memory/store/base-hashes.ts';
import { createMemory } from '../../src/memory/store/create.ts';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import { linearModules } from '../../src/model/linear-modules.ts';
import { initialiseAdapter } from '../../src/model/lora-modules.ts';
import { openModel } from '../../src/model/resolve.ts';
import { createLogger } from '../../src/service/http/log.ts';
import { ModelRegistry } from '../../src/service/models/registry.ts';
import { Random } from '../../src/support/random.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import { lifealign, MODEL } from '../cli/command.ts';
import { spawnService } from '../load/service-process.ts';
import { learnSmall } from '../memory/store/small-memory.ts';

let folder: string;
let memory: string;

beforeAll(async () => {
  vi.stubEnv('DATABASE_URL', '');
  folder = mkdtempSync(join(tmpdir(), 'lifealign-served-'));
  memory = join(folder, 'support');
  const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };
  const model = await openModel('tiny');
  const hashes = baseHashes({ model, text: await loadTextModel(model.path) });
  const adapter = initialiseAdapter(lora, linearModules(model.config), Random.fromSeed(0));
  const config = { base: 'tiny', lora, seed: 0, learn: {} };
  await createMemory(memory, { config, hashes, adapter, precisions: [], note: '' });
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it('has its head as a model, follows it, and keeps the versions before', async () => {
  const service = await spawnService(['--memory', memory, '--store', join(folder, 'a.sqlite')]);
  try {
    const models = async () => {
      const { data } = (await (await fetch(`${service.url}/v1/models`)).json()) as { data: { id: string }[] };
      return data.map(({ id }) => id);
    };
    const ask = async (model: string) => {
      const body = { model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 8, temperature: 0 };
      const headers = { 'content-type': 'application/json' };
      const url = `${service.url}/v1/chat/completions`;
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await response.json()) as { model: string; choices: { message: { content: string } }[] };
    };
    expect(await models()).toEqual(['tiny', 'support', 'support@v0']);
    const before = await ask('support');
    expect(before.model).toBe('support@v0');
    const writer = await lockMemory(memory);
    try {
      await learnSmall(writer, 'empathy');
    } finally {
      writer.release();
    }
    await vi.waitFor(async () => expect((await ask('support')).model).toBe('support@v2'), {
      timeout: 20_000,
    });
    expect((await models()).sort()).toEqual(['support', 'support@v0', 'support@v1', 'support@v2', 'tiny']);
    expect((await ask('support@v0')).choices).toEqual(before.choices);
  } finally {
    expect(await service.stop()).toBe(0);
  }
});

it('is served over a base in another precision with a warning for each version, and does not learn there', async () => {
  const store = await MemoryStore.open(memory);
  const other = join(folder, 'other');
  await createMemory(other, {
    config: await store.config(),
    hashes: (await store.resolve('0')).hashes,
    adapter: await store.adapter(await store.resolve('0')),
    precisions: [],
  });
  const writer = await lockMemory(other);
  await learnSmall(writer, 'empathy', { precision: 'nf4/bfloat16' });
  writer.release();
  const base = await openBase('tiny', { threads: 1 });
  const lines: string[] = [];
  const logger = createLogger('warn', { write: (line: string) => void lines.push(line) });
  const registry = new ModelRegistry();
  const memories = await openMemories([{ name: 'other', folder: other }]);
  const stop = await followMemories(memories, { base, registry, logger, learns: null });
  try {
    for (const version of [0, 1, 2, 2]) await registry.resolve(`other@v${version}`)!.adapter();
    const told = lines.map((line) => JSON.parse(line) as { model: string; msg: string });
    expect(told.map(({ model }) => model)).toEqual(['other@v2', 'other@v1']);
    expect(told[0]!.msg).toMatch(
      /version 2 was trained over a base in nf4\/bfloat16, and it is used over one in float32/,
    );
  } finally {
    await stop();
    await base.engine.close();
  }
  const serve = ['serve', '--port', '0', '--store', join(folder, 'c.sqlite'), '--memory', other];
  expect(await lifealign(...serve, '--learn-from', '200')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /--learner: .*learned over a base in nf4\/bfloat16.*serve learns with .* ort/,
    ),
  });
});

it('is refused for another base, and beside another model of its name', async () => {
  const serve = (...args: string[]) =>
    lifealign('serve', '--port', '0', '--store', join(folder, 'b.sqlite'), ...args);
  expect(await serve('--model', MODEL, '--memory', memory)).toMatchObject({
    ...{ code: 2, stderr: expect.stringContaining('has another hash') },
  });
  expect(await serve('--memory', `tiny=${memory}`)).toMatchObject({
    ...{ code: 2, stderr: expect.stringContaining('two models of the name tiny') },
  });
  expect((await serve('--memory', folder)).code).toBe(2);
});
