/**
 * Half-precision floats widened to float32; exact, since every value of either format is a float32.
 * Used where weights enter: safetensors and GGUF files.
 */

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
