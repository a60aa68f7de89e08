/**
 * The end of a session in a browser: a key that is revoked while the studio is open, whatever the next request is, and an
 * answer under way when its reader leaves. The service and its refusals are real.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChatBackend } from '../../src/service/chat/backend.ts';
import { eventStream } from '../../src/service/chat/event-stream.ts';
import { KeyStore } from '../../src/service/keys/key-store.ts';
import { ROLES } from '../../src/service/keys/roles.ts';
import { findChromium, openChromium } from '../eval/chromium.ts';
import { type SmallServed, serveSmall } from '../service/served-memory.ts';
import { echoBackend, startTestService, type TestService } from '../service/service.ts';
import { goTo, openStudio } from './browser.ts';

const executable = findChromium();
/** Of the feedback, the memory's task and the conversation: what only a session shows. */
const SECRET = 'what only a session shows';
const TASK = 'tone';

/** Begins to answer, and goes on until somebody wants no more. */
function patientBackend(): { readonly backend: ChatBackend; readonly signals: AbortSignal[] } {
  const signals: AbortSignal[] = [];
  const backend: ChatBackend = {
    ...echoBackend(),
    async chat(_, { signal, leave }) {
      signals.push(signal);
      const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      const write = async ({ push }: { push(data: object): void }) => {
        push({ id: 'answer', model: 'echo', choices: [{ delta: { content: `once upon ${SECRET}` } }] });
        await over;
      };
      const body = eventStream(write, { onCancel: leave, describe: () => ({}) });
      const headers = { 'content-type': 'text/event-stream' };
      return { response: new Response(body, { headers }), done: over };
    },
  };
  return { backend, signals };
}

