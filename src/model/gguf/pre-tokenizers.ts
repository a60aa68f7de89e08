/**
 * How text is cut before byte-pair merging, for each `tokenizer.ggml.pre` that is known. GGUF stores
 * only this name; a wrong guess would tokenise numbers or punctuation differently from training, so
 * an unknown name is refused. [Names: llama.cpp's llama-vocab.cpp; patterns: each model's tokenizer.json]
 */
import { GPT2_PATTERN } from '../../text/tokenizer-definition.ts';

export interface PreTokenization {
  readonly normalizer: object | null;
  readonly preTokenizer: object;
  /** Whether a whole piece that is in the vocabulary is taken without merging. */
  readonly ignoreMerges: boolean;
}

/** Byte-level alphabet; with `useRegex` after GPT-2's pattern. */
function byteLevel(useRegex: boolean): object {
  return { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: useRegex };
}

function split(pattern: string): object {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}

function sequence(...pretokenizers: object[]): object {
  return { type: 'Sequence', pretokenizers };
}

/** Llama 3's and Qwen2's pattern; they differ in how many digits stay together. */
function wordPattern(digits: string): string {
  return (
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
    `${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
  );
}

export const PRE_TOKENIZATIONS: Readonly<Record<string, PreTokenization>> = {
  smollm: {
    normalizer: null,
    preTokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)),
    ignoreMerges: false,
  },
  'gpt-2': { normalizer: null, preTokenizer: byteLevel(true), ignoreMerges: false },
  'llama-bpe': {
    normalizer: null,
    preTokenizer: sequence(split(wordPattern('\\p{N}{1,3}')), byteLevel(false)),
    ignoreMerges: true,
  },
  qwen2: {
    normalizer: { type: 'NFC' },
    preTokenizer: sequence(split(wordPattern('\\p{N}')), byteLevel(false)),
    ignoreMerges: false,
  },
  // Not any model's own: what llama.cpp does with files converted without a known pre-tokenizer.
  default: {
    normalizer: null,
    preTokenizer: sequence(
      split('[\\p{P}\\$\\+<=>\\^~\\|]+'),
      split(GPT2_PATTERN),
      split('\\p{N}+'),
      split('[0-9][0-9][0-9]'),
      byteLevel(false),
    ),
    ignoreMerges: false,
  },
};
