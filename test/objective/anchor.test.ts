import { describe, expect, it } from 'vitest';
import { anchor } from '../../src/objective/anchor.ts';
import { evaluateObjective } from './evaluate-objective.ts';

describe('the anchor', () => {
  const then = { task_start_chosen: [-3], task_start_rejected: [-1] };
  const at = (chosen: number, rejected: number, weight = 2) =>
    evaluateObjective(anchor(weight), {
      chosen: [chosen],
      rejected: [rejected],
      chosenLength: [2],
      rejectedLength: [3],
      constants: then,
    });

  it('is the weight times half the squared drift per token, over both answers', () => {
    // ½ · (−2)² / 2 = 1 and ½ · (−3)² / 3 = 1.5: their mean is 1.25, twice that 2.5.
    expect(at(-5, -4).loss).toBeCloseTo(2.5, 12);
    expect(at(-5, -4, 0.5).loss).toBeCloseTo(0.625, 12);
  });

  it('pulls each answer back to what it was, either way', () => {
    // weight · ½ · drift / tokens: −2 / 2 and −3 / 3; and up to 1 / 2 the other way.
    expect(at(-5, -4).chosenGradient[0]).toBeCloseTo(-1, 12);
    expect(at(-5, -4).rejectedGradient[0]).toBeCloseTo(-1, 12);
    expect(at(-2, -1).chosenGradient[0]).toBeCloseTo(0.5, 12);
  });

  it('has no slope where the policy has not moved', () => {
    const { loss, chosenGradient, rejectedGradient } = at(-3, -1);
    expect([loss, chosenGradient[0], rejectedGradient[0]]).toEqual([0, 0, 0]);
  });
});
