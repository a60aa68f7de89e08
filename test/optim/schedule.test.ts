import { describe, expect, it } from 'vitest';
import { scheduleFactor, warmupSteps } from '../../src/optim/schedule.ts';

const factors = (name: 'cosine' | 'linear' | 'constant', warmupRatio: number, totalSteps: number) =>
  Array.from({ length: totalSteps }, (_, step) => scheduleFactor({ name, warmupRatio, totalSteps }, step));

describe('schedules', () => {
  it('cosine with warm-up: hand-worked over 10 steps, 2 of them warm-up', () => {
    // 0, 1/2, then ½(1 + cos(π k/8)) for k = 0..7
    const cosine = [1, 0.9619398, 0.8535534, 0.6913417, 0.5, 0.3086583, 0.1464466, 0.0380602];
    for (const [step, expected] of [0, 0.5, ...cosine].entries()) {
      expect(factors('cosine', 0.2, 10)[step]).toBeCloseTo(expected, 6);
    }
  });

  it('linear falls to 1/(steps after warm-up) at the last step', () => {
    expect(factors('linear', 0, 4)).toEqual([1, 0.75, 0.5, 0.25]);
    expect(factors('linear', 0.5, 4)).toEqual([0, 0.5, 1, 0.5]);
  });

  it('constant stays at 1 after the warm-up', () => {
    expect(factors('constant', 0.5, 4)).toEqual([0, 0.5, 1, 1]);
  });

  it('rounds the warm-up up, and it may take everything', () => {
    expect(warmupSteps({ name: 'cosine', warmupRatio: 0.1, totalSteps: 11 })).toBe(2);
    expect(warmupSteps({ name: 'cosine', warmupRatio: 0.1, totalSteps: 1 })).toBe(1);
    expect(factors('cosine', 1, 2)).toEqual([0, 0.5]);
  });
});
