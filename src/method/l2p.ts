/**
 * L2P: of a pool of soft prompts those nearest to a row are put in front of it, and the pool is all that is trained.
 * [Wang et al. 2022, "Learning to Prompt for Continual Learning", arXiv:2112.08654, eq. 3 to 5]
 *
 *     loss − key_weight · mean over the step's rows Σ over the row's chosen prompts cos(query, key)
 *
 * A prompt's key is the mean of its vectors, not a vector of its own, as the LifeAlign paper's baseline has it, so
 * the second term trains the same numbers as the first. A query is the mean embedding of the prompt's tokens; that
 * code takes the response's in, which is unknown when an answer is asked for. Which prompts are chosen is decided
 * anew for every step and is not differentiated (model/prompt-pool.ts).
 */
import * as z from 'zod';
import { addScaled, dot, norm } from '../memory/matrix.ts';
import { type Adapter, isPromptPool, type PromptPool, SOFT_PROMPTS } from '../model/adapter.ts';
import { createPromptPool, nearestKeys, promptKeys } from '../model/prompt-pool.ts';
import { defineMethod, type Penalty } from './method.ts';

const count = z.int().positive();

export const l2p = defineMethod({
  name: 'l2p',
  description: 'a pool of soft prompts instead of LoRA matrices, those nearest to a row in front of it (L2P)',
  defaults: { objective: { name: 'dpo' }, replay: 'off', consolidation: null },
  settings: z
    .strictObject({
      pool_size: count.default(10),
      prompt_length: count.default(5),
      top_k: count.default(3),
      key_weight: z.number().nonnegative().default(0.5),
    })
    .refine(({ pool_size, top_k }) => top_k <= pool_size, {
      path: ['top_k'],
      error: 'expected at most pool_size',
    }),
  createPool({ pool_size: poolSize, prompt_length: promptLength, top_k: topK }, embeddings, random) {
    return createPromptPool({ poolSize, promptLength, topK }, embeddings, random);
  },
  begin: ({ key_weight: weight }, { embeddings }) => ({
    penalty: (trained, rows) =>
      keyPenalty(
        poolOf(trained),
        rows.map(({ prompt }) => embeddings.mean(prompt)),
        weight,
      ),
  }),
});

function poolOf(adapter: Adapter): PromptPool {
  if (isPromptPool(adapter)) return adapter;
  throw new Error('expected a prompt pool, got LoRA matrices');
}

/** With d cos / d key = (query / |query| − cos · key / |key|) / |key|, shared out among the prompt's vectors. */
function keyPenalty(pool: PromptPool, queries: readonly Float64Array[], weight: number): Penalty {
  const { promptLength, topK } = pool.settings;
  const { data } = pool.tensors.get(SOFT_PROMPTS)!;
  const keys = promptKeys(pool);
  const slopes = keys.map((key) => new Float64Array(key.length));
  const scale = -weight / queries.length;
  let value = 0;
  for (const query of queries) {
    for (const at of nearestKeys(query, keys, topK)) {
      const key = keys[at]!;
      const [ofQuery, ofKey] = [norm(query), norm(key)];
      // The cosine with a zero vector is 0, and has no slope.
      if (ofQuery === 0 || ofKey === 0) continue;
      const similarity = dot(query, key) / ofQuery / ofKey;
      value += scale * similarity;
      addScaled(slopes[at]!, scale / ofQuery / ofKey, query);
      addScaled(slopes[at]!, (-scale * similarity) / ofKey / ofKey, key);
    }
  }
  const columns = data.length / keys.length / promptLength;
  const gradient = Float32Array.from(data, (_, at) => {
    const prompt = Math.floor(at / columns / promptLength);
    return slopes[prompt]![at % columns]! / promptLength;
  });
  return { value, gradients: new Map([[SOFT_PROMPTS, gradient]]) };
}
