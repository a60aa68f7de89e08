/** What the engine decides by a model's size where its caller leaves it open. */
import type { DecoderConfig } from '../../model/config.ts';
import type { Recompute } from '../../model/graph/decoder.ts';
import type { Backward } from '../../model/graph/parameters.ts';
import { parameterCount } from '../../model/weights/expected-tensors.ts';

export interface BatchingDefaults {
  /** 0: as many as the machine has processors. */
  readonly threads: number;
  readonly pairsPerBatch: number;
  readonly microBatchTokens: number;
  /** Whether graphs share sessions, and so one mapping of the weights: it pays where those are large. */
  readonly sharedSessions: boolean;
  /** Packed tokens beyond which the backward pass computes so much again. */
  readonly recomputeBeyond: Readonly<Record<Exclude<Recompute, 'nothing'>, number>>;
}

/**
 * A large model's activations are its memory: what is cheap is always computed again; attention's probabilities, which
 * grow with the square of a length, in the longer batches, so that these need no more memory than the others; beyond
 * 640 tokens whole layers, which costs 29 % (`npx tsx bench/backward.ts` measures gradients). Two pairs share a system
 * prompt.
 */
const large: BatchingDefaults = {
  threads: 0,
  pairsPerBatch: 2,
  microBatchTokens: 448,
  sharedSessions: true,
  recomputeBeyond: { gates: 0, activations: 384, layers: 640 },
};

/**
 * A small model's operations are too short to be shared out among threads, which wait for each other, and
 * cost less each when they do more at a time. Measured on a million parameters (4 layers, hidden size 128)
 * and pairs of 88 tokens, 2 cores, milliseconds of processor time per row:
 *
 *     threads × pairs    1 × 1   1 × 2   1 × 4   1 × 8   1 × 16   2 × 4
 *     scoring             3.1     2.8     2.6     2.7     2.6      5.6
 *     FPO's gradient      8.1     7.0     6.4     6.4     6.2     13.4
 *     session, seconds    0.2     0.3     0.4     0.9     2.2      0.5
 *
 * so the second thread gains nothing, and beyond four pairs graphs take longer to make. Computing layers again for batches of 1400 tokens made the gradient 2.3 times as slow;
 * a small model has the memory to keep them.
 */
const small: BatchingDefaults = {
  threads: 1,
  pairsPerBatch: 4,
  microBatchTokens: 2048,
  sharedSessions: false,
  recomputeBeyond: { gates: 2048, activations: 2048, layers: 4096 },
};

const mostParametersOfSmall = 5e6;

export function batchingDefaults(config: DecoderConfig): BatchingDefaults {
  return parameterCount(config) <= mostParametersOfSmall ? small : large;
}

/**
 * Micro-batches at a time. Each lane has sessions and memory of its own, so two threads stay together; many would
 * wait for each other at the end of every operation. The runtime's products of 8-bit integers hardly gain from a
 * second thread.
 */
export function defaultLanes(threads: number, backward: Backward): number {
  const threadsEach = backward === 'int8' ? 1 : 2;
  return Math.max(1, Math.min(8, Math.floor(threads / threadsEach)));
}

/** What a batch of so many packed tokens computes again in the backward pass. */
export function recomputeFor(tokens: number, { recomputeBeyond }: BatchingDefaults): Recompute {
  const most = (['layers', 'activations', 'gates'] as const).find((one) => tokens > recomputeBeyond[one]);
  return most ?? 'nothing';
}
