import { describe, expect, it } from 'vitest';
import { AdamW } from '../../src/optim/adamw.ts';

const values = (...numbers: number[]) => new Map([['w', Float32Array.from(numbers)]]);

describe('AdamW', () => {
  it('takes the hand-worked first two steps', () => {
    // θ₀ = 1, g₁ = 0.5, η = 0.1:
    //   m₁ = 0.1·0.5 = 0.05, v₁ = 0.001·0.25 = 0.00025; corrected: 0.5 and 0.25
    //   θ₁ = 1 − 0.1 · 0.5 / (√0.25 + 1e-8) = 0.9
    // g₂ = −1:
    //   m₂ = 0.9·0.05 − 0.1 = −0.055, v₂ = 0.999·0.00025 + 0.001 = 0.00124975
    //   corrected: m̂ = −0.055 / 0.19 = −0.2894737, v̂ = 0.00124975 / 0.001999 = 0.6251876
    //   θ₂ = 0.9 + 0.1 · 0.2894737 / 0.7906881 = 0.9366103
    const optimizer = new AdamW();
    const first = optimizer.update(values(1), values(0.5), 0.1);
    expect(first.get('w')![0]).toBeCloseTo(0.9, 6);
    const second = optimizer.update(first, values(-1), 0.1);
    expect(second.get('w')![0]).toBeCloseTo(0.9366103, 6);
  });

  it('decays weights apart from the gradient', () => {
    // No gradient: θ₁ = 2 · (1 − 0.1 · 0.01) = 1.998, and the moments stay 0.
    const optimizer = new AdamW({ weightDecay: 0.01 });
    expect(optimizer.update(values(2), values(0), 0.1).get('w')![0]).toBeCloseTo(1.998, 6);
    expect(optimizer.state().firstMoments.get('w')![0]).toBe(0);
  });

  it.each([
    ['beta1', { beta1: 0.5 }],
    ['beta2', { beta2: 0.5 }],
    ['epsilon', { epsilon: 0.1 }],
    ['weightDecay', { weightDecay: 0.1 }],
  ])('%s reaches the result', (_name, settings) => {
    const run = (optimizer: AdamW) => {
      const first = optimizer.update(values(1), values(0.5), 0.1);
      return optimizer.update(first, values(-1), 0.1).get('w')![0];
    };
    expect(run(new AdamW(settings))).not.toBe(run(new AdamW()));
  });

  it('continues bit for bit from a saved state', () => {
    const gradients = [0.3, -0.2, 0.7, 1e-5].map((g) => values(g, -2 * g, 0.1));
    const through = (optimizer: AdamW, start: Map<string, Float32Array>, steps: typeof gradients) =>
      steps.reduce((current, gradient) => optimizer.update(current, gradient, 1e-2), start);

    const whole = through(new AdamW(), values(1, 2, 3), gradients);
    const before = new AdamW();
    const middle = through(before, values(1, 2, 3), gradients.slice(0, 2));
    const resumed = through(new AdamW({}, before.state()), middle, gradients.slice(2));
    expect(resumed).toEqual(whole);
  });

  it('leaves what it was given untouched', () => {
    const start = values(1);
    const optimizer = new AdamW();
    optimizer.update(start, values(1), 0.1);
    const state = optimizer.state();
    optimizer.update(start, values(5), 0.1);
    expect(start.get('w')![0]).toBe(1);
    expect(state.step).toBe(1);
    expect(state.firstMoments.get('w')![0]).toBeCloseTo(0.1, 7);
  });

  it('refuses a missing gradient', () => {
    expect(() => new AdamW().update(values(1), new Map(), 0.1)).toThrow(/no gradient/);
    expect(() => new AdamW().update(values(1, 2), values(1), 0.1)).toThrow(/right size for w/);
  });
});
