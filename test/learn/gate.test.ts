import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetVerdict, driftVerdict, gainVerdict } from '../../src/learn/gate/gate.ts';
import { lossNotExcluded, resolutionWarning, smallestLossShown } from '../../src/learn/gate/resolution.ts';
import { type GateSettings, gateSchema } from '../../src/learn/gate/settings.ts';

const settings = (changes: Partial<GateSettings> = {}): GateSettings => ({
  ...gateSchema.parse({}),
  ...changes,
});
const strict = settings({ rule: 'non-inferiority' });

/** Ten rows, of which the first so many are wrong: points of an accuracy. */
const wrong = (count: number) => Array.from({ length: 10 }, (_, row) => (row < count ? 0 : 100));
const earlier = (before: number, now: number) => ({
  task: 'old',
  learned: wrong(0),
  before: wrong(before),
  now: wrong(now),
});

describe('a budget', () => {
  it('is broken by a loss beyond it that the rows show', () => {
    // Four rows lost and none gained are sqrt(4) = 2 standard errors from no loss, more than 1.96: low > 0.
    const verdict = budgetVerdict(earlier(0, 4), settings(), 0);
    expect(verdict).toMatchObject({ kind: 'budget', task: 'old', limit: 5, broken: true });
    expect(verdict.measured.estimate).toBe(40);
    expect(verdict.measured.low).toBeGreaterThan(0);
  });

  it('is kept under significance where the loss may be chance, and broken under non-inferiority', () => {
    // sqrt(2) standard errors: the loss of 20 points may be none.
    const verdict = budgetVerdict(earlier(0, 2), settings(), 0);
    expect(verdict).toMatchObject({ broken: false, measured: { estimate: 20 } });
    expect(verdict.measured.low).toBeLessThan(0);
    expect(budgetVerdict(earlier(0, 2), strict, 0).broken).toBe(true);
  });

  it('is kept by a shown loss within it, under either rule where the interval is too', () => {
    expect(budgetVerdict(earlier(0, 4), settings({ budget: 50 }), 0).broken).toBe(false);
    expect(budgetVerdict(earlier(0, 4), settings({ budget: 80, rule: 'non-inferiority' }), 0).broken).toBe(
      false,
    );
    expect(budgetVerdict(earlier(0, 4), settings({ budget: 50, rule: 'non-inferiority' }), 0).broken).toBe(
      true,
    );
  });

  it('is not kept under non-inferiority because too few rows were looked at', () => {
    // None of ten rows is lost, and a loss of z² / (10 + z²) = 27.8 points is not excluded.
    const few = { task: 'old', learned: wrong(0), before: wrong(5), now: wrong(0) };
    expect(budgetVerdict(few, strict, 0)).toMatchObject({ broken: false, measured: { estimate: 0 } });
    expect(budgetVerdict(few, strict, 0).measured.high).toBeCloseTo(27.753, 3);
    const now = [...wrong(0), ...wrong(0)];
    const before = [...wrong(0), ...wrong(1)];
    const turned = { task: 'old', learned: now, before: now, now: before };
    expect(budgetVerdict(turned, settings({ rule: 'non-inferiority', budget: 10 }), 0).broken).toBe(true);
    expect(budgetVerdict(turned, settings({ rule: 'non-inferiority', budget: 30 }), 0).broken).toBe(false);
  });

  it('counts from when the task was learned, and blames no update that loses nothing more', () => {
    // Two points at a time would pass; what counts is the loss since the task was learned.
    expect(budgetVerdict(earlier(3, 4), settings(), 0).broken).toBe(true);
    for (const rule of ['significance', 'non-inferiority'] as const) {
      expect(budgetVerdict(earlier(4, 4), settings({ rule }), 0).broken).toBe(false);
      expect(budgetVerdict(earlier(5, 4), settings({ rule }), 0).broken).toBe(false);
    }
  });

  it('is a task’s own where it has one', () => {
    expect(budgetVerdict(earlier(0, 4), settings({ budgets: { old: 50 } }), 0)).toMatchObject({
      limit: 50,
      broken: false,
    });
    expect(budgetVerdict(earlier(0, 4), settings({ budgets: { constructor: 50 } }), 0).limit).toBe(5);
  });
});

