import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pullModel } from '../../src/model/hub/pull.ts';
import { openModel } from '../../src/model/resolve.ts';
import { listCachedModels } from '../../src/model/weights/model-cache.ts';
import { writeSafetensors } from '../../src/model/weights/safetensors.ts';
import { COMMIT, type HubServer, startHub } from './hub-server.ts';
import { useTemporaryCache } from './temporary-cache.ts';

const TOKEN = 'hf_secret';
const TINY = join(import.meta.dirname, '..', 'parity', 'fixtures', 'models', 'untied-gqa');
const temporary = useTemporaryCache();
let hub: HubServer;

beforeEach(async () => {
  hub = await startHub();
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']) {
    hub.files.set(name, readFileSync(join(TINY, name)));
  }
  hub.files.set('README.md', Buffer.from('not needed'));
  hub.files.set('pytorch_model.bin', Buffer.from('not needed'));
  hub.big.add('model.safetensors');
  vi.stubEnv('HF_TOKEN', TOKEN);
});

afterEach(() => hub.close());

const pull = (name = 'owner/name') => pullModel(name, { hub: hub.url });
const weightRequests = () => hub.requests.filter(({ host }) => host === 'storage');

describe('models pull from a hub', () => {
  it('brings the files a model needs, pinned to a commit, and opens it without network', async () => {
    const model = await pull();
    expect(model.record.source).toEqual({
      kind: 'hub',
      hub: hub.url,
      repository: 'owner/name',
      revision: 'main',
      commit: COMMIT,
    });
    expect(readdirSync(model.path)).toEqual([
      'config.json',
      'model.safetensors',
      'source.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    for (const [name, content] of hub.files) {
      if (existsSync(join(model.path, name))) expect(readFileSync(join(model.path, name))).toEqual(content);
    }
    const asked = hub.requests.length;
    expect((await pull()).path).toBe(model.path);
    const opened = await openModel('owner/name');
    expect(opened.source).toEqual(model.record.source);
    expect(opened.identity).toBe((await openModel(TINY)).identity);
    expect(hub.requests.length).toBe(asked);
  });

  it('is told apart from a folder of the same spelling in the working directory', async () => {
    await pull();
    mkdirSync(join(temporary(), 'owner', 'name'), { recursive: true });
    const before = process.cwd();
    process.chdir(temporary());
    try {
      expect((await openModel('owner/name', { prefer: 'name' })).source.kind).toBe('hub');
      await expect(openModel('owner/name')).rejects.toThrow(/owner\/name\/config.json: cannot read/);
    } finally {
      process.chdir(before);
    }
  });

  it('sends the token to the hub and to no other host', async () => {
    hub.listingGoesOn = true;
    await pull();
    expect(weightRequests()[0]?.path).toBe('/more');
    expect(weightRequests().length).toBeGreaterThan(0);
    for (const { host, token } of hub.requests) {
      expect(token).toBe(host === 'hub' ? `Bearer ${TOKEN}` : undefined);
    }
  });

  it('brings the shards an index names', async () => {
    const weights = { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' };
    for (const [name, file] of Object.entries(weights)) {
      const path = join(temporary(), file);
      await writeSafetensors(path, [{ name, shape: [1], data: Float32Array.of(1) }]);
      hub.files.set(file, readFileSync(path));
      hub.big.add(file);
    }
    hub.files.delete('model.safetensors');
    hub.files.set('consolidated.safetensors', Buffer.from('not needed'));
    hub.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify({ weight_map: weights })));
    const files = readdirSync((await pull()).path);
    expect(files).toEqual(
      expect.arrayContaining([...Object.values(weights), 'model.safetensors.index.json']),
    );
    expect(files).not.toContain('consolidated.safetensors');
  });

  it('goes on where the connection broke', async () => {
    hub.breakAfter.push(1000, 1);
    await pull();
    const size = hub.files.get('model.safetensors')!.length;
    expect(weightRequests().map(({ range }) => range)).toEqual([undefined, 'bytes=1000-', 'bytes=1001-']);
    expect(
      (await listCachedModels())[0]?.record.files.find(({ name }) => name === 'model.safetensors')?.bytes,
    ).toBe(size);
  });

  it('goes on in another run where one gave up', async () => {
    hub.breakAfter.push(1000, 0, 0, 0);
    await expect(pull()).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/byte 1000 of .* again/),
    });
    expect(await listCachedModels()).toEqual([]);
    hub.requests.length = 0;
    await pull();
    expect(weightRequests().map(({ range }) => range)).toEqual(['bytes=1000-']);
  });

  it('starts over where a server ignores ranges', async () => {
    hub.breakAfter.push(1000);
    hub.ignoreRanges = true;
    const model = await pull();
    expect(readFileSync(join(model.path, 'model.safetensors'))).toEqual(hub.files.get('model.safetensors'));
  });

  it('fetches anew when what an earlier run left is not the start of the file', async () => {
    hub.breakAfter.push(1000, 0, 0, 0);
    await expect(pull()).rejects.toThrow();
    const downloads = join(temporary(), 'cache', 'downloads');
    writeFileSync(join(downloads, readdirSync(downloads)[0]!, 'model.safetensors'), 'x'.repeat(1000));
    const model = await pull();
    expect(readFileSync(join(model.path, 'model.safetensors'))).toEqual(hub.files.get('model.safetensors'));
  });

  it.each([
    ['model.safetensors', '1'.repeat(64), /SHA-256 is not 1111/],
    ['tokenizer.json', '1'.repeat(40), /Git hash is not 1111/],
  ])('refuses a %s that is not the announced one', async (file, hash, message) => {
    hub.announced.set(file, hash);
    await expect(pull()).rejects.toMatchObject({ exitCode: 1, message: expect.stringMatching(message) });
    expect(await listCachedModels()).toEqual([]);
    await expect(openModel('owner/name')).rejects.toThrow(/no such folder/);
  });

  it('refuses a file longer than announced without writing it', async () => {
    hub.announcedSizes.set('model.safetensors', 500);
    await expect(pull()).rejects.toThrow(/longer than the 500 bytes announced/);
  });

  it('refuses a hash that is none', async () => {
    hub.announced.set('model.safetensors', '../../x');
    await expect(pull()).rejects.toThrow(/size or hash of "model.safetensors"/);
  });

  it.each<[string, (server: HubServer) => void, number, RegExp]>([
    ['no weights', ({ files }) => files.delete('model.safetensors'), 2, /holds no model.safetensors/],
    ['no config', ({ files }) => files.delete('config.json'), 2, /holds no config.json/],
    ['no such repository', (server) => (server.status = 404), 2, /no such repository.*HTTP 404/],
    ['a gated repository', (server) => (server.status = 401), 1, /HF_TOKEN/],
    ['a broken hub', (server) => (server.status = 503), 1, /HTTP 503/],
  ])('reports %s', async (_, arrange, exitCode, message) => {
    arrange(hub);
    await expect(pull()).rejects.toMatchObject({ exitCode, message: expect.stringMatching(message) });
  });

  it.each(['downloads', 'names', 'models'])(
    'names the cache’s %s where they cannot be written',
    async (part) => {
      const cache = join(temporary(), 'cache');
      mkdirSync(cache);
      writeFileSync(join(cache, part), 'a file in the way');
      await expect(pull()).rejects.toMatchObject({
        name: 'UserError',
        exitCode: 2,
        message: expect.stringContaining(join(cache, part)),
      });
    },
  );

  it('reports a hub that is not there, without the token', async () => {
    await hub.close();
    const error = await pull().catch((problem: Error) => problem);
    expect(error).toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/can't be reached \(ECONNREFUSED\)/),
    });
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain(TOKEN);
  });

  it.each(['../etc', 'owner/..', 'owner/name/more', 'owner/name@', 'a b/c', ''])(
    'refuses the name "%s"',
    async (name) => {
      await expect(pull(name)).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringMatching(/expected owner\/name/),
      });
      expect(hub.requests).toEqual([]);
    },
  );

  it('asks again for a newer commit only when told to', async () => {
    const first = await pull();
    const files = new Map(hub.files);
    const asked = hub.requests.length;
    await pull();
    expect(hub.requests.length).toBe(asked);
    const again = await pullModel('owner/name', { hub: hub.url, refresh: true });
    expect(again.path).toBe(first.path);
    expect(hub.requests.slice(asked).every(({ path }) => path.startsWith('/api/'))).toBe(true);
    expect(hub.files).toEqual(files);
  });
});
