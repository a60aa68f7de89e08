/** The tokenizer trainer of models/tiny: what it writes is a tokenizer, and its merges are the definition's. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainTokenizer } from '../../scripts/tiny/bpe.ts';
import { Tokenizer } from '../../src/text/tokenizer.ts';

interface Definition {
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (readonly [string, string])[];
  };
}

const specialTokens = ['<pad>', '<end>'];
const train = (texts: readonly string[], tokens: number) =>
  trainTokenizer(texts, { vocabularySize: tokens, specialTokens }) as Definition;

/** Sennrich's algorithm as the paper states it, over words of ASCII letters: everything counted anew each time. */
function plainMerges(words: readonly string[], count: number): string[][] {
  let cut = words.map((word) => [...word]);
  const order = new Map([...Array(128).keys()].map((code) => [String.fromCharCode(code), code]));
  const merges: string[][] = [];
  while (merges.length < count) {
    const pairs = new Map<string, { pair: string[]; count: number }>();
    for (const tokens of cut) {
      for (let at = 1; at < tokens.length; at++) {
        const pair = tokens.slice(at - 1, at + 1);
        const known = pairs.get(pair.join(' ')) ?? { pair, count: 0 };
        known.count++;
        pairs.set(pair.join(' '), known);
      }
    }
    const rank = ({ pair }: { pair: string[] }) => pair.map((token) => order.get(token) as number);
    const [best] = [...pairs.values()].sort((a, b) => {
      const [[a0, a1], [b0, b1]] = [rank(a), rank(b)] as [[number, number], [number, number]];
      return b.count - a.count || a0 - b0 || a1 - b1;
    });
    if (!best) break;
    merges.push(best.pair);
    const merged = best.pair.join('');
    if (!order.has(merged)) order.set(merged, 1000 + merges.length);
    cut = cut.map((tokens) => {
      const result: string[] = [];
      for (let at = 0; at < tokens.length; at++) {
        if (tokens[at] === best.pair[0] && tokens[at + 1] === best.pair[1]) {
          result.push(merged);
          at++;
        } else result.push(tokens[at] as string);
      }
      return result;
    });
  }
  return merges;
}

describe('trainTokenizer', () => {
  it('merges the most frequent pair first', () => {
    // ab: 5 times, bc: 3 times; then (ab, c), 3 times.
    const { model } = train(['abc', 'abc', 'abc', 'ab', 'ab'], 2 + 256 + 2);
    expect(model.merges).toEqual([
      ['a', 'b'],
      ['ab', 'c'],
    ]);
    expect([model.vocab['ab'], model.vocab['abc']]).toEqual([258, 259]);
  });

  it('takes the pair of lower ids among equally frequent ones, whatever the order of texts', () => {
    for (const texts of [
      ['yx', 'ba'],
      ['ba', 'yx'],
    ]) {
      expect(train(texts, 2 + 256 + 1).model.merges).toEqual([['b', 'a']]);
    }
  });

  it('has the merges of the plain algorithm', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 6 }),
        (words, count) => {
          const expected = plainMerges(words, 50);
          const tokens = new Set(expected.map((pair) => pair.join('')));
          fc.pre(tokens.size >= count);
          const { merges } = train(words, 2 + 256 + count).model;
          expect(merges).toEqual(expected.slice(0, merges.length));
          expect(new Set(merges.map((pair) => pair.join(''))).size).toBe(count);
        },
      ),
    );
  });

  it('never merges across digits, nor a word and the blank after it', () => {
    const { model } = train(Array<string>(9).fill('room 1000 room 1000'), 2 + 256 + 4);
    expect(model.merges.map((pair) => pair.join(''))).toEqual(['om', 'oom', 'room', 'Ġroom']);
  });

  it('says when there is nothing left to merge', () => {
    expect(() => train(['ab'], 2 + 256 + 2)).toThrow('259 tokens; 260 are wanted');
  });
});

describe('a trained tokenizer', () => {
  let folder: string;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifealign-bpe-'));
    const definition = train(['the shop is open, the café too', "we're there at 10"], 2 + 256 + 20);
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(definition));
    await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ eos_token: '<end>' }));
    tokenizer = await Tokenizer.load(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('gives every text back', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.string({
        unit: fc.constantFrom('the', ' ', 'é', '1', '٣', '\n', '😀', "'s", 'p', '<'),
        maxLength: 20,
      }),
    );
    fc.assert(
      fc.property(anything, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  it('uses what it learned, and knows its special tokens', () => {
    expect(tokenizer.encode('the').length).toBe(1);
    expect([...tokenizer.encode('<pad><end>')]).toEqual([0, 1]);
    expect(tokenizer.eosTokenId).toBe(1);
    expect(tokenizer.encode('10').length).toBe(2);
  });
});
