/**
 * The studio in a browser, before a real service with a memory on the embedded base: a chat that goes wrong, a better
 * answer, its review, the learner, the gate, a new version that answers, and what was learned before still there. The pictures in docs/ are
 * taken on the way. One long file, because it is one story: each test begins where the one before it left the service.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BuiltinRow } from '../../src/data/builtin/rows.ts';
import { findChromium, openChromium } from '../eval/chromium.ts';
import { type ServiceProcess, spawnService } from '../load/service-process.ts';
import { echoBackend, startTestService } from '../service/service.ts';
import { axeProblems, goTo, keyboardProblems, type Opened, openStudio, overflow } from './browser.ts';
import { sampleLearner } from './sample-learner.ts';
import { judged, learnRows, makeMemory, rowsOf, writeLearner } from './shop.ts';

const SCREENSHOTS = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
/** Bytes of a picture, at the most. */
const LARGEST = 150_000;

const executable = findChromium();
if (executable === undefined) {
  process.stderr.write('the studio is skipped: no Chromium on the PATH or in LIFEALIGN_CHROMIUM\n');
}

const HOSTILE = [
  '<script>document.title = "taken"; alert(1)</script>',
  '</div></textarea></select><img src=x onerror=alert(2)>',
  '"\'><svg onload=alert(3)> &lt;b&gt; &amp; {{7*7}}',
  'javascript:alert(4) \u202Ereversed\u202C שלום 🙂',
].join('\n');

/** What the memory has learned, and what its shop was never told: how its pages sound. */
const LEARNED = 'empathy';
const WANTED = 'voice';
const rows = rowsOf(WANTED, 'train', 192);
/** Rows of both that nothing is trained on. */
const probes = { [LEARNED]: rowsOf(LEARNED, 'test', 24), [WANTED]: rowsOf(WANTED, 'test', 24) };

const queriesOf = (some: readonly BuiltinRow[]) => some.map(({ query }) => query);

interface Item {
  readonly id: string;
  readonly prompt: readonly { readonly content: string }[];
  readonly chosen: string;
  readonly rejected: string;
}

