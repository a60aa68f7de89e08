/**
 * Half-precision floats widened to float32, which is exact, and float32 rounded to half precision, to the nearest
 * value and of two equally near ones to the even pattern, as IEEE 754 and torch do. Used where weights enter and
 * leave: safetensors and GGUF files.
 */

/** The formats weights are written in. */
export const floatFormats = ['float32', 'bfloat16', 'float16'] as const;

export type FloatFormat = (typeof floatFormats)[number];

interface FloatFormatFacts {
  /** The name safetensors has for it. */
  readonly safetensors: string;
  /** Of a number. */
  readonly bytes: number;
  /** The largest value that is not rounded to infinity, as a float32. */
  readonly largest: number;
}

export const FLOAT_FORMATS: Readonly<Record<FloatFormat, FloatFormatFacts>> = {
  float32: { safetensors: 'F32', bytes: 4, largest: (2 - 2 ** -23) * 2 ** 127 },
  // Anything below halfway between the last value and the next power of two.
  bfloat16: { safetensors: 'BF16', bytes: 2, largest: (2 - 2 ** -8 - 2 ** -23) * 2 ** 127 },
  float16: { safetensors: 'F16', bytes: 2, largest: (2 - 2 ** -11 - 2 ** -23) * 2 ** 15 },
};

/**
 * The little-endian bytes of `values` in a format: those of the array itself for float32, rounded copies for the
 * others. What is too large for a format becomes infinite.
 */
export function encodeFloats(format: FloatFormat, values: Float32Array): Uint8Array {
  if (format === 'float32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const patterns = format === 'bfloat16' ? narrowBfloat16(values) : narrowFloat16(values);
  return new Uint8Array(patterns.buffer);
}

let float16Values: Float32Array | undefined;

/** The value of each of the 65,536 IEEE 754 binary16 patterns: sign, 5 exponent bits, 10 fraction bits. */
function float16Table(): Float32Array {
  if (float16Values !== undefined) return float16Values;
  const table = new Float32Array(1 << 16);
  for (let bits = 0; bits < 1 << 15; bits++) {
    const exponent = bits >> 10;
    const fraction = bits & 0x3ff;
    let value: number;
    if (exponent === 0) value = fraction * 2 ** -24;
    else if (exponent === 31) value = fraction === 0 ? Infinity : NaN;
    else value = (1 + fraction / 1024) * 2 ** (exponent - 15);
    table[bits] = value;
    table[bits | 0x8000] = -value;
  }
  float16Values = table;
  return table;
}

/** Widens IEEE half-precision patterns into `target`, which is at least as long. */
export function widenFloat16(source: Uint16Array, target: Float32Array): void {
  const table = float16Table();
  for (let i = 0; i < source.length; i++) target[i] = table[source[i] as number] as number;
}

/** Widens bfloat16 patterns (the upper half of a float32's bits) into `target`, at least as long. */
export function widenBfloat16(source: Uint16Array, target: Float32Array): void {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < source.length; i++) bits[i] = (source[i] as number) << 16;
}

/** bfloat16 patterns of float32 values: the upper 16 bits, rounded. */
function narrowBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const patterns = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] as number;
    const isNoNumber = (word & 0x7fffffff) > 0x7f800000;
    // Adding just under half of the last kept bit, and one more where that bit is odd, carries where it should.
    patterns[i] = isNoNumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return patterns;
}

/** IEEE binary16 patterns of float32 values. */
function narrowFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const patterns = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] as number;
    patterns[i] = ((word >>> 16) & 0x8000) | float16Magnitude(word & 0x7fffffff, values[i] as number);
  }
  return patterns;
}

/** @param magnitude the bits of |value| as a float32 */
function float16Magnitude(magnitude: number, value: number): number {
  if (magnitude > 0x7f800000) return 0x7e00;
  // From 65520 on, halfway between the largest value and the next power of two.
  if (magnitude >= 0x477ff000) return 0x7c00;
  // Below 2^-14 the patterns count steps of 2^-24; the addition rounds to such a step, ties to even.
  if (magnitude < 0x38800000) return (Math.fround(Math.abs(value) + 0.5) - 0.5) * 2 ** 24;
  // Exponent bias 127 becomes 15, 23 bits of fraction become 10.
  const rebiased = magnitude - ((127 - 15) << 23);
  return (rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13;
}
