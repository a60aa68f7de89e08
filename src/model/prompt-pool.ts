/**
 * Pools of soft prompts: how one begins, and which of its prompts a row gets. A prompt's key is the mean of its
 * vectors, a row's query the mean embedding of its prompt's tokens: never of the response, which is not there when
 * an answer is asked for. The prompts whose keys are nearest to the query by cosine are put in front, the nearest
 * first.
 */
import type { Random } from '../support/random.ts';
import {
  type Adapter,
  isPromptPool,
  type PromptPool,
  type PromptPoolSettings,
  SOFT_PROMPTS,
} from './adapter.ts';
import { meanOfRows, type TokenEmbeddings } from './token-embeddings.ts';

/** A pool whose vectors are embeddings of tokens drawn from the vocabulary. */
export function createPromptPool(
  settings: PromptPoolSettings,
  embeddings: TokenEmbeddings,
  random: Random,
): PromptPool {
  const rows = settings.poolSize * settings.promptLength;
  const tokens = Array.from({ length: rows }, () => random.integer(embeddings.vocabularySize));
  const data = embeddings.vectors(tokens);
  return { settings, tensors: new Map([[SOFT_PROMPTS, { shape: [rows, embeddings.hiddenSize], data }]]) };
}

/** How many tokens the adapter puts in front of each prompt. */
export function softTokenCount(adapter: Adapter | null): number {
  return adapter && isPromptPool(adapter) ? adapter.settings.topK * adapter.settings.promptLength : 0;
}

/** One for each prompt of the pool. */
export function promptKeys({ settings: { promptLength }, tensors }: PromptPool): readonly Float64Array[] {
  const { shape, data } = tensors.get(SOFT_PROMPTS)!;
  const [rows, columns] = shape;
  const size = promptLength * columns;
  return Array.from({ length: rows / promptLength }, (_, prompt) =>
    meanOfRows(data.subarray(prompt * size, (prompt + 1) * size), columns),
  );
}

/** The `count` keys nearest to the query by cosine, nearest first; of equally near ones the first. */
export function nearestKeys(
  query: Float64Array,
  keys: readonly Float64Array[],
  count: number,
): readonly number[] {
  const similarities = keys.map((key) => cosine(query, key));
  const order = Array.from(keys.keys()).sort((a, b) => similarities[b]! - similarities[a]! || a - b);
  return order.slice(0, count);
}

/** 0 where either vector is. */
function cosine(a: Float64Array, b: Float64Array): number {
  let [product, squaresA, squaresB] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    product += a[at]! * b[at]!;
    squaresA += a[at]! ** 2;
    squaresB += b[at]! ** 2;
  }
  const norms = Math.sqrt(squaresA) * Math.sqrt(squaresB);
  return norms === 0 ? 0 : product / norms;
}
