/** What the engine decides by a model's size. */
import { describe, expect, it } from 'vitest';
import { batchingDefaults, defaultLanes, recomputeFor } from '../../src/engine/ort/defaults.ts';
import { parseDecoderConfig } from '../../src/model/config.ts';
import { parameterCount } from '../../src/model/weights/expected-tensors.ts';
import { openTiny } from '../model/tiny.ts';

/** SmolLM2-135M. */
const smollm2 = parseDecoderConfig(
  {
    model_type: 'llama',
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    vocab_size: 49152,
    max_position_embeddings: 8192,
    tie_word_embeddings: true,
  },
  'config.json',
);

describe('batchingDefaults', () => {
  it('counts the parameters of SmolLM2 as its authors do', () => {
    expect(parameterCount(smollm2)).toBe(134_515_008);
  });

  it('takes a large model two pairs at a time on all threads, a small one by several on one', async () => {
    expect(batchingDefaults(smollm2)).toMatchObject({ threads: 0, pairsPerBatch: 2, microBatchTokens: 448 });
    const { model } = await openTiny('untied-gqa', 'all');
    expect(batchingDefaults(model.config)).toMatchObject({ threads: 1, pairsPerBatch: 4 });
  });

  it('recomputes more the longer a batch is, and never what fits', () => {
    const defaults = batchingDefaults(smollm2);
    expect([1, 384, 385, 640, 641].map((tokens) => recomputeFor(tokens, defaults))).toEqual([
      'gates',
      'gates',
      'activations',
      'activations',
      'layers',
    ]);
  });

  it('leaves two threads together, and many in pairs', () => {
    const threads = [1, 2, 3, 4, 16, 64];
    expect(threads.map((count) => defaultLanes(count, 'float32'))).toEqual([1, 1, 1, 2, 8, 8]);
    expect(threads.map((count) => defaultLanes(count, 'int8'))).toEqual([1, 2, 3, 4, 8, 8]);
  });
});
