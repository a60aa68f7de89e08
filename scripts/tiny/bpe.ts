/**
 * Trains a byte-level BPE tokenizer: texts in, the content of a `tokenizer.json` out.
 *
 * The algorithm is that of Sennrich et al. 2016 (arXiv:1508.07909) on bytes, as GPT-2 uses it: texts are cut
 * into words, and the most frequent pair of neighbouring tokens inside words becomes a token, again and
 * again. Of equally frequent pairs the one with the lower ids is taken, so the result depends on the texts
 * alone.
 */
import { GPT2_PATTERN } from '../../src/text/tokenizer-definition.ts';

export interface BpeSettings {
  /** Tokens in all: special tokens, the 256 bytes, and one for each merge. */
  readonly vocabularySize: number;
  /** They get the first ids, in this order. */
  readonly specialTokens: readonly string[];
}

/** Two neighbouring token ids. */
type Pair = readonly [left: number, right: number];

/**
 * @param texts conversations without their special tokens
 * @throws {Error} if they have too few different pairs for so many tokens.
 */
export function trainTokenizer(texts: Iterable<string>, settings: BpeSettings): object {
  return tokenizerDefinition(settings.specialTokens, learn(countWords(texts), settings));
}

/** A digit, or what GPT-2's pattern finds between digits. */
const digits = /(\p{N})/u;
const words = new RegExp(GPT2_PATTERN, 'gu');

function countWords(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const part of text.split(digits)) {
      for (const [word] of part.matchAll(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

interface Word {
  readonly count: number;
  /** Token ids, shorter with every merge. */
  tokens: number[];
}

/** Pairs as one number, in the order of (left, right). */
const pairBase = 2 ** 20;
const pairKey = (left: number, right: number) => left * pairBase + right;

/** What was learned: every token's bytes-as-characters by id, and the merges in their order. */
interface Vocabulary {
  readonly tokens: readonly string[];
  readonly merges: readonly (readonly [string, string])[];
}

function learn(
  counts: ReadonlyMap<string, number>,
  { specialTokens, vocabularySize }: BpeSettings,
): Vocabulary {
  const tokens = [...specialTokens, ...byteAlphabet()];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: [string, string][] = [];
  const pairs = new PairIndex(
    Array.from(counts, ([word, count]) => ({
      count,
      tokens: Array.from(Buffer.from(word), (byte) => specialTokens.length + byte),
    })),
  );
  while (tokens.length < vocabularySize) {
    const best = pairs.mostFrequent();
    if (!best) throw new Error(`the texts give ${tokens.length} tokens; ${vocabularySize} are wanted`);
    const parts: [string, string] = [tokens[best[0]]!, tokens[best[1]]!];
    const merged = parts.join('');
    // Two ways to the same token share its id.
    const id = ids.get(merged) ?? tokens.push(merged) - 1;
    ids.set(merged, id);
    pairs.merge(best, id);
    merges.push(parts);
  }
  return { tokens, merges };
}

/** How often each pair occurs, and in which words, kept up to date as words are merged. */
class PairIndex {
  readonly #counts = new Map<number, number>();
  readonly #words = new Map<number, Set<Word>>();

  constructor(all: readonly Word[]) {
    for (const word of all) this.#add(word);
  }

  mostFrequent(): Pair | undefined {
    let best: number | undefined;
    let bestCount = 0;
    for (const [key, count] of this.#counts) {
      if (count > bestCount || (count === bestCount && best !== undefined && key < best)) {
        best = key;
        bestCount = count;
      }
    }
    return best === undefined ? undefined : [Math.floor(best / pairBase), best % pairBase];
  }

  /** Makes every occurrence of the pair the token `merged`, from the left. */
  merge([left, right]: Pair, merged: number): void {
    for (const word of [...(this.#words.get(pairKey(left, right)) ?? [])]) {
      this.#remove(word);
      const tokens: number[] = [];
      for (const token of word.tokens) {
        // A token just made is no half of the pair, so aaa becomes Xa.
        if (token === right && tokens.at(-1) === left) tokens[tokens.length - 1] = merged;
        else tokens.push(token);
      }
      word.tokens = tokens;
      this.#add(word);
    }
  }

  #add(word: Word): void {
    forEachPair(word, (key) => {
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + word.count);
      const having = this.#words.get(key) ?? new Set();
      this.#words.set(key, having.add(word));
    });
  }

  #remove(word: Word): void {
    forEachPair(word, (key) => {
      const left = this.#counts.get(key)! - word.count;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
      this.#words.get(key)?.delete(word);
    });
  }
}

function forEachPair({ tokens }: Word, visit: (key: number) => void): void {
  for (let at = 1; at < tokens.length; at++) visit(pairKey(tokens[at - 1]!, tokens[at]!));
}

/** GPT-2's printable stand-ins for the 256 bytes. [Radford et al. 2019, encoder.py] */
function byteAlphabet(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(printable ? byte : next++);
  });
}

/** As `tokenizers` writes it. */
function tokenizerDefinition(specialTokens: readonly string[], { tokens, merges }: Vocabulary): object {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel],
    },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}
