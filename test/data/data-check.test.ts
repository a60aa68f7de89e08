import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { registerDataCheck } from '../../src/cli/commands/data-check.ts';
import { runProgram } from '../../src/cli/run.ts';
import { cachedSmolLM2 } from '../text/model-folders.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-check-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs `lifealign data check` with these arguments. */
async function check(...args: string[]): Promise<{ code: number; report: unknown; errors: string }> {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  }
  const code = await runProgram(new Command('lifealign'), [registerDataCheck], ['data', 'check', ...args]);
  vi.restoreAllMocks();
  const { stdout, stderr } = written;
  return { code, report: stdout === '' ? null : JSON.parse(stdout), errors: stderr };
}

async function file(rows: readonly unknown[]): Promise<string> {
  const path = join(folder, 'rows.json');
  await writeFile(path, JSON.stringify(rows));
  return path;
}

const rows = [
  { query: 'ab', chosen: 'xyz', rejected: 'x' },
  { query: 'AB ', chosen: 'xyz', rejected: 'y' },
  { query: 'ab', chosen: 'xyz', rejected: 'x' },
  { prompt: [{ role: 'user', content: 'cdef' }], chosen: 'longer', rejected: 'y' },
];

it('describes a good file', async () => {
  const { code, report, errors } = await check(await file(rows));
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(report).toMatchObject({
    format: 'json',
    count: 4,
    valid: 4,
    invalid: [],
    prompts: { text: 3, messages: 1, implicit: 0 },
    duplicates: { prompts: 2, rows: 1 },
    // Sorted prompt lengths 2 2 3 4: nearest rank of 50 % is the second.
    characters: { prompt: { min: 2, p50: 2, p90: 4, p99: 4, max: 4 }, chosen: { min: 3, max: 6 } },
  });
  expect(report).not.toHaveProperty('tokens');
});

describe('invalid rows', () => {
  const bad = [...rows, { query: 'q', chosen: 'a', rejected: 'a' }, { query: 'q' }];
  const invalid = [
    { row: 5, field: 'rejected' },
    { row: 6, field: 'chosen' },
  ];

  it('are all listed, and exit with code 2 naming the first', async () => {
    const { code, report, errors } = await check(await file(bad));
    expect(code).toBe(2);
    expect(report).toMatchObject({ count: 6, valid: 4, invalid });
    expect(errors).toMatch(/rows\.json, row 5, field "rejected": equal to "chosen".*1 more/);
  });

  it('are only listed under skip', async () => {
    const { code, report } = await check(await file(bad), '--invalid-rows', 'skip');
    expect(code).toBe(0);
    expect(report).toMatchObject({ valid: 4, invalid });
  });

  it('are an error even then if nothing else is left', async () => {
    const { code, report, errors } = await check(await file([{}]), '--invalid-rows', 'skip');
    expect({ code, report }).toMatchObject({ code: 2, report: { count: 1, valid: 0 } });
    expect(errors).toMatch(/no valid rows/);
  });
});

it('refuses unreadable files and wrong options without a report', async () => {
  const good = await file(rows);
  for (const args of [
    [join(folder, 'missing.json')],
    [good, '--invalid-rows', 'maybe'],
    [good, '--max-length', '10'],
    [good, '--model', 'm', '--max-length', '0'],
  ]) {
    expect(await check(...args)).toMatchObject({ code: 2, report: null });
  }
});

const smollm2 = await cachedSmolLM2();
describe.skipIf(smollm2 === undefined)('tokens (skipped where the model cache has no SmolLM2)', () => {
  const long = [
    { query: 'word '.repeat(50), chosen: 'one two three four', rejected: 'x' },
    { query: 'q', chosen: 'word '.repeat(60), rejected: 'x' },
  ];

  it('are measured whole without a maximum, and cut with one', async () => {
    const path = await file(long);
    const whole = await check(path, '--model', smollm2 ?? '');
    expect(whole).toMatchObject({ code: 0, report: { tokens: { max_length: null, cut_prompts: 0 } } });
    const cut = await check(path, '--model', smollm2 ?? '', '--max-length', '50');
    expect(cut).toMatchObject({
      code: 2,
      report: {
        valid: 1,
        invalid: [{ row: 2, field: 'chosen' }],
        // Five tokens of the longer response: its four words and the end of turn.
        tokens: {
          cut_prompts: 1,
          prompt: { max: 45 },
          chosen: { max: 5 },
          prompt_and_longer_response: { max: 50 },
        },
      },
    });
  });
});
