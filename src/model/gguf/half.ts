/** Scales of quantised blocks: half-precision numbers at any byte of a buffer. */
import { widenFloat16 } from '../weights/float-formats.ts';

let values: Float32Array | undefined;

/** The value of each half-precision pattern; looked up, since every block needs one or two. */
export function halfValues(): Float32Array {
  if (values === undefined) {
    values = new Float32Array(1 << 16);
    widenFloat16(
      Uint16Array.from({ length: 1 << 16 }, (_, pattern) => pattern),
      values,
    );
  }
  return values;
}

/** The little-endian 16-bit number at a byte. */
export function word(source: Uint8Array, at: number): number {
  return (source[at] as number) | ((source[at + 1] as number) << 8);
}
