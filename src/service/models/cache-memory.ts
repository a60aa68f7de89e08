/** How much memory keys and values of running answers may come to, as the engine's cache lays them out. */
import { totalmem } from 'node:os';
import type { DecoderConfig } from '../../model/config.ts';

/** A batch as the cache sees it. */
export interface BatchExtent {
  /** The most answers it has had at a time. */
  readonly answers: number;
  /** Tokens of its longest answer, prompt included. */
  readonly positions: number;
}

const FLOAT_BYTES = 4;
/** Slots come in powers of two and tokens in blocks: `KeyValueCache`. */
const BLOCK = 64;
const DEFAULT_SHARE = 0.25;

/** Bytes that a batch of this extent may grow to. */
export function cacheBytes(
  { answers, positions }: BatchExtent,
  { layers, keyValueHeads, headSize }: Pick<DecoderConfig, 'layers' | 'keyValueHeads' | 'headSize'>,
): number {
  if (answers === 0) return 0;
  const slots = 2 ** Math.ceil(Math.log2(answers));
  const tokens = BLOCK * Math.ceil(positions / BLOCK);
  return 2 * layers * keyValueHeads * headSize * FLOAT_BYTES * slots * tokens;
}

/** A quarter of what the machine, or its container, has. */
export function defaultCacheMemory(): number {
  return DEFAULT_SHARE * Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}