describe('a gain', () => {
  const gain = (before: number, now: number, limit: number, by = settings()) =>
    gainVerdict({ task: 'new', before: wrong(before), now: wrong(now) }, limit, by, 0);

  it('has to be shown by the new task', () => {
    expect(gain(5, 5, 0)).toMatchObject({ kind: 'gain', broken: false, measured: { estimate: 0 } });
    expect(gain(5, 6, 0).broken).toBe(true);
    expect(gain(5, 3, 20)).toMatchObject({ broken: false, measured: { estimate: 20 } });
    expect(gain(5, 3, 21).broken).toBe(true);
    // Two of ten rows turn, sqrt(2) standard errors: the gain may be 0.
    expect(gain(5, 3, 5, strict).broken).toBe(true);
    expect(gain(9, 1, 5, strict).broken).toBe(false);
  });
});

describe('the drift', () => {
  // 3 nats over 10 tokens: 0.3 nats a token, on every prompt.
  const rows = Array.from({ length: 8 }, () => ({ sum: 3, tokens: 10 }));

  it('is a mean over tokens, and has a limit', () => {
    expect(driftVerdict(rows, 0.25, settings(), 0)).toMatchObject({ broken: true, task: null });
    expect(driftVerdict(rows, 0.35, settings(), 0).broken).toBe(false);
    expect(driftVerdict(rows, 0.35, settings(), 0).measured.estimate).toBeCloseTo(0.3, 12);
  });

  it('counts under non-inferiority as far as it may reach', () => {
    const mixed = rows.map(({ tokens }, at) => ({ sum: at % 2 === 0 ? 6 : 0, tokens }));
    expect(driftVerdict(mixed, 0.35, settings(), 0).broken).toBe(false);
    expect(driftVerdict(mixed, 0.35, strict, 0).broken).toBe(true);
  });
});

describe('verdicts', () => {
  it('are the same for the same scores, and stricter under non-inferiority and with smaller budgets', () => {
    const scores = fc.array(fc.constantFrom(0, 100), { minLength: 10, maxLength: 30 });
    fc.assert(
      fc.property(scores, fc.nat(), fc.nat(60), (now, seed, budget) => {
        const learned = now.map(() => 100);
        const given = { task: 'old', learned, before: learned, now };
        const under = (changes: Partial<GateSettings>) =>
          budgetVerdict(given, settings({ resamples: 200, budget, ...changes }), seed);
        const verdict = under({});
        expect(under({})).toEqual(verdict);
        if (verdict.broken) {
          expect(under({ rule: 'non-inferiority' }).broken).toBe(true);
          expect(under({ budget: budget / 2 }).broken).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('what so many gate rows can tell', () => {
  it('is the loss of the fewest rows that are more than the level’s standard errors', () => {
    // sqrt(4) = 2 > 1.96 > sqrt(3), and sqrt(7) = 2.65 > 2.58 > sqrt(6).
    expect(smallestLossShown(10, 0.95)).toBe(40);
    expect(smallestLossShown(100, 0.95)).toBe(4);
    expect(smallestLossShown(100, 0.99)).toBe(7);
    expect(smallestLossShown(3, 0.95)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is, where nothing turned, what cannot be excluded', () => {
    expect(lossNotExcluded(10, 0.95)).toBeCloseTo(27.753, 3);
    // A budget of 5 points: 19 z² = 72.99 rows.
    expect(lossNotExcluded(73, 0.95)).toBeLessThan(5);
    expect(lossNotExcluded(72, 0.95)).toBeGreaterThan(5);
  });

  it('agrees with the verdicts', () => {
    for (const rows of [10, 24, 60]) {
      const shown = (smallestLossShown(rows, 0.95) / 100) * rows;
      const verdict = (lost: number) => {
        const now = Array.from({ length: rows }, (_, row) => (row < lost ? 0 : 100));
        const learned = now.map(() => 100);
        return budgetVerdict({ task: 'old', learned, before: learned, now }, settings({ budget: 0 }), 0)
          .broken;
      };
      expect(verdict(Math.round(shown))).toBe(true);
      expect(verdict(Math.round(shown) - 1)).toBe(false);
    }
  });

  it('is warned of where the budget is finer', () => {
    expect(resolutionWarning('new', 10, settings())).toMatch(
      /new.*5 points.*10 gate rows.*below 40\.0 points/,
    );
    expect(resolutionWarning('new', 100, settings())).toBeNull();
    expect(resolutionWarning('new', 3, settings())).toMatch(/any loss will pass/);
    expect(resolutionWarning('new', 72, strict)).toMatch(/costs it nothing will be refused.* 5\.1 points/);
    expect(resolutionWarning('new', 73, strict)).toBeNull();
    expect(resolutionWarning('new', 10, settings({ score: 'margin' }))).toBeNull();
    expect(resolutionWarning('new', 10, settings({ budgets: { new: 40 } }))).toBeNull();
  });
});
