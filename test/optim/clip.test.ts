import { describe, expect, it } from 'vitest';
import { clipGlobalNorm, globalNorm } from '../../src/optim/clip.ts';

const gradients = () =>
  new Map([
    ['a', Float32Array.from([3, 0])],
    ['b', Float32Array.from([0, -4])],
  ]);

describe('clipping by global norm', () => {
  it('takes the norm over all tensors: √(3² + 4²) = 5', () => {
    expect(globalNorm(gradients())).toBe(5);
  });

  it('scales to the limit and returns the norm before clipping', () => {
    // factor = 1 / (5 + 1e-6)
    const result = clipGlobalNorm(gradients(), 1);
    expect(result.norm).toBe(5);
    expect(result.gradients.get('a')![0]).toBeCloseTo(3 / 5.000001, 6);
    expect(result.gradients.get('b')![1]).toBeCloseTo(-4 / 5.000001, 6);
  });

  it('leaves smaller gradients as they are', () => {
    const given = gradients();
    expect(clipGlobalNorm(given, 6).gradients).toBe(given);
  });

  it('sums in double precision: 10⁶ components of 1e-3 have norm 1', () => {
    expect(globalNorm(new Map([['a', new Float32Array(1e6).fill(1e-3)]]))).toBeCloseTo(1, 7);
  });

  it('does not hide a gradient that is not a number', () => {
    expect(clipGlobalNorm(new Map([['a', Float32Array.from([Number.NaN])]]), 1).norm).toBeNaN();
  });
});
