/** A byte-level tokenizer without merges and a one-line template: small enough to work ids out by hand. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** GPT-2's printable stand-ins for the 256 bytes. */
function byteAlphabet(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(printable ? byte : next++);
  });
}

/**
 * Ids 0–255 are the bytes, 256 is <bos>, 257 is <eos>, 258 on are the pairs of `merges`; the
 * post-processor asks for <bos>.
 */
export function tinyTokenizer(merges: readonly (readonly [number, number])[] = []): object {
  const alphabet = byteAlphabet();
  const pairs = merges.map(([left, right]) => [alphabet[left] ?? '', alphabet[right] ?? '']);
  const merged = pairs.map((pair, index) => [pair.join(''), 258 + index]);
  const special = ['<bos>', '<eos>'].map((content, index) => ({
    id: 256 + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<bos>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<bos>': { id: '<bos>', ids: [256], tokens: ['<bos>'] } },
    },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      vocab: Object.fromEntries([...alphabet.map((character, byte) => [character, byte]), ...merged]),
      merges: pairs,
    },
  };
}

export const TINY_TEMPLATE =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}" +
  '[{{ m.role[0] }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[a]{% endif %}';

interface Changes {
  readonly tokenizer?: unknown;
  readonly config?: Readonly<Record<string, unknown>>;
}

export async function writeModelFolder(
  folder: string,
  { tokenizer = tinyTokenizer(), config = {} }: Changes = {},
) {
  const whole = { bos_token: '<bos>', eos_token: '<eos>', chat_template: TINY_TEMPLATE, ...config };
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(whole));
}
