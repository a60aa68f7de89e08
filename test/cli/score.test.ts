/** `lifealign score` on a small model: what it writes, what it says, and how it stops. */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { OrtEngine } from '../../src/engine/ort/ort-engine.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { encodeRows } from '../../src/text/segments.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { BIN, contents, lifealign, MODEL, ROWS } from './command.ts';

const folder = useTemporaryCache();
afterEach(() => vi.restoreAllMocks());

const at = (name: string) => join(folder(), name);
const rows: Record<string, unknown>[] = JSON.parse(readFileSync(ROWS, 'utf8'));
const args = (data: string, ...more: string[]) => [
  ...['score', '--model', MODEL, '--data', data, '--output', at('scores.jsonl'), ...more],
];
const written = (): Record<string, number>[] =>
  readFileSync(at('scores.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

function dataFile(content: string): string {
  writeFileSync(at('data.json'), content);
  return at('data.json');
}

describe('the lines of score', () => {
  it.each([null, join(MODEL, 'adapters/all')])('are what the engine computes (adapter: %s)', async (path) => {
    const model = await openModelFolder(MODEL);
    const options = { file: ROWS, maxLength: 512, invalidRows: 'error' } as const;
    const { rows: read } = await readPreferenceRows(ROWS, options);
    const { encoded } = encodeRows(read, await loadTextModel(MODEL), options);
    const engine = await createOrtEngine(model);
    const { chosen, rejected } = await engine.score(
      encoded,
      path === null ? null : await readPeftAdapter(path),
    );
    await engine.close();

    const { code, stdout } = await lifealign(...args(ROWS, ...(path === null ? [] : ['--adapter', path])));
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(written()).toEqual(
      encoded.map((row, index) => ({
        index,
        chosen_logp: chosen[index],
        rejected_logp: rejected[index],
        chosen_tokens: row.chosen.length,
        rejected_tokens: row.rejected.length,
      })),
    );
    expect(Object.keys(written()[0]!)).toEqual([
      'index',
      'chosen_logp',
      'rejected_logp',
      'chosen_tokens',
      'rejected_tokens',
    ]);
    expect(contents(folder())).toEqual(['scores.jsonl']);
  });

  it('are the same for JSONL, and replace an earlier file', async () => {
    await lifealign(...args(ROWS));
    const first = readFileSync(at('scores.jsonl'), 'utf8');
    writeFileSync(at('scores.jsonl'), 'earlier');
    await lifealign(...args(dataFile(rows.map((row) => JSON.stringify(row)).join('\n\n'))));
    expect(readFileSync(at('scores.jsonl'), 'utf8')).toBe(first);
  });

  it('keep their rows’ numbers when invalid rows are left out, listed and counted', async () => {
    const broken = [
      rows[0],
      { ...rows[1], rejected: '' },
      rows[2],
      { ...rows[3], chosen: 'no '.repeat(600) },
    ];
    const file = dataFile(JSON.stringify(broken));
    const { code, stdout, stderr } = await lifealign(...args(file, '--invalid-rows', 'skip'));
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(written().map(({ index }) => index)).toEqual([0, 2]);
    expect(stderr).toMatch(/data\.json: row 2 is left out: field "rejected": empty/);
    expect(stderr).toMatch(/data\.json: row 4 is left out: field "chosen": the response has \d+ tokens/);
    expect(stderr).toMatch(/data\.json: 2 rows left out\n/);
  });

  it('belong to prompts cut at the left, and that is counted', async () => {
    const ending = 'Name one planet.';
    const long = { ...rows[0], query: `${'x'.repeat(600)}${ending}` };
    const { code, stderr } = await lifealign(...args(dataFile(JSON.stringify([long, rows[0]]))));
    expect(code).toBe(0);
    expect(stderr).toMatch(/data\.json: 1 prompts cut at the left to fit 512 tokens\n/);
    const short = await lifealign(...args(ROWS, '--max-length', '40'));
    expect(short.stderr).toMatch(/rows\.json: \d prompts cut at the left to fit 40 tokens\n/);
  });

  it('are not written if a log-prob is no number', async () => {
    cpSync(MODEL, at('model'), { recursive: true });
    const weights = readFileSync(at('model/model.safetensors'));
    weights.writeFloatLE(Number.NaN, weights.length - 4);
    writeFileSync(at('model/model.safetensors'), weights);
    const { code, stderr } = await lifealign(...args(ROWS), '--model', at('model'));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /lifealign: .*rows\.json, row 1: the log-probs are NaN and NaN; nothing was written/,
    );
    expect(contents(folder()).filter((path) => !path.startsWith('model'))).toEqual([]);
  });
});

it('score refuses to write over the rows', async () => {
  const file = dataFile(JSON.stringify(rows));
  const { code, stderr } = await lifealign('score', '--model', MODEL, '--data', file, '--output', file);
  expect(code).toBe(2);
  expect(stderr).toContain('data.json: it is the file of --data');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(rows);
});

describe('Ctrl-C during score', () => {
  it('ends with 1 and one line, nothing written', async () => {
    const { score } = OrtEngine.prototype;
    vi.spyOn(OrtEngine.prototype, 'score').mockImplementation(function (this: OrtEngine, ...given) {
      process.emit('SIGINT', 'SIGINT');
      return score.apply(this, given);
    });
    const { code, stdout, stderr } = await lifealign(...args(ROWS));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/lifealign: interrupted; nothing was written\n$/);
    expect(contents(folder())).toEqual([]);
  });

  it('as a process of its own', async () => {
    const long = { ...rows[0], query: 'x'.repeat(600) };
    const many = [long, ...Array.from({ length: 600 }, () => rows).flat()];
    const child = spawn(process.execPath, [BIN, ...args(dataFile(JSON.stringify(many)))]);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      // Said just before the scoring begins, with thousands of rows to go.
      if (text.includes('prompts cut')) child.kill('SIGINT');
    });
    const code = await new Promise((done) => child.once('close', done));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /prompts cut at the left.*\n(scoring: .*\n)?lifealign: interrupted; nothing was written\n$/,
    );
    expect(contents(folder())).toEqual(['data.json']);
  });
});
