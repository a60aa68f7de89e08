/**
 * GGUF's tensor encodings turned back into float32, one function per block format; used once per
 * model, when a GGUF file enters the cache. The results are the nearest float32: every product and sum
 * below is exact in a double. [Formats: ggml's ggml-quants.c]
 *
 * In the notes d is a block's scale, m its minimum (both half precision) and q a quant. A byte holds
 * two 4-bit quants: the low half for the block's first half, the high half for its second.
 */
import { widenBfloat16, widenFloat16 } from '../weights/float-formats.ts';
import { halfValues, word } from './half.ts';
import { dequantiseQ4K, dequantiseQ5K, dequantiseQ6K } from './k-quants.ts';
import { BLOCK_FORMATS, type GgufTensorType } from './types.ts';

/** Decodes all of `source`, a whole number of blocks, filling all of `target`. */
type Dequantiser = (source: Uint8Array, target: Float32Array) => void;

const DEQUANTISERS: Readonly<Record<GgufTensorType, Dequantiser>> = {
  F32: (source, target) => bytesOf(target).set(source),
  F16: (source, target) => widenFloat16(patterns(source), target),
  BF16: (source, target) => widenBfloat16(patterns(source), target),
  Q4_0: dequantiseQ40,
  Q4_1: dequantiseQ41,
  Q5_0: dequantiseQ50,
  Q5_1: dequantiseQ51,
  Q8_0: dequantiseQ80,
  Q4_K: dequantiseQ4K,
  Q5_K: dequantiseQ5K,
  Q6_K: dequantiseQ6K,
};

/** Decodes whole blocks of `type` into `target`, whose length decides how many. */
export function dequantise(type: GgufTensorType, source: Uint8Array, target: Float32Array): void {
  const format = BLOCK_FORMATS[type];
  if (source.length * format.elements !== target.length * format.bytes) {
    throw new Error(`${source.length} bytes of ${type} do not decode to ${target.length} numbers`);
  }
  DEQUANTISERS[type](source, target);
}

/** [d, 16 bytes of q]: d (q - 8). */
function dequantiseQ40(source: Uint8Array, target: Float32Array): void {
  const half = halfValues();
  for (let at = 0, out = 0; at < source.length; at += 18, out += 32) {
    const d = half[word(source, at)] as number;
    for (let i = 0; i < 16; i++) {
      const pair = source[at + 2 + i] as number;
      target[out + i] = d * ((pair & 15) - 8);
      target[out + 16 + i] = d * ((pair >> 4) - 8);
    }
  }
}

/** [d, m, 16 bytes of q]: d q + m. */
function dequantiseQ41(source: Uint8Array, target: Float32Array): void {
  const half = halfValues();
  for (let at = 0, out = 0; at < source.length; at += 20, out += 32) {
    const d = half[word(source, at)] as number;
    const m = half[word(source, at + 2)] as number;
    for (let i = 0; i < 16; i++) {
      const pair = source[at + 4 + i] as number;
      target[out + i] = d * (pair & 15) + m;
      target[out + 16 + i] = d * (pair >> 4) + m;
    }
  }
}

/** [d, 32 fifth bits, 16 bytes of q's lower four]: d (q - 16). */
function dequantiseQ50(source: Uint8Array, target: Float32Array): void {
  const half = halfValues();
  for (let at = 0, out = 0; at < source.length; at += 22, out += 32) {
    const d = half[word(source, at)] as number;
    const low = word(source, at + 2);
    const high = word(source, at + 4);
    for (let i = 0; i < 16; i++) {
      const pair = source[at + 6 + i] as number;
      target[out + i] = d * ((pair & 15) + (((low >> i) & 1) << 4) - 16);
      target[out + 16 + i] = d * ((pair >> 4) + (((high >> i) & 1) << 4) - 16);
    }
  }
}

/** [d, m, 32 fifth bits, 16 bytes of q's lower four]: d q + m. */
function dequantiseQ51(source: Uint8Array, target: Float32Array): void {
  const half = halfValues();
  for (let at = 0, out = 0; at < source.length; at += 24, out += 32) {
    const d = half[word(source, at)] as number;
    const m = half[word(source, at + 2)] as number;
    const low = word(source, at + 4);
    const high = word(source, at + 6);
    for (let i = 0; i < 16; i++) {
      const pair = source[at + 8 + i] as number;
      target[out + i] = d * ((pair & 15) + (((low >> i) & 1) << 4)) + m;
      target[out + 16 + i] = d * ((pair >> 4) + (((high >> i) & 1) << 4)) + m;
    }
  }
}

/** [d, 32 signed bytes q]: d q. */
function dequantiseQ80(source: Uint8Array, target: Float32Array): void {
  const half = halfValues();
  for (let at = 0, out = 0; at < source.length; at += 34, out += 32) {
    const d = half[word(source, at)] as number;
    for (let i = 0; i < 32; i++) target[out + i] = d * (((source[at + 2 + i] as number) << 24) >> 24);
  }
}

/** 16-bit patterns of a buffer, copied where it doesn't start on an even byte. */
function patterns(source: Uint8Array): Uint16Array {
  const aligned = source.byteOffset % 2 === 0 ? source : source.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