describe.skipIf(executable === undefined)('the studio', () => {
  let folder: string;
  let browser: Browser;
  let service: ServiceProcess;
  let opened: Opened;
  let page: Page;
  /** The row that goes through the page, the one that is answered worst; and the answer. */
  let asked: BuiltinRow;
  let others: readonly BuiltinRow[];
  let answeredBefore: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifealign-studio-'));
    vi.stubEnv('LIFEALIGN_CACHE', join(folder, 'cache'));
    await makeMemory(folder);
    await learnRows(folder, LEARNED, rowsOf(LEARNED, 'train', 168));
    service = await spawnService([
      ...['--memory', `support=${join(folder, 'memory')}`, '--store', join(folder, 'service.sqlite')],
      ...['--learner', writeLearner(folder)],
    ]);
    const tried = await answersOf('support', queriesOf(rows.slice(0, 12)));
    const scores = tried.map((answer, at) => judged(WANTED, [rows[at]!], [answer]));
    const worst = scores.indexOf(Math.min(...scores));
    asked = rows[worst]!;
    answeredBefore = tried[worst]!;
    others = rows.toSpliced(worst, 1);
    browser = await openChromium(executable!);
    opened = await openStudio(browser, service.url);
    page = opened.page;
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  async function request<T>(path: string, body?: object): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
    const response = await fetch(`${service.url}${path}`, sent);
    expect(response.ok, `${path}: ${response.status}`).toBe(true);
    return (await response.json()) as T;
  }

  async function answersOf(model: string, queries: readonly string[]): Promise<readonly string[]> {
    return Promise.all(
      queries.map(async (content) => {
        const body = {
          model,
          messages: [{ role: 'user', content }],
          max_tokens: 64,
          temperature: 0,
          store: false,
        };
        const { choices } = await request<{ choices: { message: { content: string } }[] }>(
          '/v1/chat/completions',
          body,
        );
        return choices[0]!.message.content;
      }),
    );
  }

  /** What the tasks' judges say of the head's answers, 0 to 100. */
  async function probed(): Promise<Record<string, number>> {
    const scores: Record<string, number> = {};
    for (const [task, of] of Object.entries(probes)) {
      scores[task] = judged(task, of, await answersOf('support', queriesOf(of)));
    }
    return scores;
  }

  async function picture(name: string, of: Page = page): Promise<void> {
    const path = join(SCREENSHOTS, `${name}.png`);
    await of.screenshot({ path });
    expect(statSync(path).size).toBeLessThan(LARGEST);
  }

  it('says without a login what there is, on this machine', async () => {
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.getByRole('link', { name: 'support', exact: true }).waitFor();
    await page.getByText('version 2', { exact: true }).first().waitFor();
    await page.getByRole('row', { name: /empathy, preference/ }).waitFor();
    expect(opened.noise).toEqual([]);
  });

  it('takes a bad answer with a better one from the chat, by keyboard', async () => {
    await goTo(page, 'playground', 'Playground');
    await page.getByLabel('Message').fill(asked.query);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Bad answer of support@v2' }).waitFor();
    expect(await page.locator('.side .words').textContent()).toBe(answeredBefore);
    await page.getByRole('button', { name: 'Bad answer of support@v2' }).press('Enter');
    const field = page.getByLabel('How should it have been answered?');
    await field.fill(asked.chosen);
    await field.press('Control+Enter');
    await page.getByText('Thank you; it waits for review.').waitFor();
    const { data } = await request<{ data: Item[] }>('/v1/feedback');
    expect(data).toMatchObject([{ kind: 'edit', rating: 'down', chosen: asked.chosen, model: 'support@v2' }]);
  });

  it('shows texts of the worst intentions as texts', async () => {
    const hostile = {
      prompt: HOSTILE,
      answer: `answer ${HOSTILE}`,
      edited: `edited ${HOSTILE}`,
      comment: HOSTILE,
    };
    await request('/v1/feedback', { ...hostile, tags: ['<b>tag</b>'], person: '<i>person</i>' });
    await goTo(page, 'review', 'Review');
    await page.getByRole('article', { name: 'Item 1 of 2' }).waitFor();
    // Moving has keys, and ends at the ends.
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const item = page.getByRole('article', { name: 'Item 2 of 2' });
    await item.waitFor();
    expect(await item.locator('.words').allTextContents()).toEqual([
      ...[HOSTILE, `edited ${HOSTILE}`, `answer ${HOSTILE}`, HOSTILE],
    ]);
    expect(await page.locator('img, iframe, object, embed, b b, script:not([src])').count()).toBe(0);
    const handlers = await page.evaluate(() =>
      [...document.querySelectorAll('*')].flatMap((one) =>
        one.getAttributeNames().filter((name) => /^on/.test(name)),
      ),
    );
    expect(handlers).toEqual([]);
    expect(await page.title()).toBe('Review · LifeAlign studio');
    await page.keyboard.press('r');
    await page.getByText('Rejected.').waitFor();
    await page.getByRole('article', { name: 'Item 1 of 1' }).waitFor();
    expect(opened.noise).toEqual([]);
  });

  it('has its keys explained, and an answer edited, by keyboard', async () => {
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    // Behind a dialog nothing is decided.
    await page.keyboard.press('a');
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('e');
    const field = page.getByLabel('The answer as it should have been');
    expect(await field.inputValue()).toBe(asked.chosen);
    await field.press('Escape');
    for (const { query, chosen, rejected } of others.slice(0, 5)) {
      await request('/v1/feedback', { prompt: query, chosen, rejected, tags: ['shop page'] });
    }
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByRole('article', { name: 'Item 1 of 6' }).waitFor();
    await picture('review');
    await page.keyboard.press('a');
    await page.getByText('Accepted.').waitFor();
    await page.getByRole('article', { name: 'Item 1 of 5' }).waitFor();
    const accepted = await request<{ data: Item[] }>('/v1/feedback?status=accepted');
    expect(accepted.data).toMatchObject([{ chosen: asked.chosen }]);
  });

  it('learns what was accepted, and answers by it when it is promoted, and keeps what it had learned', async () => {
    for (const { query, chosen, rejected } of others.slice(5)) {
      await request('/v1/feedback', { prompt: query, chosen, rejected });
    }
    const pending = await request<{ data: Item[] }>('/v1/feedback?limit=200');
    for (const { id } of pending.data) await request(`/v1/feedback/${id}/accept`, {});
    const before = await probed();

    await goTo(page, 'learner', 'Learner');
    await page.getByRole('button', { name: 'Learn now' }).click();
    const state = (text: RegExp) => page.getByRole('heading', { level: 2, name: text });
    await page.getByRole('progressbar').waitFor({ timeout: 120_000 });
    await state(/^Now: comparing a new version in the shadow/).waitFor({ timeout: 300_000 });
    await page.getByRole('row', { name: /gain of feedback.*kept/ }).waitFor();
    // It is there, and nobody has it yet.
    expect(await answersOf('support', [asked.query])).toEqual([answeredBefore]);
    await page.getByRole('button', { name: 'Promote' }).click();
    await state(/^Now: idle/).waitFor({ timeout: 20_000 });

    // Nothing was restarted, and nothing reloaded.
    await goTo(page, '', 'Overview');
    await page.getByRole('row', { name: /feedback-.*, preference/ }).waitFor({ timeout: 20_000 });
    // Beside the head's number, the one that answers: it is looked at about once a second.
    await page.locator('.badge', { hasText: /^version 4$/ }).waitFor();

    await goTo(page, 'playground', 'Playground');
    await page.getByLabel('Right').selectOption('support@v2');
    await page.getByLabel('Message').fill(asked.query);
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('button', { name: 'Right is better' }).waitFor();
    const [better, worse] = await page.locator('.side .words').allTextContents();
    expect(worse).toBe(answeredBefore);
    expect(better).not.toBe(worse);
    expect(judged(WANTED, [asked], [better!])).toBeGreaterThan(judged(WANTED, [asked], [worse!]));
    await picture('playground');

    const now = await probed();
    expect(before[LEARNED], 'the earlier task, before').toBeGreaterThan(80);
    expect(now[LEARNED], 'the earlier task, after').toBeGreaterThan(75);
    expect(before[WANTED], 'what was complained about, before').toBeLessThan(40);
    expect(now[WANTED], 'what was complained about, after').toBeGreaterThan(75);
    expect(opened.noise).toEqual([]);
  }, 600_000);

  it('shows what that did: the matrix, the gate, what was merged, answers before and after', async () => {
    await goTo(page, '', 'Overview');
    await page.getByRole('row', { name: /feedback-.*, preference/ }).waitFor();
    await picture('overview');
    await page.getByRole('link', { name: 'support', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'support' }).waitFor();
    await page
      .getByRole('row', { name: /v4 feedback/ })
      .first()
      .waitFor();
    await page.locator('.canvas canvas').waitFor();
    await picture('memory');
    await page.getByRole('link', { name: 'v4' }).click();
    await page.getByRole('row', { name: /loss of empathy.*kept/ }).waitFor();
    await page.getByRole('row', { name: /gain of feedback.*kept/ }).waitFor();
    await page.locator('.canvas canvas').waitFor();
    await page.getByRole('button', { name: 'Ask versions 3 and 4' }).click();
    await page.getByText('Asking …').waitFor({ state: 'detached' });
    expect(await page.locator('.answers tbody tr').count()).toBe(4);
    await page.getByRole('heading', { name: 'The gate' }).scrollIntoViewIfNeeded();
    await picture('version');
    expect(opened.noise).toEqual([]);
  });

  it('checks a file', async () => {
    await goTo(page, 'data', 'Data');
    const file = join(folder, '"><img src=x onerror=alert(5)>.jsonl');
    const bad = { query: HOSTILE, chosen: 'same', rejected: 'same' };
    writeFileSync(file, [...others.slice(0, 3), bad].map((row) => JSON.stringify(row)).join('\n'));
    await page.getByLabel(/Preference rows/).setInputFiles(file);
    await page.getByText('3 of 4 records are valid rows; 1 have a problem.').waitFor();
    expect(opened.noise).toEqual([]);
  });

  it('drops a task and goes back, each with its effect told before', async () => {
    await goTo(page, 'memory/support', 'support');
    await page.getByRole('button', { name: /^Drop feedback/ }).click();
    const dialog = page.getByRole('dialog', { name: /^Drop feedback/ });
    await dialog.getByText('rows removed').waitFor();
    await dialog.getByRole('button', { name: 'Measure the effect' }).click();
    await dialog.getByText(/measured now/).waitFor({ timeout: 120_000 });
    expect(await axeProblems(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    const head = async () => (await request<{ data: { head: number }[] }>('/v1/memories')).data[0]!.head;
    expect(await head()).toBe(4);
    await goTo(page, 'memory/support/versions/2', 'support, version 2');
    await page.getByRole('button', { name: /Make it the head/ }).click();
    await page.getByRole('dialog').getByText('tasks gone').waitFor();
    await page.getByRole('button', { name: 'Revert to version 2' }).click();
    await page.getByText('The head is version 2; it was version 4.').waitFor();
    expect(await head()).toBe(2);
    await vi.waitFor(
      async () => expect((await answersOf('support', [asked.query]))[0]!).toBe(answeredBefore),
      {
        timeout: 10_000,
      },
    );
    expect(opened.noise).toEqual([]);
  }, 300_000);

  const PAGES = [
    ['', 'Overview', /support/],
    ['playground', 'Playground', /Left/],
    ['review', 'Review', /Accept|Nothing/],
    ['learner', 'Learner', /Candidates/],
    ['data', 'Data', /Preference rows/],
    ['memory/support', 'support', /Each task through time/],
    ['memory/support/versions/4', 'support, version 4', /What was merged/],
  ] as const;

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    it.each([1280, 390])(
      'and %i pixels wide is for everybody',
      async (width) => {
        const own = await openStudio(browser, service.url, { colorScheme, viewport: { width, height: 844 } });
        await sampleLearner(own.page);
        await request('/v1/feedback', { prompt: `${colorScheme} ${width}`, chosen: 'a', rejected: 'b' });
        try {
          for (const [path, heading, text] of PAGES) {
            await goTo(own.page, path, heading);
            await own.page.getByText(text).first().waitFor();
            await own.page.waitForTimeout(300);
            for (const summary of await own.page.locator('summary').all()) await summary.click();
            expect(await axeProblems(own.page), `${path} ${colorScheme} ${width}`).toEqual([]);
            expect(await overflow(own.page), `${path} is wider than ${width}`).toBe(0);
            if (path === 'review' && width === 390 && colorScheme === 'dark')
              await picture('phone', own.page);
          }
          expect(own.noise).toEqual([]);
        } finally {
          await own.page.context().close();
        }
      },
      180_000,
    );
  });

  it('is walked through by keyboard, with the focus to be seen', async () => {
    await sampleLearner(page);
    for (const [path, heading, text] of PAGES) {
      await goTo(page, path, heading);
      await page.getByText(text).first().waitFor();
      await page.waitForTimeout(300);
      expect(await keyboardProblems(page), path).toEqual([]);
    }
  }, 180_000);
});

