/** A page of the studio in the system's Chromium, and everything that it should not do. */
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

export interface Opened {
  readonly page: Page;
  /** Requests beyond the service, errors, dialogs, breaches of the policy. */
  readonly noise: string[];
}

/** @param url of the service */
export async function openStudio(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  // The page's own policy would refuse it as a script of the page.
  await context.addInitScript({ content: axe.source });
  const page = await context.newPage();
  const noise: string[] = [];
  page.on('console', (message) => noise.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) noise.push(`request: ${request.url()}`);
  });
  page.on('dialog', async (dialog) => {
    noise.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.goto(url);
  return { page, noise };
}

export async function goTo(page: Page, path: string, heading: string | RegExp): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${path}`);
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
}

/** What axe finds wrong, as text. [WCAG 2.2 AA and axe's best practices] */
export async function axeProblems(page: Page): Promise<readonly string[]> {
  const { violations } = await page.evaluate(async () => {
    const { axe: own } = globalThis as unknown as { axe: Pick<typeof axe, 'run'> };
    return own.run();
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${JSON.stringify(target)} ${failureSummary ?? ''}`),
  );
}

/** Pixels that the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Everything that can be used, and what of it the Tab key did not reach, or showed no focus on. */
export async function keyboardProblems(page: Page): Promise<readonly string[]> {
  const count = await page.evaluate(() => {
    (document.activeElement as HTMLElement | null)?.blur();
    const usable = 'a[href], button:not(:disabled), input, select, textarea, summary, [tabindex="0"]';
    const shown = [...document.querySelectorAll<HTMLElement>(usable)].filter((one) => one.checkVisibility());
    for (const [at, one] of shown.entries()) one.dataset['walk'] = String(at);
    return shown.length;
  });
  const reached = new Set<string>();
  const problems: string[] = [];
  for (let step = 0; step < count + 5; step++) {
    await page.keyboard.press('Tab');
    const { walk, name, outline } = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const shown = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
      return { walk: element.dataset['walk'], name: element.outerHTML.slice(0, 120), outline: shown };
    });
    if (walk === undefined || reached.has(walk)) continue;
    reached.add(walk);
    if (!outline) problems.push(`no focus is seen on ${name}`);
  }
  const missed = await page.evaluate(
    (done) =>
      [...document.querySelectorAll<HTMLElement>('[data-walk]')]
        .filter((one) => !done.includes(one.dataset['walk'] as string))
        .map((one) => one.outerHTML.slice(0, 120)),
    [...reached],
  );
  return [...problems, ...missed.map((name) => `not reached: ${name}`)];
}
