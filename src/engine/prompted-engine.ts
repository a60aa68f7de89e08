/**
 * Prompt pools over any engine: each row's prompts are chosen here, by the values that the pool has now, and the
 * engine below sees rows that begin with them. Rows of all other policies pass as they are.
 */
import { type Adapter, isPromptPool, type PromptPool } from '../model/adapter.ts';
import { nearestKeys, promptKeys } from '../model/prompt-pool.ts';
import type { TokenEmbeddings } from '../model/token-embeddings.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { Engine } from './engine.ts';

/** The engine for policies of any kind; results, errors and lengths are those of rows with their soft prompts. */
export function withPromptPools(engine: Engine, embeddings: TokenEmbeddings): Engine {
  const promptsOf = (prompts: readonly Int32Array[], adapter: Adapter | null) =>
    adapter && isPromptPool(adapter) ? prependPrompts(prompts, adapter, embeddings) : prompts;
  const rowsOf = (rows: readonly EncodedRow[], adapter: Adapter | null): readonly EncodedRow[] => {
    if (!adapter || !isPromptPool(adapter)) return rows;
    const prompts = rows.map(({ prompt }) => prompt);
    const prompted = prependPrompts(prompts, adapter, embeddings);
    return rows.map((row, at) => ({ ...row, prompt: prompted[at]! }));
  };
  return {
    identity: engine.identity,
    precision: engine.precision,
    checkBackward: (backward) => engine.checkBackward(backward),
    score: async (rows, adapter, options) => engine.score(rowsOf(rows, adapter), adapter, options),
    gradients: async (request, options) =>
      engine.gradients({ ...request, rows: rowsOf(request.rows, request.adapter) }, options),
    generate: async (prompts, adapter, options) =>
      engine.generate(promptsOf(prompts, adapter), adapter, options),
    openGeneration(adapter, options) {
      const open = engine.openGeneration(adapter, options);
      return {
        generate: async (prompts, options) => open.generate(promptsOf(prompts, adapter), options),
        close: () => open.close(),
      };
    },
    ...(engine.counters ? { counters: () => engine.counters!() } : {}),
    close: () => engine.close(),
  };
}

/** Soft prompts as token ids beyond the vocabulary, as engines take them. An array that is given twice stays one. */
function prependPrompts(
  prompts: readonly Int32Array[],
  pool: PromptPool,
  embeddings: TokenEmbeddings,
): readonly Int32Array[] {
  const { topK, promptLength } = pool.settings;
  const keys = promptKeys(pool);
  const made = new Map<Int32Array, Int32Array>();
  const prepend = (prompt: Int32Array): Int32Array => {
    const chosen = nearestKeys(embeddings.mean(prompt), keys, topK);
    const soft = chosen.flatMap((key) =>
      Array.from({ length: promptLength }, (_, at) => embeddings.vocabularySize + key * promptLength + at),
    );
    return Int32Array.of(...soft, ...prompt);
  };
  return prompts.map((prompt) => {
    // An engine refuses an empty prompt by itself, and there is nothing to ask the pool for.
    if (prompt.length === 0) return prompt;
    const known = made.get(prompt) ?? prepend(prompt);
    made.set(prompt, known);
    return known;
  });
}
