import { describe, expect, it } from 'vitest';
import { studentQuantile, studentWithin } from '../../src/eval/student-t.ts';

describe("Student's t distribution", () => {
  it('has the quantiles of the printed tables', () => {
    const printed: readonly [number, number, number][] = [
      [0.95, 1, 12.706],
      [0.95, 2, 4.303],
      [0.95, 4, 2.776],
      [0.95, 9, 2.262],
      [0.95, 30, 2.042],
      [0.95, 120, 1.98],
      [0.99, 5, 4.032],
      [0.9, 10, 1.812],
    ];
    for (const [level, degrees, t] of printed) expect(studentQuantile(level, degrees)).toBeCloseTo(t, 3);
  });

  it('is the Cauchy distribution for one degree of freedom, and nearly normal for many', () => {
    // P(|T| <= 1) of Cauchy is 2/π·atan 1 = 1/2; P(|Z| <= 1.96) = 0.950004
    expect(studentWithin(1, 1)).toBeCloseTo(0.5, 12);
    expect(studentWithin(1.96, 100_000)).toBeCloseTo(0.950004, 4);
    // For two degrees, t/√(t² + 2): 2/√6
    expect(studentWithin(2, 2)).toBeCloseTo(2 / Math.sqrt(6), 12);
  });

  it('undoes its quantiles at any number of degrees', () => {
    for (const degrees of [1, 2, 3, 4, 7, 12, 49]) {
      expect(studentWithin(studentQuantile(0.8, degrees), degrees)).toBeCloseTo(0.8, 10);
    }
  });

  it('refuses what it is not defined for', () => {
    expect(() => studentWithin(1, 0)).toThrow(/degrees of freedom/);
    expect(() => studentWithin(1, 1.5)).toThrow(/degrees of freedom/);
    expect(() => studentQuantile(1, 3)).toThrow(/between 0 and 1/);
  });
});
