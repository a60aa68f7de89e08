/**
 * What a step of training costs past one machine, from a model's shape and few measured numbers: operations, memory of
 * a rank, bytes between ranks. The bytes are what the worker counts (worker/PROTOCOL.md, counters), so that a run of
 * any size checks them; scaling.ts does.
 */

import { isTarget } from '../../src/model/adapter.ts';
import type { DecoderConfig } from '../../src/model/config.ts';
import { linearModules } from '../../src/model/linear-modules.ts';
import { parameterCount } from '../../src/model/weights/expected-tensors.ts';

export interface CostSetting {
  readonly config: DecoderConfig;
  readonly ranks: number;
  readonly parallel: 'ddp' | 'fsdp';
  readonly lora: { readonly rank: number; readonly targets: readonly string[] };
  /** Packed tokens of a step, over all ranks. */
  readonly tokens: number;
  /** Packed tokens of a rank's micro-batch, at most. */
  readonly microBatchTokens: number;
  /** Of weights and activations. */
  readonly bytesPerNumber: 2 | 4;
}

export interface StepCost {
  /** Forward, and backward to what lies before the frozen weights, which need no gradient: 4 a weight and token. */
  readonly operations: number;
  /** Micro-batches that one rank computes after another. */
  readonly waves: number;
  /** Of tensors summed over ranks: log-probs in float64 are too few to count, gradients of the LoRA matrices in float32. */
  readonly summedBytes: number;
  /** Of weights that a rank takes part in putting together: every layer once forward, once backward, in every wave. */
  readonly gatheredBytes: number;
  readonly weightBytes: number;
  /** What the backward pass needs of a micro-batch, the least that a layer can keep. */
  readonly activationBytes: number;
}

export function stepCost(setting: CostSetting): StepCost {
  const { config, ranks, parallel, lora, tokens, microBatchTokens, bytesPerNumber } = setting;
  const modules = linearModules(config);
  const inLayers = modules.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0);
  const head = config.vocabularySize * config.hiddenSize;
  const trained = modules
    .filter(({ path }) => lora.targets.some((target) => isTarget(target, path)))
    .reduce((sum, { inFeatures, outFeatures }) => sum + lora.rank * (inFeatures + outFeatures), 0);
  const ofRank = Math.ceil(tokens / ranks);
  const waves = Math.ceil(ofRank / microBatchTokens);
  const all = parameterCount(config);
  const layerBytes = (all - outsideLayers(config)) * bytesPerNumber;
  const isSharded = parallel === 'fsdp' && ranks > 1;
  return {
    operations: 4 * (inLayers + head) * tokens,
    waves,
    summedBytes: ranks > 1 ? 4 * trained : 0,
    gatheredBytes: isSharded ? 2 * waves * layerBytes : 0,
    // The layer at work and the one that is fetched ahead are whole.
    weightBytes: isSharded
      ? outsideLayers(config) * bytesPerNumber + layerBytes / ranks + (2 * layerBytes) / config.layers
      : all * bytesPerNumber,
    activationBytes:
      Math.min(ofRank, microBatchTokens) * config.layers * keptPerToken(config) * bytesPerNumber,
  };
}

/** Embeddings, last norm and head, which every rank holds whole. */
function outsideLayers({ vocabularySize, hiddenSize, tiedEmbeddings }: DecoderConfig): number {
  return (tiedEmbeddings ? 1 : 2) * vocabularySize * hiddenSize + hiddenSize;
}

/** Both norms' inputs, LoRA's input, queries and what attention gives, keys and values, gate and up. */
function keptPerToken({
  hiddenSize,
  heads,
  keyValueHeads,
  headSize,
  intermediateSize,
}: DecoderConfig): number {
  return 3 * hiddenSize + 2 * (heads + keyValueHeads) * headSize + 2 * intermediateSize;
}
