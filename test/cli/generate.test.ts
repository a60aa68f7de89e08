/** `lifealign generate` on a small model: what it writes, what it says, and how it stops. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readPromptRows } from '../../src/data/read-rows.ts';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { OrtEngine } from '../../src/engine/ort/ort-engine.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { encodePrompt } from '../../src/text/segments.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { contents, lifealign, MODEL, ROWS } from './command.ts';

const folder = useTemporaryCache();
afterEach(() => vi.restoreAllMocks());

const at = (name: string) => join(folder(), name);
const rows: { query: string }[] = JSON.parse(readFileSync(ROWS, 'utf8'));
const args = (data: string, ...more: string[]) => [
  ...['generate', '--model', MODEL, '--data', data, '--output', at('answers.jsonl')],
  ...['--max-new-tokens', '12', ...more],
];
const written = (): Record<string, unknown>[] =>
  readFileSync(at('answers.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

function dataFile(content: unknown): string {
  writeFileSync(at('data.json'), JSON.stringify(content));
  return at('data.json');
}

describe('the lines of generate', () => {
  it.each([null, join(MODEL, 'adapters/all')])('are what the engine makes (adapter: %s)', async (path) => {
    const text = await loadTextModel(MODEL);
    const { tokenizer } = text;
    const engine = await createOrtEngine(await openModelFolder(MODEL));
    const { rows: read } = await readPromptRows(ROWS, { invalidRows: 'error' });
    const prompts = read.map(({ prompt }) => encodePrompt(prompt, text));
    const answers = await engine.generate(prompts, path === null ? null : await readPeftAdapter(path), {
      maxNewTokens: 12,
      stopTokens: [tokenizer.eosTokenId],
    });
    await engine.close();

    const { code, stdout } = await lifealign(...args(ROWS, ...(path === null ? [] : ['--adapter', path])));
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(written()).toEqual(
      answers.map(({ tokens, finishReason }, index) => ({
        index,
        text: tokenizer.decode(
          [...tokens].filter((token) => tokenizer.has(token)),
          { skipSpecialTokens: true },
        ),
        tokens: tokens.length,
        finish_reason: finishReason,
      })),
    );
    expect(Object.keys(written()[0]!)).toEqual(['index', 'text', 'tokens', 'finish_reason']);
    expect(contents(folder())).toEqual(['answers.jsonl']);
  });

  it('need nothing of a row but what is asked', async () => {
    await lifealign(...args(ROWS));
    const whole = written();
    const file = dataFile([
      { query: rows[0]!.query },
      { prompt: [{ role: 'user', content: rows[1]!.query }] },
      { nothing: true },
    ]);
    const refused = await lifealign(...args(file));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/data\.json, row 3, field "prompt": missing/);
    const { code, stderr } = await lifealign(...args(file, '--invalid-rows', 'skip', '--batch-size', '1'));
    expect(code).toBe(0);
    expect(stderr).toMatch(/data\.json: row 3 is left out: field "prompt": missing.*\n.*1 rows left out\n/);
    expect(written()).toEqual(whole.slice(0, 2));
  });

  it('are several for a prompt where asked, drawn by the seed', async () => {
    const drawn = ['--temperature', '1.5', '--top-p', '0.9', '--top-k', '50', '--min-p', '0.01'];
    const some = [...drawn, '--samples', '2', '--repetition-penalty', '1.1'];
    await lifealign(...args(ROWS, ...some, '--seed', '3'));
    const first = written();
    expect(first.map(({ index, sample }) => [index, sample])).toEqual(
      rows.flatMap((_, row) => [0, 1].map((sample) => [row, sample])),
    );
    expect(first[0]!['text']).not.toBe(first[1]!['text']);
    await lifealign(...args(ROWS, ...some, '--seed', '3', '--batch-size', '3'));
    expect(written()).toEqual(first);
    await lifealign(...args(ROWS, ...some, '--seed', '4'));
    expect(written()).not.toEqual(first);
  });

  it('are drawn by the row, whichever others there are', async () => {
    const drawn = ['--temperature', '1.5', '--invalid-rows', 'skip', '--threads', '1'];
    await lifealign(...args(dataFile(rows), ...drawn));
    const [, ...others] = written();
    await lifealign(...args(dataFile([{}, ...rows.slice(1)]), ...drawn));
    expect(written()).toEqual(others);
  });

  it('end before a stop string', async () => {
    await lifealign(...args(ROWS));
    const whole = written().map(({ text }) => String(text));
    const stop = whole[0]!.slice(3, 5);
    await lifealign(...args(ROWS, '--stop', stop, '--stop', 'never said'));
    written().forEach(({ text, finish_reason }, row) => {
      const end = whole[row]!.indexOf(stop);
      if (end < 0) expect(text).toBe(whole[row]);
      else
        expect({ text, finish_reason }).toEqual({ text: whole[row]!.slice(0, end), finish_reason: 'stop' });
    });
    expect(written()[0]!['finish_reason']).toBe('stop');
  });

  it('are not written for a prompt that leaves no room', async () => {
    const file = dataFile([rows[0], { query: 'x'.repeat(600) }]);
    const { code, stderr } = await lifealign(...args(file));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /data\.json, row 2, field "prompt": the prompt has \d+ tokens; of the model's 512 positions none/,
    );
    expect(contents(folder())).toEqual(['data.json']);
    await lifealign(...args(file, '--invalid-rows', 'skip'));
    expect(written().map(({ index }) => index)).toEqual([0]);
  });
});

describe('generate of one prompt', () => {
  it('prints the answer', async () => {
    await lifealign(...args(ROWS));
    const command = ['generate', '--model', MODEL, '--max-new-tokens', '12'];
    const { code, stdout } = await lifealign(...command, '--prompt', rows[0]!.query);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${written()[0]!['text']}\n` });
  });

  it('says that it is cut off', async () => {
    const command = ['generate', '--model', MODEL, '--prompt', 'Hello', '--max-new-tokens', '1'];
    const cut = 'warning: the answer is cut off after 1 tokens (--max-new-tokens)';
    expect((await lifealign(...command)).stderr).toContain(cut);
  });
});

describe('generate refuses', () => {
  it.each([
    [['--temperature', '-1'], '--temperature -1: expected a number of at least 0'],
    [['--temperature', 'hot'], '--temperature hot: expected a number'],
    [['--top-p', '0'], '--top-p 0: expected a number above 0'],
    [['--min-p', '2'], '--min-p 2: expected a number from 0 to 1'],
    [['--top-k', '1.5'], '--top-k 1.5: expected a whole number'],
    [['--repetition-penalty', '0'], '--repetition-penalty 0: expected a number from 0.01 to 100'],
    [['--seed', '1.5'], '--seed 1.5: expected a whole number from 0'],
    [['--threads', '0'], '--threads 0: expected a whole number from 1'],
    [['--max-new-tokens', '0'], '--max-new-tokens 0: expected a whole number from 1'],
    [['--samples', '0'], '--samples 0: expected a whole number from 1'],
    [['--batch-size', 'x'], '--batch-size x: expected a whole number from 1'],
    [['--stop', ''], '--stop: empty'],
    [['--invalid-rows', 'maybe'], '--invalid-rows: expected error or skip'],
    [['--prompt', 'Hello'], '--prompt: its answer goes to standard output'],
  ])('%j', async (more, message) => {
    const { code, stdout, stderr } = await lifealign(...args(ROWS, ...more));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(contents(folder())).toEqual([]);
  });

  it('to write over the rows, under whatever name', async () => {
    const file = dataFile(rows);
    symlinkSync(file, at('answers.jsonl'));
    const { code, stderr } = await lifealign(...args(file));
    expect(code).toBe(2);
    expect(stderr).toContain('answers.jsonl: it is the file of --data');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(rows);
  });

  it('half a task', async () => {
    const without = async (...given: string[]) =>
      (await lifealign('generate', '--model', MODEL, ...given)).stderr;
    expect(await without('--data', ROWS)).toContain('--output: missing');
    expect(await without('--output', at('answers.jsonl'))).toContain('--data: missing');
    expect(await without('--prompt', ' ')).toContain('--prompt: empty');
    expect(await without('--prompt', 'Hello', '--samples', '2')).toContain('--samples: of one --prompt');
  });
});

it('Ctrl-C during generate ends with 1 and one line, nothing written', async () => {
  const { generate } = OrtEngine.prototype;
  vi.spyOn(OrtEngine.prototype, 'generate').mockImplementation(function (this: OrtEngine, ...given) {
    process.emit('SIGINT', 'SIGINT');
    return generate.apply(this, given);
  });
  const { code, stdout, stderr } = await lifealign(...args(ROWS));
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/lifealign: interrupted; nothing was written\n$/);
  expect(contents(folder())).toEqual([]);
});
