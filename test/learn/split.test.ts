import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitRows } from '../../src/learn/split.ts';
import { DataError } from '../../src/support/errors.ts';
import type { TaskRows } from '../../src/train/task-rows.ts';

const settings = { gate: 0.2, report: 0.2, least: 1 };

/** Rows of the given prompts, with what tells them apart in their answers. */
function rowsOf(prompts: readonly string[]): TaskRows {
  const rows = prompts.map((content, index) => ({
    index,
    prompt: [{ role: 'user', content }],
    chosen: `yes ${index}`,
    rejected: `no ${index}`,
  }));
  const encoded = rows.map(({ index }) => {
    const tokens = Int32Array.of(index);
    return { prompt: tokens, chosen: tokens, rejected: tokens };
  });
  return { file: 'rows.json', sha256: 'hash', rows, encoded, cutPrompts: 0, skippedRows: 0 };
}

const prompts = Array.from({ length: 50 }, (_, at) => `prompt ${at}`);
const promptsOf = ({ rows }: TaskRows) => rows.map(({ prompt }) => prompt[0]!.content);
const indices = ({ rows }: TaskRows) => rows.map(({ index }) => index);

function refusalOf(split: () => unknown): string | null {
  try {
    split();
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as DataError).message;
  }
}

describe('the split of a task', () => {
  it('puts every row in one part, in shares, with its encoding', () => {
    const { train, gate, report } = splitRows(rowsOf(prompts), null, settings, 0);
    expect([train, gate, report].map(({ rows }) => rows.length)).toEqual([30, 10, 10]);
    expect([train, gate, report].flatMap(indices).sort((a, b) => a - b)).toEqual([...prompts.keys()]);
    for (const part of [train, gate, report]) {
      expect(part.encoded.map(({ prompt }) => prompt[0])).toEqual(indices(part));
    }
  });

  it('takes numbers of rows as well as shares', () => {
    const { gate, report } = splitRows(rowsOf(prompts), null, { gate: 7, report: 0.1, least: 1 }, 0);
    expect([gate.rows.length, report.rows.length]).toEqual([7, 5]);
  });

  it('depends on the seed and not on the order of the file, and keeps equal prompts together', () => {
    const extra = fc.array(fc.nat(12), { minLength: 20, maxLength: 40 });
    fc.assert(
      fc.property(extra, fc.nat(), (more, seed) => {
        const texts = [...Array(13).keys(), ...more].map((number) => `prompt  ${number}`);
        const spread = (all: readonly string[]) => {
          const parts = splitRows(rowsOf(all), null, settings, seed);
          return Object.values(parts).map((part) => [...new Set(promptsOf(part))].sort());
        };
        // A prompt that most rows have can leave a part empty: then every order is refused.
        const refusal = refusalOf(() => spread(texts));
        if (refusal) {
          expect(() => spread(texts.toReversed())).toThrow(refusal);
          return;
        }
        const parts = spread(texts);
        expect(new Set(parts.flat()).size).toBe(parts.flat().length);
        expect(spread(texts.toReversed())).toEqual(parts);
      }),
    );
  });

  it('reports on the rows of a test file, where there is one', () => {
    const test = rowsOf(['other']);
    const { train, gate, report } = splitRows(rowsOf(prompts), test, settings, 0);
    expect(report).toBe(test);
    expect([train.rows.length, gate.rows.length]).toEqual([40, 10]);
  });

  it('refuses parts that are too small, naming the setting', () => {
    const small = rowsOf(prompts.slice(0, 20));
    expect(() => splitRows(small, null, { ...settings, least: 10 }, 0)).toThrow(
      /rows\.json: its 20 rows leave 4 for gate; at least 10.*split\.gate higher/,
    );
    expect(() => splitRows(small, null, { gate: 0.5, report: 0.5, least: 10 }, 0)).toThrow(/0 for train/);
    expect(() => splitRows(small, null, { gate: 0.01, report: 0.5, least: 1 }, 0)).toThrow(
      /split: no rows would be left for gate/,
    );
    expect(() => splitRows(small, rowsOf(['other']), { ...settings, least: 3 }, 0)).toThrow(/1 for report/);
  });

  it('hashes texts, wherever they stand', () => {
    const hash = (texts: readonly string[]) => splitRows(rowsOf(texts), null, settings, 0).train.sha256;
    expect(hash(prompts)).toBe(hash(prompts));
    expect(hash(prompts)).not.toBe(hash(prompts.map((text) => `${text}!`)));
  });
});
