/**
 * The keys and values of all tokens of the rows at work: one buffer for each layer and side, in which every
 * row has a slot, and every head of a slot its tokens one after another. The runtime reads the buffers where
 * they are; a step's new keys and values, a few numbers each, are written in here.
 */
import { totalmem } from 'node:os';
import type { DecoderConfig } from '../../../model/config.ts';
import { type CacheSide, cacheInput, cacheSides, newOutput } from '../../../model/graph/decode.ts';
import { UserError } from '../../../support/errors.ts';
import type { Cache, Written } from '../../generation/step.ts';
import type { Feeds } from '../open-session.ts';
import type { NewKeysAndValues } from './step.ts';

/** The tokens before, as the decoding graph takes them. */
export interface Past {
  /** Places a row has, used or not. */
  readonly capacity: number;
  readonly feeds: Feeds;
}

/** Capacity is a multiple of it: growing copies everything, so it is not done for every token. */
const BLOCK = 64;

export class KeyValueCache implements Cache<Past, NewKeysAndValues> {
  readonly #heads: number;
  readonly #size: number;
  readonly #buffers: { side: CacheSide; layer: number; data: Float32Array }[];
  #slots = 0;
  #capacity = 0;

  constructor({ layers, keyValueHeads, headSize }: DecoderConfig) {
    this.#heads = keyValueHeads;
    this.#size = headSize;
    this.#buffers = Array.from({ length: layers }, (_, layer) =>
      cacheSides.map((side) => ({ side, layer, data: new Float32Array() })),
    ).flat();
  }

  /**
   * Makes room for so many slots and tokens in each; tokens take room away where twice as much is there.
   * What slots hold is kept as far as it fits.
   * @throws {UserError} if the machine has not that much memory
   */
  resize(atLeast: number, tokens: number): void {
    const slots = Math.max(atLeast, this.#slots);
    const capacity = BLOCK * Math.ceil(tokens / BLOCK);
    const fits = capacity <= this.#capacity && 2 * capacity > this.#capacity;
    if (fits && slots === this.#slots) return;
    const length = slots * this.#heads * capacity * this.#size;
    checkMemory(4 * length * this.#buffers.length, slots, capacity);
    const blocks = Math.min(slots, this.#slots) * this.#heads;
    const [old, kept] = [this.#capacity * this.#size, Math.min(capacity, this.#capacity) * this.#size];
    for (const buffer of this.#buffers) {
      const data = allocate(length, slots, capacity);
      for (let block = 0; block < blocks; block++) {
        data.set(buffer.data.subarray(block * old, block * old + kept), block * capacity * this.#size);
      }
      buffer.data = data;
    }
    this.#slots = slots;
    this.#capacity = capacity;
  }

  /** `count` slots from `first` on. */
  past(first: number, count: number): Past {
    const slotLength = this.#heads * this.#capacity * this.#size;
    const slice = (data: Float32Array) => data.subarray(first * slotLength, (first + count) * slotLength);
    return this.#past(count, this.#capacity, slice);
  }

  /** What rows that begin have before them: a place that nobody sees. */
  nothing(count: number): Past {
    const zeros = new Float32Array(count * this.#heads * this.#size);
    return this.#past(count, 1, () => zeros);
  }

  #past(count: number, capacity: number, slice: (data: Float32Array) => Float32Array): Past {
    const shape = [count * this.#heads, capacity, this.#size];
    const feeds = this.#buffers.map(
      ({ side, layer, data }) => [cacheInput(side, layer), { data: slice(data), shape }] as const,
    );
    return { capacity, feeds: Object.fromEntries(feeds) };
  }

  /** @param rows in the order their new tokens lie in the graph's outputs, one row's after another's */
  write(outputs: NewKeysAndValues, rows: readonly Written[]): void {
    const size = this.#size;
    for (const { side, layer, data } of this.#buffers) {
      const fresh = outputs[newOutput(side, layer)] as Float32Array;
      let from = 0;
      for (const { slot, start, count } of rows) {
        for (let token = start; token < start + count; token++) {
          for (let head = 0; head < this.#heads; head++) {
            const to = ((slot * this.#heads + head) * this.#capacity + token) * size;
            data.set(fresh.subarray(from, from + size), to);
            from += size;
          }
        }
      }
    }
  }

  /** Sets a slot to zeros. */
  clear(slot: number): void {
    const slotLength = this.#heads * this.#capacity * this.#size;
    for (const { data } of this.#buffers) data.fill(0, slot * slotLength, (slot + 1) * slotLength);
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

function checkMemory(bytes: number, slots: number, capacity: number): void {
  // The limit of a container, where there is one; some systems say 0 or more than there is for none.
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const gigabytes = (count: number) => `${(count / 1e9).toFixed(1)} GB`;
  const problem = `take ${gigabytes(bytes)} for keys and values, of ${gigabytes(memory)}`;
  if (bytes > memory) throw tooMuch(slots, capacity, problem);
}

function allocate(length: number, slots: number, capacity: number): Float32Array {
  try {
    return new Float32Array(length);
  } catch (error) {
    throw tooMuch(slots, capacity, 'take more memory than there is', error);
  }
}

function tooMuch(slots: number, capacity: number, problem: string, cause?: unknown): UserError {
  const found = `${slots} answers at a time, each of ${capacity} tokens with its prompt, ${problem}`;
  return new UserError(`${found}; a smaller --batch-size needs less`, { exitCode: 1, cause });
}
