/** The studio's files as the service answers with them. What they do in a browser: test/studio. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { echoBackend, startTestService, type TestService } from './service.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifealign-studio-'));
mkdirSync(join(folder, 'assets'));
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>studio</title>');
writeFileSync(join(folder, 'assets', 'a-1.js'), 'export {};');
afterAll(() => rmSync(folder, { recursive: true }));

let service: TestService;
afterEach(() => service.end());

it('come with a policy that allows nothing but themselves, without a key', async () => {
  service = await startTestService(echoBackend(), { studio: folder });
  await service.key('admin');
  const page = await service.request('/');
  expect(page.url).toBe(`${service.url}/studio/`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  const policy = page.headers.get('content-security-policy') ?? '';
  for (const part of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ]) {
    expect(policy.split('; ')).toContain(part);
  }
  expect(policy).not.toMatch(/unsafe|https?:|\*|data:/);
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  expect(page.headers.get('referrer-policy')).toBe('no-referrer');
  const script = await service.request('/studio/assets/a-1.js');
  expect(script.status).toBe(200);
  expect(script.headers.get('content-type')).toMatch(/^text\/javascript/);
  expect(script.headers.get('cache-control')).toContain('immutable');
  // Data is behind the key all the same.
  expect((await service.request('/v1/memories')).status).toBe(401);
});

it('lead to no other file', async () => {
  service = await startTestService(echoBackend(), { studio: folder });
  for (const name of ['b.js', '..%2findex.html', '..%2f..%2fpackage.json']) {
    expect((await service.request(`/studio/assets/${name}`)).status, name).toBe(404);
  }
  expect((await service.request('/studio/assets/a-1.js%00')).status).toBe(400);
});

it('say how they are built where they are not', async () => {
  service = await startTestService(echoBackend(), { studio: join(folder, 'none') });
  const response = await service.request('/studio/');
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('npm run build:studio');
});

it('are for nobody else: a page of another origin may read neither them nor who is asking', async () => {
  service = await startTestService(echoBackend(), { studio: folder });
  const headers = { origin: 'https://evil.example' };
  for (const path of ['/studio/', '/v1/caller', '/v1/memories']) {
    expect((await service.request(path, { headers })).status, path).toBe(403);
  }
});
