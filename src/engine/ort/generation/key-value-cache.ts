/**
 * The keys and values of all tokens of the rows at work: one buffer for each layer and side, in which every
 * row has a slot. The runtime writes new tokens in place; nothing is copied from step to step.
 */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import type { DecoderConfig } from '../../../model/config.ts';
import { type CacheSide, cachedHeadSize, cacheInput, cacheOutput } from '../../../model/graph/decode.ts';

/** Neighbouring slots as the decoding graph takes and returns them: the same memory under both names. */
export interface CacheView {
  readonly inputs: Readonly<Record<string, OrtTensor>>;
  readonly outputs: Readonly<Record<string, OrtTensor>>;
}

const SIDES: readonly CacheSide[] = ['keys', 'values'];

export class KeyValueCache {
  readonly #heads: number;
  readonly #capacity: number;
  readonly #size: number;
  readonly #buffers: readonly { side: CacheSide; layer: number; data: Float32Array }[];
  #last: { key: string; view: CacheView } | null = null;

  /** @param capacity tokens a slot has room for; memory that is never written to is never taken */
  constructor(config: DecoderConfig, slots: number, capacity: number) {
    this.#heads = config.keyValueHeads;
    this.#capacity = capacity;
    this.#size = cachedHeadSize(config);
    this.#buffers = Array.from({ length: config.layers }, (_, layer) =>
      SIDES.map((side) => ({ side, layer, data: new Float32Array(slots * this.#slotLength) })),
    ).flat();
  }

  get #slotLength(): number {
    return this.#heads * this.#capacity * this.#size;
  }

  /** `count` slots from `first` on. */
  view(first: number, count: number): CacheView {
    const key = `${first} ${count}`;
    if (this.#last?.key !== key) this.#last = { key, view: this.#makeView(first, count) };
    return this.#last.view;
  }

  #makeView(first: number, count: number): CacheView {
    const inputs: Record<string, OrtTensor> = {};
    const outputs: Record<string, OrtTensor> = {};
    const shape = [count, this.#heads, this.#capacity, this.#size];
    for (const { side, layer, data } of this.#buffers) {
      const slots = data.subarray(first * this.#slotLength, (first + count) * this.#slotLength);
      const tensor = new OrtTensor('float32', slots, shape);
      inputs[cacheInput(side, layer)] = tensor;
      outputs[cacheOutput(side, layer)] = tensor;
    }
    return { inputs, outputs };
  }

  /** Copies the first `length` tokens of one slot into another. */
  copy(from: number, to: number, length: number): void {
    if (from === to) return;
    for (const { data } of this.#buffers) {
      for (let head = 0; head < this.#heads; head++) {
        const start = (slot: number) => (slot * this.#heads + head) * this.#capacity * this.#size;
        data.copyWithin(start(to), start(from), start(from) + length * this.#size);
      }
    }
  }
}
