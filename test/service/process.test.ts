/** `lifealign serve` and `keys`, from flags to the end. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { secretOf } from '../../src/cli/secret.ts';
import { openStore } from '../../src/service/store/open.ts';
import { lifealign, MODEL } from '../cli/command.ts';
import { spawnService } from '../load/service-process.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-serve-'));
  vi.stubEnv('DATABASE_URL', '');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});
const at = (name: string) => join(folder, name);

describe('serve', () => {
  it('answers under the names of base and adapters, and ends in order', async () => {
    const adapter = join(MODEL, 'adapters/all');
    const args = [
      '--model',
      MODEL,
      '--adapter',
      `support=${adapter}`,
      '--adapter',
      adapter,
      '--store',
      at('a.sqlite'),
    ];
    const service = await spawnService(args);
    const models = (await (await fetch(`${service.url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toEqual(['untied-gqa', 'support', 'all']);
    const answer = async (model: string) => {
      const body = JSON.stringify({
        model,
        messages: [{ role: 'user', content: 'Hi' }],
        max_tokens: 8,
        temperature: 0,
      });
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${service.url}/v1/chat/completions`, { method: 'POST', body, headers });
      return ((await response.json()) as { choices: { message: { content: string } }[] }).choices[0]!.message
        .content;
    };
    expect(await answer('support')).toBe(await answer('all'));
    expect(await answer('support')).not.toBe(await answer('untied-gqa'));
    expect(await service.stop()).toBe(0);
    // What others on the machine must not read.
    expect(statSync(at('a.sqlite')).mode & 0o077).toBe(0);
  });

  it.each([
    [[], /--model: missing/],
    [['--model', 'tiny', '--upstream', 'http://127.0.0.1:1'], /--model: another server answers/],
    [['--upstream', 'http://127.0.0.1:1', '--max-tokens', '5'], /--max-tokens: another server answers/],
    [['--upstream', 'file:///etc/passwd'], /--upstream: expected a base URL/],
    [['--upstream', 'http://user:hidden@127.0.0.1/v1'], /--upstream: a user name or password/],
    [['--upstream', 'http://127.0.0.1:9', '--host', '0.0.0.0'], /without keys only this machine/],
    [['--upstream', 'http://127.0.0.1:9', '--port', '70000'], /--port 70000: expected/],
    [['--upstream', 'http://127.0.0.1:9', '--allowed-origin', 'example.com'], /--allowed-origin/],
    [['--upstream', 'http://127.0.0.1:9', '--log-level', 'loud'], /--log-level loud: expected/],
    [
      ['--upstream', 'http://127.0.0.1:9', '--redact', 'nowhere.mjs'],
      /--redact nowhere\.mjs: cannot be loaded/,
    ],
    [
      ['--model', MODEL, '--adapter', `a=${join(MODEL, 'adapters/all')}`, '--adapter', `a=${MODEL}`],
      /two models|no adapter|adapter_config/,
    ],
    [['--model', MODEL, '--adapter', `a/b=${join(MODEL, 'adapters/all')}`], /cannot be a model's name/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await lifealign(
      'serve',
      '--port',
      '0',
      '--store',
      at('refused.sqlite'),
      ...args,
    );
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/hidden|defect/);
    expect(code).toBe(2);
  });
});

describe('secrets', () => {
  it('come from the environment, or from the file that it names', async () => {
    const file = at('secret');
    writeFileSync(file, ' postgres://u:hidden@127.0.0.1:1/x \n');
    expect(await secretOf('A', { A: ' x ' })).toBe('x');
    expect(await secretOf('A', { A_FILE: file })).toBe('postgres://u:hidden@127.0.0.1:1/x');
    expect(await secretOf('A', { A: '' })).toBeUndefined();
    await expect(secretOf('A', { A: 'x', A_FILE: file })).rejects.toThrow('A and A_FILE are both set');
    await expect(secretOf('A', { A_FILE: at('none') })).rejects.toThrow(/A_FILE .*none: cannot read/);
    vi.stubEnv('DATABASE_URL_FILE', file);
    const { code, stderr } = await lifealign('keys', 'list');
    vi.stubEnv('DATABASE_URL_FILE', '');
    expect(code).toBe(2);
    expect(stderr).toMatch(/PostgreSQL at 127\.0\.0\.1:1\/x: the database cannot be used/);
    expect(stderr).not.toContain('hidden');
  });
});

describe('keys', () => {
  it('are made, listed without their secrets, and revoked', async () => {
    const store = ['--store', at('keys.sqlite')];
    const made = await lifealign('keys', 'add', '--name', 'app', '--roles', 'chat,feedback', ...store);
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(/^la-[0-9a-f]{12}-[\w-]{43}\n$/);
    const id = made.stdout.split('-')[1]!;
    const listed = await lifealign('keys', 'list', ...store);
    expect(listed.stdout).toMatch(new RegExp(`^${id}\\tapp\\tchat,feedback\\tmade [\\d-]+\\tvalid\\n$`));
    expect((await lifealign('keys', 'revoke', id, ...store)).code).toBe(0);
    expect((await lifealign('keys', 'list', ...store)).stdout).toMatch(/revoked/);
    const wrong = await lifealign('keys', 'revoke', `${id.slice(1)}x`, ...store);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining(`Did you mean "${id}"?`) });
    expect((await lifealign('keys', 'add', '--roles', 'king', ...store)).stderr).toMatch(/"king" is no role/);
    const opened = await openStore({ kind: 'sqlite', file: at('keys.sqlite') });
    const actions = await opened.db.selectFrom('audit').select('action').orderBy('id').execute();
    await opened.close();
    expect(actions.map(({ action }) => action)).toEqual(['key.add', 'key.revoke']);
  });
});
