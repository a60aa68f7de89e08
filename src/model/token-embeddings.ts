/**
 * The base's token embeddings as its first layer sees them: the few it asks for are read from the weight file, since the
 * whole table may take gigabytes.
 */
import type { ModelFolder } from './model-folder.ts';
import { readRows } from './weights/safetensors.ts';

export class TokenEmbeddings {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly #read: (tokens: ArrayLike<number>) => Float32Array;
  readonly #means = new WeakMap<Int32Array, Float64Array>();

  /** @param read gives the vectors of tokens, one after another */
  constructor(vocabularySize: number, hiddenSize: number, read: (tokens: ArrayLike<number>) => Float32Array) {
    this.vocabularySize = vocabularySize;
    this.hiddenSize = hiddenSize;
    this.#read = read;
  }

  static of({ config, weights }: Pick<ModelFolder, 'config' | 'weights'>): TokenEmbeddings {
    const name = 'model.embed_tokens.weight';
    const entry = weights.get(name);
    if (!entry) throw new Error(`the model has no weight "${name}"`);
    const { embeddingScale: scale, vocabularySize, hiddenSize } = config;
    return new TokenEmbeddings(vocabularySize, hiddenSize, (tokens) => {
      const rows = readRows(entry, tokens);
      return scale === undefined ? rows : rows.map((value) => value * scale);
    });
  }

  /** The tokens' vectors, one after another. [tokens · hiddenSize] */
  vectors(tokens: ArrayLike<number>): Float32Array {
    return this.#read(tokens);
  }

  /** Of all tokens, those that occur twice counted twice; kept for as long as the array of tokens is. [hiddenSize] */
  mean(tokens: Int32Array): Float64Array {
    let mean = this.#means.get(tokens);
    if (!mean) {
      mean = meanOfRows(this.vectors(tokens), this.hiddenSize);
      this.#means.set(tokens, mean);
    }
    return mean;
  }
}

/** Of the rows of a matrix that has some, given row-major. */
export function meanOfRows(rows: Float32Array, columns: number): Float64Array {
  const mean = new Float64Array(columns);
  for (let at = 0; at < rows.length; at++) mean[at % columns]! += rows[at]!;
  const count = rows.length / columns;
  return mean.map((sum) => sum / count);
}
