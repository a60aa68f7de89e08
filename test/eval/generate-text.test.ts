/** Texts of answers, over an engine that says what it is told to. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine, Generated, GenerateOptions } from '../../src/engine/engine.ts';
import { generateText } from '../../src/eval/generate-text.ts';
import { Tokenizer } from '../../src/text/tokenizer.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { tinyTokenizer, writeModelFolder } from '../text/tiny-model.ts';

const folder = useTemporaryCache();
const BOS = 256;
const EOS = 257;

let tokenizer: Tokenizer;
beforeEach(async () => {
  await writeModelFolder(folder());
  tokenizer = await Tokenizer.load(folder());
});

/** Says these tokens, answer by answer, as far as it is let. */
function parrot(scripts: readonly (readonly number[])[]) {
  const asked: GenerateOptions[] = [];
  const generate = async (_prompts: unknown, _adapter: unknown, options: GenerateOptions) => {
    asked.push(options);
    return scripts.map((script, answer): Generated => {
      const tokens: number[] = [];
      for (const token of script) {
        tokens.push(token);
        const told = options.onToken?.(answer, token) === true;
        if (told || options.stopTokens.includes(token)) {
          return { tokens: Int32Array.from(tokens), finishReason: 'stop' };
        }
      }
      return { tokens: Int32Array.from(tokens), finishReason: 'length' };
    });
  };
  return { engine: { generate } as unknown as Engine, asked };
}

const bytes = (text: string) => [...Buffer.from(text)];
const prompts = (count: number) => Array.from({ length: count }, () => Int32Array.of(1));
const usual = { maxNewTokens: 99, endTokens: [EOS] };

describe('an answer', () => {
  it('is its text without the token that ended it, which is counted', async () => {
    const { engine } = parrot([[...bytes('yes'), EOS], bytes('no')]);
    expect(await generateText(engine, tokenizer, prompts(2), null, usual)).toEqual([
      { text: 'yes', tokens: 4, finishReason: 'stop', unknownTokens: 0 },
      { text: 'no', tokens: 2, finishReason: 'length', unknownTokens: 0 },
    ]);
  });

  it('ends at a stop string, and the engine is told at once', async () => {
    const { engine } = parrot([bytes('yes. And no.'), bytes('maybe')]);
    const options = { ...usual, stop: ['. '] };
    expect(await generateText(engine, tokenizer, prompts(2), null, options)).toMatchObject([
      { text: 'yes', tokens: 5, finishReason: 'stop' },
      { text: 'maybe', tokens: 5, finishReason: 'length' },
    ]);
  });

  it('ends at a special token that was told as a stop string', async () => {
    const { engine, asked } = parrot([[...bytes('a'), BOS, ...bytes('b')]]);
    const options = { ...usual, stop: ['<bos>'] };
    expect(await generateText(engine, tokenizer, prompts(1), null, options)).toMatchObject([{ text: 'a' }]);
    expect(asked[0]?.stopTokens).toEqual([EOS, BOS]);
  });

  it('has no stop string with a special token among others', async () => {
    const { engine } = parrot([[]]);
    const options = { ...usual, stop: ['a<bos>'] };
    await expect(generateText(engine, tokenizer, prompts(1), null, options)).rejects.toThrow(
      'the stop text "a<bos>" has the special token "<bos>" among others',
    );
  });

  it('ends at a stop string that only the end makes certain', async () => {
    // One token for "b" and the first byte of a character that never comes.
    await writeModelFolder(folder(), { tokenizer: tinyTokenizer([[98, 0xe2]]) });
    const { engine } = parrot([[...bytes('a'), 258]]);
    const options = { ...usual, stop: ['b'] };
    const own = await Tokenizer.load(folder());
    expect(await generateText(engine, own, prompts(1), null, options)).toMatchObject([
      { text: 'a', tokens: 2, finishReason: 'stop' },
    ]);
  });

  it('comes piece by piece where asked', async () => {
    const scripts = [[...bytes('é, or'), EOS], bytes('a.'), [...bytes('b'), 5000]];
    const { engine, asked } = parrot(scripts);
    const pieces = ['', '', ''];
    const onText = (answer: number, text: string) => {
      expect(text).not.toBe('');
      pieces[answer] += text;
    };
    const options = { ...usual, stop: ['. '], onText, samples: 3, temperature: 0.5, seed: 8 };
    const answers = await generateText(engine, tokenizer, prompts(1), null, options);
    expect(pieces).toEqual(['é, or', 'a.', 'b']);
    expect(answers.map(({ text }) => text)).toEqual(pieces);
    expect(answers.map(({ unknownTokens }) => unknownTokens)).toEqual([0, 0, 1]);
    expect(asked[0]).toMatchObject({ samples: 3, temperature: 0.5, seed: 8, maxNewTokens: 99 });
  });
});