describe.skipIf(executable === undefined)('a studio before a service with keys', () => {
  it('asks for one, keeps it in the tab, and shows what it may do', async () => {
    const service = await startTestService(echoBackend());
    const browser = await openChromium(executable!);
    try {
      const key = await service.key('chat', 'feedback');
      const { page, noise } = await openStudio(browser, service.url);
      const field = page.getByLabel('API key');
      await field.fill(`la-000000000000-${'A'.repeat(43)}`);
      await field.press('Enter');
      await page.getByText('the key is not valid').waitFor();
      await field.fill(key);
      await field.press('Enter');
      await page.getByText('This page needs a key with the role review.').waitFor();
      expect(await page.getByRole('navigation').getByRole('link').allTextContents()).toEqual(['Playground']);
      const kept = await page.evaluate(() => [
        Object.values(sessionStorage),
        Object.values(localStorage),
        document.cookie,
      ]);
      expect(kept).toEqual([[key], ['auto'], '']);
      expect(await page.context().cookies()).toEqual([]);
      await page.getByRole('link', { name: 'Playground' }).click();
      await page.getByLabel('Left').waitFor();
      await page.getByRole('button', { name: 'Leave' }).click();
      await page.getByLabel('API key').waitFor();
      expect(await page.evaluate(() => Object.values(sessionStorage))).toEqual([]);
      // Refusals are what this was about.
      expect(noise.filter((line) => !/40[13]/.test(line))).toEqual([]);
    } finally {
      await browser.close();
      await service.end();
    }
  });
});

describe.skipIf(executable === undefined)('a review queue on a slow line', () => {
  it('takes the next key for the next item, though the list is not loaded again yet', async () => {
    const service = await startTestService(echoBackend());
    const browser = await openChromium(executable!);
    try {
      for (const at of [1, 2]) {
        await service.request('/v1/feedback', { body: { prompt: `${at}`, chosen: 'a', rejected: 'b' } });
      }
      const { page } = await openStudio(browser, service.url);
      await goTo(page, 'review', 'Review');
      await page.getByRole('article', { name: 'Item 1 of 2' }).waitFor();
      await page.route('**/v1/feedback?*', () => {});
      await page.keyboard.press('a');
      await page.getByText('Accepted.').waitFor();
      await page.keyboard.press('r');
      await page.getByText('Rejected.').waitFor();
      const of = async (status: string) => {
        const response = await service.request(`/v1/feedback?status=${status}`);
        const { data } = (await response.json()) as { data: Item[] };
        return data.map(({ prompt }) => prompt[0]!.content);
      };
      expect([await of('accepted'), await of('rejected')]).toEqual([['1'], ['2']]);
    } finally {
      await browser.close();
      await service.end();
    }
  }, 60_000);
});
