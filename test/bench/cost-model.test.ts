/** The cost model of several ranks, by hand for a small shape. */
import { expect, it } from 'vitest';
import { stepCost } from '../../bench/torch/cost-model.ts';
import { parseDecoderConfig } from '../../src/model/config.ts';

const config = parseDecoderConfig(
  {
    ...{ model_type: 'llama', hidden_size: 8, intermediate_size: 10, num_hidden_layers: 2 },
    ...{ num_attention_heads: 2, num_key_value_heads: 1, vocab_size: 100, max_position_embeddings: 64 },
  },
  'config.json',
);
const setting = {
  ...{ config, tokens: 100, microBatchTokens: 20, bytesPerNumber: 4 as const },
  lora: { rank: 3, targets: ['q_proj', 'v_proj'] },
};
/** q 8·8, k and v 4·8, o 8·8, gate, up and down 80 each; two norms of 8. */
const LAYER = 64 + 32 + 32 + 64 + 240 + 16;
/** Embeddings, head, last norm. */
const OUTSIDE = 800 + 800 + 8;

it('counts one rank', () => {
  const cost = stepCost({ ...setting, ranks: 1, parallel: 'ddp' });
  expect(cost.operations).toBe(4 * (2 * (LAYER - 16) + 800) * 100);
  expect(cost).toMatchObject({ waves: 5, summedBytes: 0, gatheredBytes: 0 });
  expect(cost.weightBytes).toBe(4 * (2 * LAYER + OUTSIDE));
  // 3·8 for norms and LoRA, 2·(8 + 4) for attention, 2·10 for the gate.
  expect(cost.activationBytes).toBe(20 * 2 * (24 + 24 + 20) * 4);
});

it('counts what several ranks send', () => {
  const ddp = stepCost({ ...setting, ranks: 4, parallel: 'ddp' });
  // A of 3·8 and B of 8·3, A of 3·8 and B of 4·3, in two layers.
  expect(ddp.summedBytes).toBe(4 * 2 * (24 + 24 + 24 + 12));
  expect(ddp).toMatchObject({ waves: 2, gatheredBytes: 0 });
  const fsdp = stepCost({ ...setting, ranks: 4, parallel: 'fsdp' });
  expect(fsdp.gatheredBytes).toBe(2 * 2 * 4 * 2 * LAYER);
  expect(fsdp.weightBytes).toBe(4 * (OUTSIDE + (2 * LAYER) / 4 + 2 * LAYER));
});
