/** Tokens to text, as they come. The tokenizer has a token for every byte, so that characters are cut apart. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { AnswerText } from '../../src/text/answer-text.ts';
import { readEndTokens } from '../../src/text/end-tokens.ts';
import { Tokenizer } from '../../src/text/tokenizer.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { writeModelFolder } from './tiny-model.ts';

const folder = useTemporaryCache();
const EOS = 257;
let tokenizer: Tokenizer;

async function load(): Promise<Tokenizer> {
  await writeModelFolder(folder());
  return Tokenizer.load(folder());
}

/** A byte's id is the byte. */
const bytes = (text: string) => [...Buffer.from(text)];

/** The pieces given out for tokens, and the rest. */
function pieces(tokens: readonly number[], stops: readonly string[] = []) {
  const answer = new AnswerText(tokenizer, stops);
  const given = tokens.map((token) => answer.push(token));
  return { given, rest: answer.finish(), text: answer.text, stopped: answer.stopped, answer };
}

describe('the text of an answer', () => {
  beforeEach(async () => {
    tokenizer = await load();
  });

  it('comes a character at a time, when its bytes are there', () => {
    expect(pieces(bytes('aé€b')).given).toEqual(['a', '', 'é', '', '', '€', 'b']);
  });

  it('ends with what is no character', () => {
    const cut = pieces(bytes('a€').slice(0, -1));
    expect(cut.given).toEqual(['a', '', '']);
    expect(cut.rest).not.toBe('');
    expect(cut.text).toBe(tokenizer.decode(bytes('a€').slice(0, -1)));
  });

  it('waits for no more bytes than a character may lack', () => {
    const given = pieces(new Array(6).fill(0xff)).given.map((piece) => piece.length);
    expect(given).toEqual([0, 0, 0, 1, 1, 1]);
    // The rest of a character after what is none.
    expect(pieces([0xff, ...bytes('€'), ...bytes('b')]).given.join('')).toBe('\uFFFD€b');
  });

  it('ends before a stop string of what is no character', () => {
    expect(pieces([...bytes('a'), 0xff, ...bytes('b')], ['\uFFFD'])).toMatchObject({
      text: 'a',
      stopped: true,
    });
    const run = pieces([...bytes('ab'), ...new Array(9).fill(0xff)], ['b\uFFFD\uFFFD']);
    expect(run).toMatchObject({ text: 'a', stopped: true });
    expect(run.given.join('')).toBe('a');
  });

  it('leaves out special tokens and ids that the tokenizer does not have', () => {
    const { given, answer } = pieces([...bytes('a'), EOS, 9999, ...bytes('b')]);
    expect(given.join('')).toBe('ab');
    expect(answer.unknownTokens).toBe(1);
  });

  it('ends before a stop string, and what may begin one is held back', () => {
    const { given, text, stopped } = pieces(bytes('one\n\nQ: two'), ['\n\nQ:', 'zzz']);
    expect(given).toEqual(['o', 'n', 'e', '', '', '', '', '', '', '', '']);
    expect({ text, stopped }).toEqual({ text: 'one', stopped: true });
    expect(pieces(bytes('ab-a'), ['-b']).given).toEqual(['a', 'b', '', '-a']);
    expect(pieces(bytes('ab-'), ['-b'])).toMatchObject({ given: ['a', 'b', ''], rest: '-', text: 'ab-' });
  });

  it('ends before the first of several stop strings', () => {
    expect(pieces(bytes('a bb ccc'), ['cc', ' bb'])).toMatchObject({ text: 'a', stopped: true });
    expect(pieces(bytes('stop'), ['stop', 'to'])).toMatchObject({ text: 's', stopped: true });
  });

  it('is the same whole as piece by piece, for any tokens and stop strings', () => {
    const stops = fc.array(fc.stringMatching(/^[ab€\uFFFD]{1,3}$/), { maxLength: 2 });
    const tokens = fc.oneof(
      fc.stringMatching(/^[ab€é]{0,12}$/).map(bytes),
      fc.array(fc.nat({ max: 255 }), { maxLength: 12 }),
    );
    fc.assert(
      fc.property(tokens, stops, (some, ends) => {
        const { given, rest, text, stopped } = pieces(some, ends);
        const whole = tokenizer.decode(some);
        const cuts = ends.map((end) => whole.indexOf(end)).filter((at) => at >= 0);
        expect([...given, rest].join('')).toBe(text);
        expect(stopped).toBe(cuts.length > 0);
        if (cuts.length === 0) expect(text).toBe(whole);
        else expect(whole.startsWith(text)).toBe(true);
      }),
    );
  });
});

describe('the tokens that end an answer', () => {
  const write = (name: string, content: unknown) => writeFile(join(folder(), name), JSON.stringify(content));

  it('are the tokenizer’s and the generation configuration’s', async () => {
    const own = await load();
    expect(await readEndTokens(folder(), own)).toEqual([EOS]);
    await write('config.json', { eos_token_id: 7 });
    expect(await readEndTokens(folder(), own)).toEqual([7, EOS]);
    await write('generation_config.json', { eos_token_id: [9, 8, EOS] });
    expect(await readEndTokens(folder(), own)).toEqual([8, 9, EOS]);
    await write('generation_config.json', { eos_token_id: null });
    expect(await readEndTokens(folder(), own)).toEqual([EOS]);
  });

  it('are refused where they are none', async () => {
    const own = await load();
    await write('generation_config.json', { eos_token_id: 'end' });
    await expect(readEndTokens(folder(), own)).rejects.toThrow(
      /generation_config\.json, field "eos_token_id"/,
    );
  });
});
