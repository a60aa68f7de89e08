/**
 * The text metrics against jieba, NLTK, rouge-chinese and sacreBLEU: thousands of texts made afresh, the
 * committed values, and the committed dictionary. Needs Python; torch isn't installed for it.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scoreAnswers } from '../../src/eval/text-metrics/index.ts';
import { differentCuts, type ExpectedTextMetrics, worstDifference } from '../eval/text-metrics-comparison.ts';
import { oraclePython } from './environment.ts';

const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const BENCHMARK = inRepository('../shared/data/lifealign-bench');
const ROW_FILES = ['TruthfulQA/train.json', 'hh-rlhf-helpful-base/train.json', 'HC3/test.json'];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-text-metrics-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function python(script: string, ...args: readonly string[]): Promise<void> {
  await execa(await oraclePython('requirements-text.txt'), [inRepository(script), ...args]);
}

async function unpacked(file: string): Promise<Buffer> {
  return gunzipSync(await readFile(file));
}

async function expectedOf(file: string): Promise<ExpectedTextMetrics> {
  return JSON.parse((await unpacked(file)).toString());
}

async function makeExpected(...args: readonly string[]): Promise<ExpectedTextMetrics> {
  const output = join(folder, 'text-metrics.json.gz');
  await python('test/parity/make_text_metrics.py', ...args, output);
  return expectedOf(output);
}

describe("jieba's tables", () => {
  it('are those of the pinned package', async () => {
    const fresh = join(folder, 'tables.bin.gz');
    await python('scripts/jieba/make_tables.py', fresh);
    const committed = await unpacked(inRepository('dictionaries/jieba/tables.bin.gz'));
    expect((await unpacked(fresh)).equals(committed)).toBe(true);
  });
});

describe('the text metrics', () => {
  it('have the committed values', async () => {
    const fresh = await makeExpected('--seed', '5', '--cuts', '500', '--pairs', '300');
    const committed = await expectedOf(inRepository('test/eval/fixtures/text-metrics.json.gz'));
    expect({ ...fresh, seconds: 0 }).toEqual({ ...committed, seconds: 0 });
  });

  it('agree on thousands of texts', async () => {
    const files = ROW_FILES.map((file) => join(BENCHMARK, file)).filter(existsSync);
    if (files.length < ROW_FILES.length) report(`without some real rows: ${BENCHMARK} lacks them`);
    const rows = files.flatMap((file) => ['--rows', file]);
    const expected = await makeExpected('--seed', '1', '--cuts', '20000', '--pairs', '2000', ...rows);
    expect(differentCuts(expected)).toEqual([]);
    const worst = worstDifference(expected);
    expect(worst, JSON.stringify(worst)).toHaveProperty('difference', expect.closeTo(0, 9));
    const start = performance.now();
    scoreAnswers(expected.pairs);
    const seconds = ((performance.now() - start) / 1000).toFixed(2);
    report(
      `${expected.cuts.length} texts cut alike; ${expected.pairs.length} pairs, worst difference ` +
        `${worst.difference.toExponential(1)} points (${worst.name}); ${seconds} s here, ` +
        `${expected.seconds.toFixed(2)} s in Python`,
    );
  });
});

function report(line: string): void {
  process.stdout.write(`${line}\n`);
}
