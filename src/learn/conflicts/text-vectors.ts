/**
 * Texts as vectors of the base model's token embeddings, for likeness by words where letters differ: a weighted mean
 * in which frequent tokens count little, without what everyday texts have in common. [After Arora, Liang, Ma 2017, "A
 * simple but tough-to-beat baseline for sentence embeddings"]
 *
 * How frequent a token is, is told by its id: merges of a byte-pair vocabulary are numbered from the most frequent on,
 * so a share of 1 / (id + 1) is taken, as Zipf's law has it. What texts have in common is the mean over the built-in
 * everyday conversations. A vector so depends on the text and the base alone, never on what else is compared.
 */
import { generalConversations } from '../../data/builtin/neutral/general.ts';
import type { TokenEmbeddings } from '../../model/token-embeddings.ts';
import { Random } from '../../support/random.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';

/** Numbers of a vector. Cosines of wider embeddings are kept to a few hundredths by a random projection. */
const DIMENSIONS = 256;
/** Tokens of a share far below this count in full. */
const FREQUENT = 1e-4;
/** Embeddings read at a time. */
const READ_TOKENS = 256;

/** What the vectors are made from. */
export interface EmbeddingSource {
  readonly tokenizer: Pick<Tokenizer, 'encode'>;
  readonly embeddings: Pick<TokenEmbeddings, 'vectors' | 'vocabularySize' | 'hiddenSize'>;
}

export class TextVectors {
  readonly #source: EmbeddingSource;
  readonly #dimensions: number;
  /** [dimensions, hiddenSize] of ±1; null where embeddings are taken as they are. */
  readonly #directions: Int8Array | null;
  readonly #tokens = new Map<number, Float64Array>();
  readonly #common: Float64Array;

  constructor(source: EmbeddingSource) {
    const { hiddenSize } = source.embeddings;
    this.#source = source;
    this.#dimensions = Math.min(DIMENSIONS, hiddenSize);
    this.#directions = hiddenSize > DIMENSIONS ? randomSigns(DIMENSIONS * hiddenSize) : null;
    const texts = generalConversations.flatMap(({ messages, answer }) => [
      ...messages.map(({ content }) => content),
      answer,
    ]);
    this.#common = new Float64Array(this.#dimensions);
    for (const text of texts) addTo(this.#common, this.#mean(text), 1 / texts.length);
  }

  /** A vector of length 1, or of zeros for a text without tokens that the base knows. */
  of(text: string): Float32Array {
    const vector = this.#mean(text);
    if (vector.every((value) => value === 0)) return new Float32Array(this.#dimensions);
    addTo(vector, this.#common, -1);
    const length = Math.hypot(...vector);
    return Float32Array.from(vector, (value) => (length === 0 ? 0 : value / length));
  }

  #mean(text: string): Float64Array {
    const { tokenizer, embeddings } = this.#source;
    const ids = [...tokenizer.encode(text)].filter((id) => id < embeddings.vocabularySize);
    this.#read(ids);
    const harmonic = Math.log(embeddings.vocabularySize) + 0.5772;
    const mean = new Float64Array(this.#dimensions);
    let total = 0;
    for (const id of ids) {
      const share = 1 / ((id + 1) * harmonic);
      const weight = FREQUENT / (FREQUENT + share);
      addTo(mean, this.#tokens.get(id)!, weight);
      total += weight;
    }
    return total === 0 ? mean : mean.map((sum) => sum / total);
  }

  #read(ids: readonly number[]): void {
    const unknown = [...new Set(ids)].filter((id) => !this.#tokens.has(id));
    const vectors = this.#project(unknown);
    for (const [at, id] of unknown.entries()) this.#tokens.set(id, vectors[at]!);
  }

  /** The embeddings of tokens, in the dimensions that are compared. */
  #project(ids: readonly number[]): Float64Array[] {
    const { embeddings } = this.#source;
    const projected: Float64Array[] = [];
    for (let first = 0; first < ids.length; first += READ_TOKENS) {
      const part = ids.slice(first, first + READ_TOKENS);
      const values = embeddings.vectors(part);
      for (let row = 0; row < part.length; row++) {
        const vector = values.subarray(row * embeddings.hiddenSize, (row + 1) * embeddings.hiddenSize);
        projected.push(this.#reduced(vector));
      }
    }
    return projected;
  }

  #reduced(vector: Float32Array): Float64Array {
    const directions = this.#directions;
    if (directions === null) return Float64Array.from(vector);
    const reduced = new Float64Array(this.#dimensions);
    for (let at = 0, row = 0; at < reduced.length; at++, row += vector.length) {
      let sum = 0;
      for (let column = 0; column < vector.length; column++)
        sum += directions[row + column]! * vector[column]!;
      reduced[at] = sum;
    }
    return reduced;
  }
}

function addTo(sum: Float64Array, vector: Float64Array, factor: number): void {
  for (let at = 0; at < sum.length; at++) sum[at]! += factor * vector[at]!;
}

/** Of vectors of length 1. */
export function cosine(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += one[at]! * other[at]!;
  return sum;
}

/** The same for every base of a width: a row is one random direction. */
function randomSigns(length: number): Int8Array {
  const random = Random.fromSeed(0).fork('directions of text vectors');
  return Int8Array.from({ length }, () => (random.uniform() < 0.5 ? -1 : 1));
}
