/**
 * GGUF's K-quants: super-blocks of 256 numbers with a quantised scale per sub-block. Beside the plain
 * formats in dequantise.ts; the results are the nearest float32. [Formats: ggml's ggml-quants.c]
 */
import { halfValues, word } from './half.ts';

const SUPER_BLOCK = 256;
const Q4_K_BYTES = 144;
const Q5_K_BYTES = 176;
const Q6_K_BYTES = 210;

/** [d, dmin, 12 bytes of scales, 128 bytes of q]: d s q - dmin m, a scale s and minimum m per 32 numbers. */
export function dequantiseQ4K(source: Uint8Array, target: Float32Array): void {
  const half = halfValues();
  for (let at = 0, out = 0; at < source.length; at += Q4_K_BYTES, out += SUPER_BLOCK) {
    const d = half[word(source, at)] as number;
    const dmin = half[word(source, at + 2)] as number;
    for (let sub = 0; sub < 8; sub++) {
      const scale = d * subScale(source, at + 4, sub);
      const minimum = dmin * subMinimum(source, at + 4, sub);
      const quants = at + 16 + 32 * (sub >> 1);
      const shift = 4 * (sub & 1);
      for (let i = 0; i < 32; i++) {
        const q = ((source[quants + i] as number) >> shift) & 15;
        target[out + 32 * sub + i] = scale * q - minimum;
      }
    }
  }
}

/** As Q4_K, with 32 bytes of fifth bits before the quants: bit b of byte i is number 32 b + i's. */
export function dequantiseQ5K(source: Uint8Array, target: Float32Array): void {
  const half = halfValues();
  for (let at = 0, out = 0; at < source.length; at += Q5_K_BYTES, out += SUPER_BLOCK) {
    const d = half[word(source, at)] as number;
    const dmin = half[word(source, at + 2)] as number;
    for (let sub = 0; sub < 8; sub++) {
      const scale = d * subScale(source, at + 4, sub);
      const minimum = dmin * subMinimum(source, at + 4, sub);
      const quants = at + 48 + 32 * (sub >> 1);
      const shift = 4 * (sub & 1);
      for (let i = 0; i < 32; i++) {
        const fifth = (((source[at + 16 + i] as number) >> sub) & 1) << 4;
        const q = (((source[quants + i] as number) >> shift) & 15) + fifth;
        target[out + 32 * sub + i] = scale * q - minimum;
      }
    }
  }
}

/**
 * [128 bytes of q's lower four bits, 64 of its upper two, 16 signed scales s, d]: d s (q - 32), a scale
 * per 16 numbers. Each half of the super-block is four runs of 32; upper-bit byte i serves number i of
 * all four, and the lower bits of runs 2 and 3 are the high halves of those of runs 0 and 1.
 */
export function dequantiseQ6K(source: Uint8Array, target: Float32Array): void {
  const half = halfValues();
  for (let at = 0, out = 0; at < source.length; at += Q6_K_BYTES, out += SUPER_BLOCK) {
    const d = half[word(source, at + 208)] as number;
    for (let run = 0; run < 8; run++) {
      const lower = at + 64 * (run >> 2) + 32 * (run & 1);
      const upper = at + 128 + 32 * (run >> 2);
      const lowerShift = 2 * (run & 2);
      const upperShift = 2 * (run & 3);
      for (let i = 0; i < 32; i++) {
        const scale = ((source[at + 192 + 2 * run + (i >> 4)] as number) << 24) >> 24;
        const lowBits = ((source[lower + i] as number) >> lowerShift) & 15;
        const highBits = ((source[upper + i] as number) >> upperShift) & 3;
        target[out + 32 * run + i] = d * scale * (lowBits + (highBits << 4) - 32);
      }
    }
  }
}

/**
 * The 6-bit scale of sub-block `sub`: for the first four the low six bits of bytes 0-3, for the others
 * the low half of bytes 8-11 with the top two bits of bytes 0-3 above it.
 */
function subScale(source: Uint8Array, scales: number, sub: number): number {
  if (sub < 4) return (source[scales + sub] as number) & 63;
  return ((source[scales + sub + 4] as number) & 15) | (((source[scales + sub - 4] as number) >> 6) << 4);
}

/** The 6-bit minimum: bytes 4-7, or the high half of bytes 8-11 with the top bits of bytes 4-7. */
function subMinimum(source: Uint8Array, scales: number, sub: number): number {
  if (sub < 4) return (source[scales + sub + 4] as number) & 63;
  return ((source[scales + sub + 4] as number) >> 4) | (((source[scales + sub] as number) >> 6) << 4);
}
