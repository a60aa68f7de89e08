/**
 * In what numbers a base's weights were held while an adapter was trained over it. Rounded otherwise a base is another
 * function: what an adapter learned, and what was measured of it, is about the one it was trained over.
 *
 * `float32` and `bfloat16`: all weights. `nf4/bfloat16` and the like: the linear weights of the layers in 4 or 8 bits,
 * all others and the products in what stands behind the stroke.
 */

/** @param quantization `none`, or what the layers' linear weights are rounded to */
export function basePrecision(dtype: string, quantization = 'none'): string {
  return quantization === 'none' ? dtype : `${quantization}/${dtype}`;
}

/** Kept in a safetensors file's metadata, which other programs leave alone. */
const KEY = 'lifealign_base_precision';
/** Written before the dtype was recorded too: `nf4` or `int8` alone. */
const EARLIER_KEY = 'lifealign_base_quantization';

/** An adapter from a file says so of all its training, where that is known. */
export interface TrainedOver {
  /** Each once, the oldest training's first; left out: not recorded. */
  readonly basePrecisions?: readonly string[];
}

export function precisionMetadata(precisions: readonly string[] | undefined): Record<string, string> {
  return precisions === undefined || precisions.length === 0 ? {} : { [KEY]: precisions.join(' ') };
}

export function precisionsOf(metadata: Readonly<Record<string, string>>): TrainedOver {
  const [text, earlier] = [metadata[KEY], metadata[EARLIER_KEY]];
  if (text !== undefined) return { basePrecisions: text.split(' ') };
  return earlier === undefined ? {} : { basePrecisions: [basePrecision('unknown', earlier)] };
}

/** Whether the layers' linear weights were in 4 or 8 bits. */
export function isQuantized(precision: string): boolean {
  return precision.includes('/');
}

/** Every one once. */
export function distinctPrecisions(...lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

/** `nf4/bfloat16 and float32`, for messages. */
export function printPrecisions(precisions: readonly string[]): string {
  return precisions.length === 0 ? 'not recorded' : precisions.join(' and ');
}

/**
 * A warning where what is used over a base in `precision` was trained over one in another; `null` where it was not, or
 * nothing is recorded.
 *
 * @param what was trained: an adapter's folder, a version of a memory
 */
export function otherPrecision(
  precisions: readonly string[] | undefined,
  what: string,
  precision: string,
): string | null {
  if (precisions === undefined || precisions.every((one) => one === precision)) return null;
  return (
    `${what} was trained over a base in ${printPrecisions(precisions)}, and it is used over one in ${precision}: ` +
    'that is another base to it, so it answers and scores differently; measure it here before it is relied on'
  );
}
