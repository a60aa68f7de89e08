/**
 * The tokenizer in a GGUF file's metadata, as Hugging Face's `tokenizer.json` and
 * `tokenizer_config.json`: vocabulary, merges, special tokens, chat template.
 */
import { metadataOf } from './metadata.ts';
import { PRE_TOKENIZATIONS, type PreTokenization } from './pre-tokenizers.ts';
import type { GgufFile } from './types.ts';

/** Values of `tokenizer.ggml.token_type` that matter for a byte-level tokenizer. */
const CONTROL_TOKEN = 3;
const USER_DEFINED_TOKEN = 4;

const TOKENS = 'tokenizer.ggml.tokens';
const TOKEN_TYPES = 'tokenizer.ggml.token_type';
const MERGES = 'tokenizer.ggml.merges';

interface TokenizerFiles {
  readonly tokenizer: object;
  readonly tokenizerConfig: object;
}

/**
 * Both files of the tokenizer in `file`.
 *
 * @param vocabularySize rows of the embedding; no token id may lie beyond them
 * @throws UserError for another kind of tokenizer, an unknown pre-tokenizer, or inconsistent tables
 */
export function tokenizerFromGguf(file: GgufFile, vocabularySize: number): TokenizerFiles {
  const metadata = metadataOf(file);
  const model = metadata.text('tokenizer.ggml.model');
  if (model !== 'gpt2') {
    metadata.fail('tokenizer.ggml.model', `"${model}" is not supported; supported: gpt2 (byte-level BPE)`);
  }
  const pre = metadata.text('tokenizer.ggml.pre');
  const known = Object.hasOwn(PRE_TOKENIZATIONS, pre) ? PRE_TOKENIZATIONS[pre] : undefined;
  if (known === undefined) {
    const supported = Object.keys(PRE_TOKENIZATIONS).join(', ');
    return metadata.fail('tokenizer.ggml.pre', `"${pre}" is not supported; supported: ${supported}`);
  }
  const tokens = metadata.texts(TOKENS);
  if (tokens.length > vocabularySize) {
    metadata.fail(TOKENS, `${tokens.length} tokens for an embedding of ${vocabularySize} rows`);
  }
  return {
    tokenizer: tokenizerJson(file, known, tokens),
    tokenizerConfig: tokenizerConfigJson(file, tokens),
  };
}

function tokenizerJson(file: GgufFile, pre: PreTokenization, tokens: readonly string[]): object {
  const metadata = metadataOf(file);
  const vocabulary = new Map(tokens.map((token, id) => [token, id]));
  if (vocabulary.size !== tokens.length) {
    const twice = tokens.find((token, id) => vocabulary.get(token) !== id);
    metadata.fail(TOKENS, `the token ${JSON.stringify(twice)} occurs twice`);
  }
  const bos = metadata.boolean('tokenizer.ggml.add_bos_token', false)
    ? specialToken(file, tokens, 'bos')
    : null;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(file, tokens),
    normalizer: pre.normalizer,
    pre_tokenizer: pre.preTokenizer,
    post_processor: bos === null ? null : bosTemplate(bos, vocabulary.get(bos) as number),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre.ignoreMerges,
      vocab: Object.fromEntries(vocabulary),
      merges: checkedMerges(file, vocabulary),
    },
  };
}

/** Control tokens are special (left out of decoded text); user-defined ones are only kept whole. */
function addedTokens(file: GgufFile, tokens: readonly string[]): object[] {
  const metadata = metadataOf(file);
  const types = metadata.numbers(TOKEN_TYPES);
  if (types.length !== tokens.length) {
    metadata.fail(TOKEN_TYPES, `${types.length} types for ${tokens.length} tokens`);
  }
  return tokens.flatMap((content, id) => {
    const type = types[id];
    if (type !== CONTROL_TOKEN && type !== USER_DEFINED_TOKEN) return [];
    const special = type === CONTROL_TOKEN;
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}

/** Merges as pairs; both parts and their union must be tokens. */
function checkedMerges(file: GgufFile, vocabulary: ReadonlyMap<string, number>): [string, string][] {
  const metadata = metadataOf(file);
  return metadata.texts(MERGES).map((merge, index) => {
    const space = merge.indexOf(' ', 1);
    const pair: [string, string] = [merge.slice(0, space), merge.slice(space + 1)];
    if (space < 0 || ![...pair, pair.join('')].every((part) => vocabulary.has(part))) {
      metadata.fail(
        MERGES,
        `merge ${index + 1}, ${JSON.stringify(merge)}, does not join two tokens into a token`,
      );
    }
    return pair;
  });
}

/** Puts the beginning-of-sequence token before every text, for readers that ask for special tokens. */
function bosTemplate(token: string, id: number): object {
  const special = { SpecialToken: { id: token, type_id: 0 } };
  return {
    type: 'TemplateProcessing',
    single: [special, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [special, { Sequence: { id: 'A', type_id: 0 } }, special, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}

function tokenizerConfigJson(file: GgufFile, tokens: readonly string[]): object {
  const metadata = metadataOf(file);
  const eos = specialToken(file, tokens, 'eos');
  if (eos === null) return metadata.fail('tokenizer.ggml.eos_token_id', 'is missing; expected a token id');
  return {
    add_bos_token: metadata.boolean('tokenizer.ggml.add_bos_token', false),
    add_prefix_space: false,
    bos_token: specialToken(file, tokens, 'bos'),
    eos_token: eos,
    pad_token: specialToken(file, tokens, 'padding'),
    unk_token: specialToken(file, tokens, 'unknown'),
    ...(metadata.has('tokenizer.chat_template')
      ? { chat_template: metadata.text('tokenizer.chat_template') }
      : {}),
    clean_up_tokenization_spaces: false,
    tokenizer_class: 'PreTrainedTokenizerFast',
  };
}

function specialToken(
  file: GgufFile,
  tokens: readonly string[],
  role: 'bos' | 'eos' | 'padding' | 'unknown',
): string | null {
  const metadata = metadataOf(file);
  const key = `tokenizer.ggml.${role}_token_id`;
  if (!metadata.has(key)) return null;
  const id = metadata.count(key, 0);
  return tokens[id] ?? metadata.fail(key, `${id} is not the id of one of the ${tokens.length} tokens`);
}
