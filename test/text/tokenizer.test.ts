import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tokenizer } from '../../src/text/tokenizer.ts';
import { tinyTokenizer, writeModelFolder } from './tiny-model.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-tokenizer-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('encode and decode', () => {
  it('adds nothing, though the post-processor would', async () => {
    await writeModelFolder(folder);
    const tokenizer = await Tokenizer.load(folder);
    expect([...tokenizer.encode('')]).toEqual([]);
    // Ids of the tiny vocabulary: a byte's position in it; 256 <bos>, 257 <eos>.
    const bytes = [...tokenizer.encode('ab')];
    expect(tokenizer.decode(bytes)).toBe('ab');
    expect(bytes).toHaveLength(2);
    expect([...tokenizer.encode('a<eos>')]).toEqual([bytes[0], 257]);
    expect(tokenizer.eosTokenId).toBe(257);
  });

  it('leaves special tokens out only when asked to, and keeps blanks before punctuation', async () => {
    await writeModelFolder(folder);
    const tokenizer = await Tokenizer.load(folder);
    const ids = tokenizer.encode(' hi , you .<eos>');
    expect(tokenizer.decode(ids)).toBe(' hi , you .<eos>');
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(' hi , you .');
    expect(tokenizer.decode([])).toBe('');
    expect(() => tokenizer.decode([5, 999])).toThrow(/999/);
  });

  it('is not swayed by legacy switches in tokenizer_config.json', async () => {
    await writeModelFolder(folder);
    const plain = await Tokenizer.load(folder);
    await writeModelFolder(folder, { config: { remove_space: true, do_lowercase_and_remove_accent: true } });
    const tokenizer = await Tokenizer.load(folder);
    expect(tokenizer.encode('  Á  b ')).toEqual(plain.encode('  Á  b '));
    expect(tokenizer.identity).toBe(plain.identity);
  });
});

describe("pre-tokenizers the port reads differently are read as Python's `tokenizers` reads them", () => {
  it('Digits cuts off every numeric character, not ASCII digits alone', async () => {
    // " ½" is 20 C2 BD. The merge of 20 and C2 may not happen: ½ is a piece of its own.
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
    const digits = {
      type: 'Sequence',
      pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel],
    };
    const merge: readonly [number, number] = [0x20, 0xc2];
    await writeModelFolder(folder, { tokenizer: { ...tinyTokenizer([merge]), pre_tokenizer: digits } });
    expect([...(await Tokenizer.load(folder)).encode(' ½')]).toEqual([0x20, 0xc2, 0xbd]);
    await writeModelFolder(folder, { tokenizer: tinyTokenizer([merge]) });
    expect([...(await Tokenizer.load(folder)).encode(' ½')]).toEqual([258, 0xbd]);
  });

  it('ByteLevel takes U+FEFF for no blank', async () => {
    // U+FEFF is EF BB BF. As a blank it would join the blanks after it, and BF would merge with 20.
    await writeModelFolder(folder, { tokenizer: tinyTokenizer([[0xbf, 0x20]]) });
    expect([...(await Tokenizer.load(folder)).encode('\ufeff \n')]).toEqual([0xef, 0xbb, 0xbf, 0x20, 0x0a]);
  });
});

describe('identity', () => {
  it('changes with tokenizer.json and with the end-of-sequence token', async () => {
    await writeModelFolder(folder);
    const first = (await Tokenizer.load(folder)).identity;
    await writeModelFolder(folder, { config: { eos_token: '<bos>' } });
    const otherEos = (await Tokenizer.load(folder)).identity;
    await writeModelFolder(folder, { tokenizer: { ...tinyTokenizer(), normalizer: { type: 'NFC' } } });
    const otherRules = (await Tokenizer.load(folder)).identity;
    expect(new Set([first, otherEos, otherRules]).size).toBe(3);
  });
});

describe('what is refused', () => {
  const splitBy = (behavior: string) => ({
    ...tinyTokenizer(),
    pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior, invert: false },
  });
  it.each([
    ['no eos_token', { config: { eos_token: null } }, /tokenizer_config\.json, field "eos_token": missing/],
    ['an unknown eos_token', { config: { eos_token: '</s>' } }, /"<\/s>" is no token/],
    ['an eos_token of another type', { config: { eos_token: 2 } }, /field "eos_token"/],
    ['no model', { tokenizer: { added_tokens: [] } }, /tokenizer\.json, field "model"/],
    ['a list', { tokenizer: [] }, /tokenizer\.json, field "model"/],
    [
      'an unknown pre-tokenizer',
      { tokenizer: { ...tinyTokenizer(), pre_tokenizer: { type: 'X' } } },
      /understands/,
    ],
    [
      'a split the port gets wrong',
      { tokenizer: splitBy('MergedWithPrevious') },
      /"MergedWithPrevious" is not/,
    ],
  ])('%s', async (_, change, message) => {
    await writeModelFolder(folder, change);
    await expect(Tokenizer.load(folder)).rejects.toThrow(message);
    await expect(Tokenizer.load(folder)).rejects.toMatchObject({ exitCode: 2 });
  });

  it('a missing file, and broken JSON with its line', async () => {
    await expect(Tokenizer.load(folder)).rejects.toThrow(/tokenizer\.json/);
    await writeModelFolder(folder);
    await writeFile(join(folder, 'tokenizer.json'), '{\n"model": \n}');
    await expect(Tokenizer.load(folder)).rejects.toThrow(/tokenizer\.json, line 3/);
  });
});

it('takes an eos_token given as an object', async () => {
  await writeModelFolder(folder, { config: { eos_token: { content: '<eos>', special: true } } });
  expect((await Tokenizer.load(folder)).eosTokenId).toBe(257);
});
