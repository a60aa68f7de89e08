/** Rotary angles. [Su et al. 2021, arXiv:2104.09864; the llama3 variant as Llama 3.1's configuration defines it] */
import type { DecoderConfig } from '../config.ts';

type HeadRope = Pick<DecoderConfig, 'rope' | 'headSize'>;

/** Angular frequencies of a head's pairs, radians per position, [headSize / 2]. */
export function rotaryFrequencies({ rope, headSize }: HeadRope): Float64Array {
  const plain = Float64Array.from(
    { length: headSize / 2 },
    (_, pair) => rope.theta ** ((-2 * pair) / headSize),
  );
  if (rope.type === 'default') return plain;
  // Long wavelengths are stretched by the factor, short ones kept, those between interpolated.
  const longest = rope.originalMaxPositions / rope.lowFrequencyFactor;
  const shortest = rope.originalMaxPositions / rope.highFrequencyFactor;
  return plain.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength > longest) return frequency / rope.factor;
    if (wavelength < shortest) return frequency;
    const smooth =
      (rope.originalMaxPositions / wavelength - rope.lowFrequencyFactor) /
      (rope.highFrequencyFactor - rope.lowFrequencyFactor);
    return (1 - smooth) * (frequency / rope.factor) + smooth * frequency;
  });
}

/** cos and sin of position · frequency, each float32 [positions, headSize / 2]. */
function rotaryTableValues(
  config: HeadRope,
  positions: number,
): { cosines: Float32Array; sines: Float32Array } {
  const frequencies = rotaryFrequencies(config);
  const half = frequencies.length;
  const cosines = new Float32Array(positions * half);
  const sines = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < half; pair++) {
      const angle = position * (frequencies[pair] as number);
      cosines[position * half + pair] = Math.cos(angle);
      sines[position * half + pair] = Math.sin(angle);
    }
  }
  return { cosines, sines };
}

/** Every rotary table that a model's graphs read, by the input's name (`rotaryTables` in decoder.ts). */
export function namedRotaryTables(
  config: DecoderConfig,
  positions: number,
): Readonly<Record<string, { readonly data: Float32Array; readonly shape: readonly number[] }>> {
  const shape = [positions, config.headSize / 2];
  const named = (prefix: string, of: HeadRope) => {
    const { cosines, sines } = rotaryTableValues(of, positions);
    return { [`${prefix}_cosines`]: { data: cosines, shape }, [`${prefix}_sines`]: { data: sines, shape } };
  };
  const { headSize, sliding } = config;
  return {
    ...named('rotary', config),
    ...(sliding ? named('sliding_rotary', { headSize, rope: sliding.rope }) : {}),
  };
}
