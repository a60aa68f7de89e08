/** An adapter goes to a running vLLM: the new version answers before the old one is taken away, or nothing changes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { lifealign, MODEL } from '../cli/command.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { type FakeVllm, type FakeVllmOptions, startFakeVllm } from './fake-vllm.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
let server: FakeVllm | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  server = undefined;
});

const push = (adapter: string, output: string, ...more: string[]) =>
  lifealign(
    ...['export', '--model', MODEL, '--adapter', join(MODEL, 'adapters', adapter), '--format', 'peft'],
    ...['--output', at(output), '--push', server!.url, '--push-name', 'ours', ...more],
  );
const start = async (options?: FakeVllmOptions) => {
  server = await startFakeVllm(options);
  return server;
};

it('loads a version, asks it, and only then takes the one before away', async () => {
  const { log, loaded } = await start();
  loaded.add('ours-of-others');
  const first = await push('all', 'one');
  expect(first.code, first.stderr).toBe(0);
  const { model, unloaded } = JSON.parse(first.stdout).pushed;
  expect(model).toMatch(/^ours-[0-9a-f]{12}$/);
  expect(unloaded).toEqual([]);
  const second = JSON.parse((await push('attention', 'two')).stdout).pushed;
  expect(second.model).not.toBe(model);
  expect(second.unloaded).toEqual([model]);
  expect(log).toEqual([
    ...[`load ${model}`, `ask ${model}`],
    ...[`load ${second.model}`, `ask ${second.model}`, `unload ${model}`],
  ]);
  // The same again is there already.
  const again = JSON.parse((await push('attention', 'three')).stdout).pushed;
  expect(again).toEqual({ model: second.model, unloaded: [] });
  expect([...loaded]).toEqual(['ours-of-others', second.model]);
});

it.each<[string, FakeVllmOptions, RegExp]>([
  ['loads nothing while it runs', { updates: false }, /VLLM_ALLOW_RUNTIME_LORA_UPDATING=True/],
  ['has no room for the rank', { maxRank: 1 }, /refuses the adapter: LoRA rank \d+ is greater/],
  ['wants a key', { key: 'secret' }, /does not list its models: Unauthorized/],
])('a server that %s serves what it did before; the adapter is written', async (_, options, message) => {
  const { loaded } = await start(options);
  const { code, stderr } = await push('all', 'out');
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
  expect(stderr).toContain('serves what it did before');
  expect([...loaded]).toEqual([]);
  expect(existsSync(at('out/adapter_model.safetensors'))).toBe(true);
});

it('takes back a version that does not answer', async () => {
  const { log, loaded } = await start({ answers: false });
  loaded.add('ours-0123456789ab');
  const { code, stderr } = await push('all', 'out');
  expect(code).toBe(1);
  expect(stderr).toContain('was loaded, but does not answer: the engine is dead');
  expect([...loaded]).toEqual(['ours-0123456789ab']);
  expect(log.at(-1)).toMatch(/^unload ours-/);
});

it('takes back a version where nothing comes of asking it', async () => {
  const { log, loaded } = await start({ hangsUp: true });
  const { code, stderr } = await push('all', 'out');
  expect(code).toBe(1);
  expect(stderr).toContain('cannot be reached');
  expect([...loaded]).toEqual([]);
  expect(log.at(-1)).toMatch(/^unload ours-/);
});

it('says so where an old version stays', async () => {
  const { loaded } = await start({ keeps: 'ours-0123456789ab' });
  loaded.add('ours-0123456789ab');
  const { code, stdout, stderr } = await push('all', 'out');
  expect(code).toBe(0);
  expect(stderr).toContain('keeps ours-0123456789ab: it is in use');
  expect(JSON.parse(stdout).pushed.unloaded).toEqual([]);
});

it('gives the key from the environment', async () => {
  const { loaded } = await start({ key: 'secret' });
  vi.stubEnv('VLLM_API_KEY', 'secret');
  expect((await push('all', 'out')).code).toBe(0);
  expect(loaded.size).toBe(1);
});

it('needs an address that answers, and flags that fit', async () => {
  const { url } = await start();
  await server!.close();
  const gone = await push('all', 'out');
  expect(gone.code).toBe(1);
  expect(gone.stderr).toContain(`--push: ${url} cannot be reached (ECONNREFUSED)`);
  const usual = ['export', '--model', MODEL, '--adapter', join(MODEL, 'adapters/all'), '--output', at('x')];
  for (const [flags, message] of [
    [['--format', 'merged', '--push', url], '--push: is for --format peft, not merged'],
    [['--format', 'peft', '--push', 'localhost'], '--push localhost: expected the address'],
    [['--format', 'peft', '--push', 'http://me:pass@host'], 'set VLLM_API_KEY'],
    [['--format', 'peft', '--push-name', 'x'], '--push-name: expected beside --push'],
  ] as const) {
    const { code, stderr } = await lifealign(...usual, ...flags);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  }
  expect(existsSync(at('x'))).toBe(false);
});
