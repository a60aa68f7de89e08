import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { registerModels } from '../../src/cli/commands/models.ts';
import { runProgram } from '../../src/cli/run.ts';
import { rememberName } from '../../src/model/names.ts';
import { openModel } from '../../src/model/resolve.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';

const TINY_GGUF = join(import.meta.dirname, '..', 'model', 'fixtures', 'tiny-llama.gguf');
useTemporaryCache();
afterEach(() => vi.restoreAllMocks());

async function run(...args: string[]) {
  const output = { code: 0, stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      output[stream] += String(text);
      return true;
    });
  }
  output.code = await runProgram(new Command('lifealign'), [registerModels], ['models', ...args]);
  return output;
}

describe('lifealign models', () => {
  it('lists nothing where nothing is', async () => {
    expect(await run('list')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^no models in /) });
    expect(await run('list', '--json')).toMatchObject({ code: 0, stdout: '[]\n' });
  });

  it('lists names, sizes and sources, for people and for programs', async () => {
    const { path } = await openModel(TINY_GGUF);
    await rememberName('my-model', path);
    expect(await run('list', '--verify')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^my-model {2}0 MB, verified\n {2}from tiny-llama\.gguf\n/),
    });
    expect(JSON.parse((await run('list', '--json')).stdout)).toEqual([
      {
        names: ['my-model'],
        bytes: expect.any(Number),
        source: expect.objectContaining({ kind: 'gguf', file: 'tiny-llama.gguf' }),
        path,
      },
    ]);
  });

  it('finds a changed byte with --verify and leaves with 1', async () => {
    const { path } = await openModel(TINY_GGUF);
    appendFileSync(join(path, 'tokenizer.json'), ' ');
    const { code, stdout, stderr } = await run('list', '--verify');
    expect(code).toBe(1);
    expect(stdout).toMatch(/DAMAGED/);
    expect(stderr).toMatch(/tokenizer\.json: has \d+ bytes where \d+ were written/);
  });

  it('prints the folder of a model that is there already, without network', async () => {
    const { path } = await openModel(TINY_GGUF);
    await rememberName('owner/name', path);
    expect(await run('pull', 'owner/name', '--hub', 'http://127.0.0.1:9')).toEqual({
      code: 0,
      stdout: `${path}\n`,
      stderr: '',
    });
  });

  it('refuses a name that is none, and reports a hub that is not there', async () => {
    expect(await run('pull', 'nonsense')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/owner\/name/),
    });
    expect(await run('pull', 'owner/name', '--hub', 'http://127.0.0.1:9')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/can't be reached/),
    });
    expect(await run('pull', 'owner/name', '--hub', 'nowhere')).toMatchObject({ code: 2 });
  });
});
