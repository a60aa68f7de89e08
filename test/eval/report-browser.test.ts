import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../../src/eval/report/index.ts';
import { findChromium, openChromium } from './chromium.ts';
import { makeRun } from './report-run.ts';

const executable = findChromium();
if (executable === undefined) {
  process.stderr.write(
    'the report in a browser is skipped: no Chromium on the PATH or in LIFEALIGN_CHROMIUM\n',
  );
}

const hostile = [
  '<script>document.title = "taken"; alert(1)</script>',
  '</span></style></details><img src=x onerror=alert(2)>',
  '"\'><svg onload=alert(3)> &lt;b&gt; &amp;',
  '\u202Ereversed\u202C שלום \u{1F642} 多\r\nnext line\n  indented\ttab',
  'javascript:alert(4) \u0000 ]]> -->',
].join('\n');

/** As a page shows it: a parser makes one line break of two signs, and of U+0000 nothing but for its picture. */
const shown = hostile.replaceAll('\r\n', '\n').replaceAll('\u0000', '\u2400');

interface Opened {
  readonly page: Page;
  /** Whatever a page should not do. */
  readonly noise: string[];
}

describe.skipIf(executable === undefined)('a report in a browser', () => {
  let folder = '';
  let url = '';
  let browser: Browser;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lifealign-"<img src=y onerror=alert(5)>-'));
    const texts = {
      prompt: (_: string, row: number) => `prompt ${row} ${hostile}`,
      reference: (_: string, row: number) => `reference ${row} ${hostile}`,
      answer: (when: string, _: string, row: number) =>
        row === 1 ? `${when} ${'long '.repeat(300)}${hostile}` : `${when} ${hostile}`,
    };
    const named = [
      { name: '<script>alert(6)</script>', folder: makeRun(join(folder, 'one'), texts) },
      {
        name: 'other "run"',
        folder: makeRun(join(folder, 'other'), {
          ...texts,
          method: '<b>er</b>',
          done: 2,
          consolidates: false,
          private: ['voice'],
        }),
      },
    ];
    const page = await writeReport(named, join(folder, 'report'), { resamples: 200 });
    url = pathToFileURL(page).href;
    browser = await openChromium(executable!);
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(options: BrowserContextOptions = {}): Promise<Opened> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const noise: string[] = [];
    page.on('console', (message) => noise.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
    page.on('request', (request) => request.url() === url || noise.push(`request: ${request.url()}`));
    page.on('dialog', async (dialog) => {
      noise.push(`dialog: ${dialog.message()}`);
      await dialog.dismiss();
    });
    await page.goto(url);
    // What is folded is drawn too.
    await page.evaluate(`document.querySelectorAll('details').forEach((part) => { part.open = true; })`);
    return { page, noise };
  }

  it('asks for nothing, says nothing, and runs nothing that its texts hold', async () => {
    const { page, noise } = await open();
    const injected = await page.evaluate(() => ({
      elements: document.querySelectorAll('script, img, iframe, object, embed, link, base, form, input, b b')
        .length,
      handlers: [...document.querySelectorAll('*')].flatMap((element) =>
        element.getAttributeNames().filter((name) => name.startsWith('on')),
      ),
      links: [...document.querySelectorAll('a, use')].map((element) => element.getAttribute('href') ?? ''),
    }));
    expect(noise).toEqual([]);
    expect({ elements: injected.elements, handlers: injected.handlers }).toEqual({
      elements: 0,
      handlers: [],
    });
    expect(injected.links.filter((href) => !/^(#[\w-]+|tables\/[\w-]+\.csv)$/.test(href))).toEqual([]);
    expect(await page.title()).toBe('<script>alert(6)</script> · other "run" · LifeAlign report');
  });

  it('shows texts to the last sign, long ones folded', async () => {
    const { page } = await open();
    const texts = await page.locator('.words').allTextContents();
    for (const [beginning, row] of [
      ['prompt', ' 0 '],
      ['reference', ' 0 '],
      ['base', ' '],
      ['learned', ' '],
      ['end', ' '],
    ]) {
      expect(texts).toContain(`${beginning}${row}${shown}`);
    }
    expect(texts).toContain(`end ${'long '.repeat(300)}${shown}`);
    const folded = page.locator('details.long', { hasText: 'end long' }).first();
    await folded.evaluate((part) => part.removeAttribute('open'));
    await expect(folded.locator('> .words').isVisible()).resolves.toBe(false);
    await folded.locator('summary').click();
    await expect(folded.locator('> .words').isVisible()).resolves.toBe(true);
  });

  it('has the matrix as a heatmap, of both runs on one scale', async () => {
    const { page } = await open();
    const heatmaps = page.locator('#matrix .heat');
    const numbers = async (at: number) =>
      heatmaps
        .nth(at)
        .evaluate((table) =>
          [...table.querySelectorAll('tbody tr')].map((row) =>
            [...row.querySelectorAll('th, td')].map((cell) => cell.textContent).join(' '),
          ),
        );
    expect(await numbers(0)).toEqual([
      'base 40.0 40.0 40.0',
      'facts 90.0 - -',
      'voice 80.0 80.0 -',
      'safety 70.0 70.0 70.0',
    ]);
    expect((await numbers(1)).at(-1)).toBe('safety - - -');
    const cells = page.locator('#matrix .heats').first().locator('td');
    const classOf = (text: string) =>
      cells.evaluateAll((all, wanted) => {
        const found = all.filter((cell) => cell.textContent === wanted);
        return [...new Set(found.map((cell) => cell.className.replace(' learned', '')))];
      }, text);
    // The scale goes from the least of both runs to the greatest.
    expect(await classOf('40.0')).toEqual(['q0']);
    expect(await classOf('90.0')).toEqual(['q24']);
  });

  it.each(['light', 'dark'] as const)('can be read in %s', async (colorScheme) => {
    const { page } = await open({ colorScheme });
    const colours = await page.locator('.heat td, body, .lead, .note, .missing').evaluateAll((all) =>
      all.map((element) => {
        const style = getComputedStyle(element);
        const page = getComputedStyle(document.body).backgroundColor;
        const own = style.backgroundColor;
        return [own === 'rgba(0, 0, 0, 0)' ? page : own, style.color];
      }),
    );
    expect(colours.length).toBeGreaterThan(30);
    for (const [background, ink] of colours)
      expect(wcagContrast(background!, ink!)).toBeGreaterThanOrEqual(4.5);
    const [[background] = []] = colours;
    expect(wcagContrast(background!, 'rgb(0, 0, 0)') > 10).toBe(colorScheme === 'light');
  });

  it('has marks in every chart, within its frame', async () => {
    const { page } = await open();
    const charts = await page.locator('svg[role=img]').evaluateAll((all) =>
      all.map((chart) => {
        const frame = chart.getBoundingClientRect();
        const marks = [...chart.querySelectorAll('.line, .dot, .bar, .band')];
        const outside = marks.filter((mark) => {
          const { left, right, top, bottom } = mark.getBoundingClientRect();
          const room = 1;
          return !(
            left >= frame.left - room &&
            right <= frame.right + room &&
            top >= frame.top - room &&
            bottom <= frame.bottom + room
          );
        });
        const named = chart.getAttribute('aria-labelledby')?.split(' ') ?? [];
        const shared = chart.querySelector('use[href^="#axes"]')?.getAttribute('href') ?? '';
        const axes = shared === '' ? chart : document.querySelector(shared)!;
        return {
          id: named[0]!.replace(/-title$/, ''),
          marks: marks.length,
          outside: outside.length,
          texts: [...axes.querySelectorAll('.axis .label')].filter((text) => text.textContent).length,
          ticks: [...axes.querySelectorAll('.axis')].map(
            (axis) => axis.querySelectorAll('text:not(.label)').length,
          ),
          named: named.map((id) => document.getElementById(id)?.textContent ?? '').filter(Boolean).length,
          broken: /NaN|Infinity|undefined/.test(chart.outerHTML),
          drawn: frame.width > 100 && frame.height > 50,
        };
      }),
    );
    for (const chart of charts) {
      expect(chart).toMatchObject({ outside: 0, named: 2, broken: false, drawn: true });
      expect(chart.marks, chart.id).toBeGreaterThan(0);
      expect(Math.min(...chart.ticks), chart.id).toBeGreaterThan(1);
      expect(chart.texts, chart.id).toBeGreaterThan(0);
    }
    const kinds = new Set(charts.map(({ id }) => id.split('-')[0]));
    expect([...kinds].sort()).toEqual(
      ['general', 'interval', 'old', 'replay', 'spectrum', 'time', 'training'].sort(),
    );
    // Marks where the data are: a bar a stage of the one run that consolidates, none for the first stage's zero.
    const heights = await page
      .locator('svg[aria-labelledby^="old-directions"] .bar')
      .evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute('height'))));
    expect(heights).toHaveLength(6);
    for (const [at, height] of heights.entries()) expect(height).toBeCloseTo((at * heights[5]!) / 5, 0);
  });

  it('is ordered: one title, no level left out, tables with captions and heads, ids but once', async () => {
    const { page } = await open();
    const outline = await page.evaluate(() => ({
      levels: [...document.querySelectorAll('h1, h2, h3, h4')].map((heading) => Number(heading.tagName[1])),
      captions: [...document.querySelectorAll('table')].filter((table) => !table.caption?.textContent).length,
      heads: [...document.querySelectorAll('th')].filter((head) => !head.scope).length,
      ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
      anchors: [...document.querySelectorAll('nav a, use')].map((link) =>
        link.getAttribute('href')!.slice(1),
      ),
    }));
    const { levels, ids } = outline;
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    expect(levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1)).toEqual([]);
    expect({ captions: outline.captions, heads: outline.heads }).toEqual({ captions: 0, heads: 0 });
    expect(new Set(ids).size).toBe(ids.length);
    expect(outline.anchors.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('fits a phone, and needs no scripts', async () => {
    const { page, noise } = await open({ viewport: { width: 390, height: 800 }, javaScriptEnabled: false });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect(await page.locator('#matrix .heat').first().isVisible()).toBe(true);
    expect(await page.locator('svg[role=img]').first().isVisible()).toBe(true);
    expect(noise).toEqual([]);
  });
});

/** [WCAG 2.2] of two `rgb(r, g, b)`. */
function wcagContrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [red, green, blue] = colour.match(/[\d.]+/g)!.map((channel) => {
      const share = Number(channel) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}