describe.skipIf(executable === undefined)('a session', () => {
  let browser: Browser;
  let small: SmallServed;
  let service: TestService;
  let keys: KeyStore;
  let signals: AbortSignal[];
  let page: Page;
  /** Of the page's requests, those with a key. */
  let withKey: string[];

  beforeAll(async () => {
    browser = await openChromium(executable!);
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    small = await serveSmall(TASK);
    const patient = patientBackend();
    ({ signals } = patient);
    service = await startTestService(patient.backend, { memories: [small.served] });
    keys = await KeyStore.open(service.store);
    await service.request('/v1/feedback', { body: { prompt: SECRET, chosen: 'a', rejected: 'b' } });
    await signIn(await service.key(...ROLES), await openPage());
  });
  afterEach(async () => {
    await page.context().close();
    await service.end();
    small.end();
  });

  async function openPage(): Promise<Page> {
    // Until there is a key the page opens without one.
    await service.key('chat');
    ({ page } = await openStudio(browser, service.url));
    withKey = [];
    page.on('request', (request) => {
      if (request.headers()['authorization'] !== undefined) withKey.push(request.url());
    });
    return page;
  }

  async function signIn(key: string, into = page): Promise<void> {
    await into.getByLabel('API key').fill(key);
    await into.getByLabel('API key').press('Enter');
    await into.getByRole('button', { name: 'Leave' }).waitFor();
  }

  async function revokeAll(): Promise<void> {
    for (const { id } of await keys.list()) await keys.revoke(id);
  }

  /** The way in, and nothing else. */
  async function expectSignedOut(): Promise<void> {
    await page.getByLabel('API key').waitFor({ timeout: 15_000 });
    expect(await page.getByRole('navigation').getByRole('link').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Leave' }).count()).toBe(0);
    expect(await page.locator('dialog').count()).toBe(0);
    expect(await page.locator('#main > *').count()).toBe(1);
    const shown = await page.locator('body').textContent();
    for (const text of [SECRET, TASK, 'support']) expect(shown).not.toContain(text);
    expect(await page.title()).toBe('Enter · LifeAlign studio');
    expect(await page.evaluate(() => Object.values(sessionStorage))).toEqual([]);
    // Keys of the page that was there do nothing, and nothing is asked for any more.
    withKey.length = 0;
    await page.locator('h1').press('a');
    await page.waitForTimeout(2500);
    expect(withKey).toEqual([]);
  }

  it.each([
    [
      'what a page looks at again by itself',
      async () => {
        await page.getByRole('link', { name: 'support', exact: true }).waitFor();
        return async () => {};
      },
    ],
    [
      'what another page begins with',
      async () => {
        await page.getByRole('link', { name: 'support', exact: true }).waitFor();
        // By its address: the page may look again by itself first, and take the link away.
        return () =>
          page.evaluate(() => {
            location.hash = '#/memory/support';
          });
      },
    ],
    [
      'a decision by keyboard',
      async () => {
        await goTo(page, 'review', 'Review');
        await page.getByRole('article').getByText(SECRET).waitFor();
        return () => page.keyboard.press('a');
      },
    ],
    [
      'what a dialog asks for',
      async () => {
        await goTo(page, 'memory/support/versions/1', 'support, version 1');
        await page.getByRole('button', { name: /Make it the head/ }).click();
        await page.getByRole('dialog').getByText('tasks gone').waitFor();
        return () => page.getByRole('button', { name: 'Revert to version 1' }).click();
      },
    ],
    [
      'an upload',
      async () => {
        await goTo(page, 'data', 'Data');
        const buffer = Buffer.from(JSON.stringify({ query: SECRET, chosen: 'a', rejected: 'b' }));
        const file = { name: `${SECRET}.jsonl`, mimeType: 'application/json', buffer };
        return () => page.getByLabel(/Preference rows/).setInputFiles(file);
      },
    ],
    [
      'a message',
      async () => {
        await goTo(page, 'playground', 'Playground');
        await page.getByLabel('Message').fill(SECRET);
        await page.keyboard.press('Enter');
        await page.getByText(`once upon ${SECRET}`).waitFor();
        await page.getByRole('button', { name: 'Stop' }).click();
        await page.getByText('stopped').waitFor();
        await page.getByRole('textbox', { name: 'Message' }).fill('and then?');
        return () => page.keyboard.press('Enter');
      },
    ],
  ] as const)(
    'ends with its key, found out by %s',
    async (_, prepare) => {
      const ask = await prepare();
      await revokeAll();
      await ask();
      await expectSignedOut();
      // Another key begins another one, with what that may do.
      await signIn(await service.key('chat'));
      expect(await page.getByRole('navigation').getByRole('link').allTextContents()).toEqual(['Playground']);
    },
    60_000,
  );

  it('is not ended by a late answer to what was asked in the one before', async () => {
    await goTo(page, 'review', 'Review');
    await page.getByRole('article').getByText(SECRET).waitFor();
    let answer = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/accept', async (route) => {
      await held;
      await route.continue();
    });
    await page.keyboard.press('a');
    await page.getByRole('button', { name: 'Leave' }).click();
    await revokeAll();
    await signIn(await service.key(...ROLES));
    const late = page.waitForResponse('**/accept');
    answer();
    expect((await late).status()).toBe(401);
    await page.waitForTimeout(500);
    expect(await page.getByLabel('API key').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Leave' }).count()).toBe(1);
  }, 60_000);

  it.each([
    ['another page', () => goTo(page, 'data', 'Data')],
    ['the way out', () => page.getByRole('button', { name: 'Leave' }).click()],
    ['nowhere: the tab is closed', () => page.close()],
  ])(
    'stops an answer under way when its reader goes to %s',
    async (_, go) => {
      await goTo(page, 'playground', 'Playground');
      await page.getByLabel('Message').fill('tell me');
      await page.keyboard.press('Enter');
      await page.getByText(`once upon ${SECRET}`).waitFor();
      await page.waitForTimeout(500);
      expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
      await go();
      await vi.waitFor(() => expect(signals[0]!.aborted).toBe(true), { timeout: 5000 });
    },
    60_000,
  );

  it('begins a page anew that was left while it was answering', async () => {
    await goTo(page, 'playground', 'Playground');
    await page.getByLabel('Message').fill('tell me');
    await page.keyboard.press('Enter');
    await page.getByText(`once upon ${SECRET}`).waitFor();
    await goTo(page, 'data', 'Data');
    await goTo(page, 'playground', 'Playground');
    expect(await page.locator('.chat').textContent()).toBe('');
    await page.getByLabel('Message').fill('again');
    await page.keyboard.press('Enter');
    await page.getByText(`once upon ${SECRET}`).waitFor();
    await vi.waitFor(() => expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]));
  }, 60_000);
});
