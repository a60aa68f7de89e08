/** Rounding to half precision: to the nearest value, ties to the even pattern, as IEEE 754 says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeFloats,
  FLOAT_FORMATS,
  widenBfloat16,
  widenFloat16,
} from '../../src/model/weights/float-formats.ts';

const HALVES = { float16: widenFloat16, bfloat16: widenBfloat16 } as const;

function patternsOf(format: keyof typeof HALVES, values: Float32Array): Uint16Array {
  const bytes = encodeFloats(format, values);
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

/** Every pattern's value; patterns of one sign ascend with their values. */
function table(format: keyof typeof HALVES): Float32Array {
  const values = new Float32Array(1 << 16);
  HALVES[format](
    Uint16Array.from({ length: 1 << 16 }, (_, pattern) => pattern),
    values,
  );
  return values;
}

describe.each(['float16', 'bfloat16'] as const)('%s', (format) => {
  const values = table(format);

  it('gives back every pattern that is a number', () => {
    const back = patternsOf(format, values);
    const differs = [...values].flatMap((value, pattern) => {
      const isKept = Number.isNaN(value) ? Number.isNaN(values[back[pattern]!]!) : back[pattern] === pattern;
      return isKept ? [] : [pattern];
    });
    expect(differs).toEqual([]);
  });

  it('rounds to the nearest value, halfway to the even pattern', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    // Around the middle between two patterns too, where one bit decides.
    const halfway = fc
      .tuple(fc.integer({ min: 0, max: 0x7fff }), fc.integer({ min: -1, max: 1 }))
      .map(([pattern, nudge]) => {
        const [low, high] = [values[pattern]!, values[pattern + 1]!];
        const bits = new Uint32Array(Float32Array.of(low + (high - low) / 2).buffer)[0]!;
        return Math.max(0, bits + nudge);
      });
    fc.assert(
      fc.property(fc.oneof(word, halfway), (bits) => {
        const value = new Float32Array(Uint32Array.of(bits).buffer)[0]!;
        if (!(Math.abs(value) <= FLOAT_FORMATS[format].largest)) return;
        const pattern = patternsOf(format, Float32Array.of(value))[0]!;
        const distance = (at: number) => Math.abs(values[at]! - value);
        for (const other of [pattern - 1, pattern + 1]) {
          if (((other ^ pattern) & 0x8000) !== 0 || !Number.isFinite(values[other] ?? Number.NaN)) continue;
          expect(distance(pattern)).toBeLessThanOrEqual(distance(other));
          if (distance(pattern) === distance(other)) expect(pattern % 2).toBe(0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('makes infinite what is beyond its largest value, and nothing else', () => {
    const { largest } = FLOAT_FORMATS[format];
    const next = new Float32Array(
      Uint32Array.of(new Uint32Array(Float32Array.of(largest).buffer)[0]! + 1).buffer,
    )[0]!;
    const [last, first, minus] = patternsOf(format, Float32Array.of(largest, next, -Infinity));
    expect(Number.isFinite(values[last!])).toBe(true);
    expect(values[first!]).toBe(Infinity);
    expect(values[minus!]).toBe(-Infinity);
  });
});

it('knows numbers worked by hand', () => {
  // 1 + 2^-11 lies halfway between 1 and 1 + 2^-10: to the even 1. 3·2^-25 is halfway between 2^-24 and 2^-23.
  expect([
    ...patternsOf('float16', Float32Array.of(1, -2, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, 3 * 2 ** -25)),
  ]).toEqual([0x3c00, 0xc000, 0x3c00, 0x3c02, 0x7bff, 2]);
  expect([...patternsOf('bfloat16', Float32Array.of(1, -2, 1 + 2 ** -8, 1 + 3 * 2 ** -8))]).toEqual([
    0x3f80, 0xc000, 0x3f80, 0x3f82,
  ]);
});
