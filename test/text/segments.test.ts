import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PreferenceRow } from '../../src/data/row.ts';
import { encodePrompt, encodeResponse, encodeRows } from '../../src/text/segments.ts';
import { loadTextModel, type TextModel } from '../../src/text/text-model.ts';
import { writeModelFolder } from './tiny-model.ts';

let folder: string;
let model: TextModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-segments-'));
  await writeModelFolder(folder);
  model = await loadTextModel(folder);
});
afterAll(() => rm(folder, { recursive: true }));

const bytes = (text: string) => [...Buffer.from(text)];
const row = (prompt: string, chosen: string, rejected: string, index = 0): PreferenceRow => ({
  index,
  prompt: [{ role: 'user', content: prompt }],
  chosen,
  rejected,
});
const options = { file: 'f.json', maxLength: 20, invalidRows: 'error' } as const;

it('segments: rendered prompt; response as it is and the end-of-sequence token', () => {
  expect([...encodePrompt(row('hi', '', '').prompt, model)]).toEqual([256, ...bytes('[u]hi[a]')]);
  expect([...encodeResponse(' yes\n', model.tokenizer)]).toEqual([...bytes(' yes\n'), 257]);
});

describe('encodeRows', () => {
  // The prompt "[u]hi[a]" behind <bos> has 9 tokens; a response of n bytes has n + 1.
  it('leaves a row that just fits alone', () => {
    const result = encodeRows([row('hi', '0123456789', 'x')], model, options);
    expect(result).toMatchObject({ kept: [0], cutPrompts: 0, skipped: [] });
    expect(result.encoded[0]?.prompt).toHaveLength(9);
  });

  it('stops at the limit and looks at no row behind it', () => {
    const rows = [row('a', 'x'.repeat(30), 'y'), row('b', 'x', 'y', 1), row('c', 'x'.repeat(30), 'y', 2)];
    const result = encodeRows(rows, model, { ...options, invalidRows: 'skip', limit: 1 });
    expect(result.kept).toEqual([1]);
    expect(result.skipped.map((skipped) => skipped.row)).toEqual([1]);
    expect(encodeRows(rows.slice(1), model, { ...options, limit: 1 }).kept).toEqual([0]);
    expect(() => encodeRows(rows.slice(1), model, { ...options, limit: 2 })).toThrow('f.json, row 3');
  });

  it('refuses tokens beyond the vocabulary of the model, naming row and field', async () => {
    const small = { ...model, vocabularySize: 200 };
    const rows = [row('hi', 'a', 'b'), row('hi', 'a', 'é', 1)];
    const bare = { ...small, template: { render: () => 'hi' } } as unknown as TextModel;
    expect(() => encodeRows([row('hi', 'a', 'b', 4)], small, options)).toThrow(
      `f.json, row 5, field "prompt": the token "<bos>" has the id 256, beyond the model's vocabulary of 200`,
    );
    expect(() => encodeRows(rows, bare, options)).toThrow('f.json, row 1, field "chosen": the token "<eos>"');
    const { skipped } = encodeRows(
      rows,
      { ...model, vocabularySize: 257 },
      { ...options, invalidRows: 'skip' },
    );
    expect(skipped.map(({ field }) => field)).toEqual(['chosen', 'chosen']);
    expect(encodeRows(rows, { ...model, vocabularySize: 258 }, options).kept).toEqual([0, 1]);
  });

  it('refuses a tokenizer whose end-of-sequence token the model lacks when it is opened', async () => {
    await expect(loadTextModel(folder, 257)).rejects.toThrow(
      /tokenizer_config\.json, field "eos_token": its id 257 is beyond the model's vocabulary of 257/,
    );
    expect((await loadTextModel(folder, 258)).vocabularySize).toBe(258);
  });

  it('cuts the prompt on the left, by the longer response', () => {
    for (const [chosen, rejected] of [
      ['0123456789AB', 'x'],
      ['x', '0123456789AB'],
    ] as const) {
      const result = encodeRows([row('hi', chosen, rejected)], model, options);
      expect(result.cutPrompts).toBe(1);
      expect([...(result.encoded[0]?.prompt ?? [])]).toEqual(bytes('u]hi[a]'));
      expect(result.encoded[0]?.chosen).toHaveLength(chosen.length + 1);
      expect(result.encoded[0]?.rejected).toHaveLength(rejected.length + 1);
    }
  });

  it('keeps at least one prompt token, or the row is invalid', () => {
    const fits = encodeRows([row('hi', 'x'.repeat(18), 'y')], model, options);
    expect([...(fits.encoded[0]?.prompt ?? [])]).toEqual(bytes(']'));
    const tooLong = [row('hi', 'x', 'y', 3), row('hi', 'x', 'y'.repeat(19), 4)];
    const problem = 'the response has 20 tokens; at most 19 leave room for the prompt within max_length 20';
    expect(() => encodeRows(tooLong, model, options)).toThrow(`f.json, row 5, field "rejected": ${problem}`);
    const skipped = encodeRows([...tooLong, row('q', 'a', 'b', 5)], model, {
      ...options,
      invalidRows: 'skip',
    });
    expect(skipped).toMatchObject({ kept: [0, 2], skipped: [{ row: 5, field: 'rejected', problem }] });
    expect(skipped.encoded).toHaveLength(2);
  });

  it('a conversation the template refuses is an invalid row', () => {
    const refused = { ...row('q', 'a', 'b', 7), prompt: [{ role: 'system', content: 's' }] };
    expect(() => encodeRows([refused], model, options)).toThrow(
      /f\.json, row 8, field "prompt": .*no system/,
    );
    const { skipped } = encodeRows([refused], model, { ...options, invalidRows: 'skip' });
    expect(skipped).toMatchObject([{ row: 8, field: 'prompt' }]);
  });

  it('never exceeds the maximum, never touches responses, keeps the prompt’s end', () => {
    const text = fc.string({ maxLength: 30 });
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.integer({ min: 2, max: 60 }),
        (prompt, chosen, rejected, maxLength) => {
          const source = row(prompt, chosen, rejected);
          const result = encodeRows([source], model, { ...options, maxLength, invalidRows: 'skip' });
          const longer = 1 + Math.max(Buffer.byteLength(chosen), Buffer.byteLength(rejected));
          expect(result.encoded.length).toBe(longer < maxLength ? 1 : 0);
          const encoded = result.encoded[0];
          if (encoded === undefined) return;
          const whole = [...encodePrompt(source.prompt, model)];
          expect(encoded.prompt.length).toBe(Math.min(whole.length, maxLength - longer));
          expect([...encoded.prompt]).toEqual(whole.slice(-encoded.prompt.length));
          expect(encoded.chosen).toEqual(encodeResponse(chosen, model.tokenizer));
          expect(encoded.rejected).toEqual(encodeResponse(rejected, model.tokenizer));
        },
      ),
    );
  });
});
