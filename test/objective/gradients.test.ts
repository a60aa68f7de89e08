/** Gradients by autodiff against finite differences, closed forms and extreme log-ratios. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createObjective } from '../../src/objective/index.ts';
import { evaluateObjective, type LogProbBatch, oneRow } from './evaluate-objective.ts';
import { VARIANTS } from './variants.ts';

const logRatio = fc.double({ min: -6, max: 6, noNaN: true });
const row = fc.record({
  chosenLength: fc.integer({ min: 1, max: 40 }),
  rejectedLength: fc.integer({ min: 1, max: 40 }),
  perToken: fc.tuple(
    fc.double({ min: -4, max: -0.2, noNaN: true }),
    fc.double({ min: -4, max: -0.2, noNaN: true }),
  ),
  chosenRatio: logRatio,
  rejectedRatio: logRatio,
});
const batches: fc.Arbitrary<LogProbBatch> = fc.array(row, { minLength: 1, maxLength: 3 }).map((rows) => {
  const chosen = rows.map(({ perToken, chosenLength }) => perToken[0] * chosenLength);
  const rejected = rows.map(({ perToken, rejectedLength }) => perToken[1] * rejectedLength);
  return {
    chosen,
    rejected,
    chosenLength: rows.map(({ chosenLength }) => chosenLength),
    rejectedLength: rows.map(({ rejectedLength }) => rejectedLength),
    constants: {
      reference_chosen: rows.map(({ chosenRatio }, at) => (chosen[at] as number) - chosenRatio),
      reference_rejected: rows.map(({ rejectedRatio }, at) => (rejected[at] as number) - rejectedRatio),
      kl: rows.map(() => 0.7),
    },
  };
});

const STEP = 1e-4;

function centralDifference(
  objective: ReturnType<typeof createObjective>,
  batch: LogProbBatch,
  field: 'chosen' | 'rejected',
  at: number,
): number {
  const moved = (by: number) =>
    evaluateObjective(objective, {
      ...batch,
      [field]: batch[field].map((logp, index) => (index === at ? logp + by : logp)),
    }).loss;
  return (moved(STEP) - moved(-STEP)) / (2 * STEP);
}

describe.each(VARIANTS.map((settings) => [JSON.stringify(settings), settings] as const))(
  '%s',
  (_, settings) => {
    const objective = createObjective(settings);

    it('has the gradient of finite differences', () => {
      fc.assert(
        fc.property(batches, (batch) => {
          // A hinge has no derivative at its kink.
          fc.pre(
            settings['name'] !== 'hinge' ||
              evaluateObjective(objective, batch).rows.every((loss) => loss > 0.01),
          );
          const { chosenGradient, rejectedGradient } = evaluateObjective(objective, batch);
          batch.chosen.forEach((_logp, at) => {
            expect(chosenGradient[at]).toBeCloseTo(centralDifference(objective, batch, 'chosen', at), 5);
            expect(rejectedGradient[at]).toBeCloseTo(centralDifference(objective, batch, 'rejected', at), 5);
          });
        }),
        { numRuns: 20 },
      );
    });

    it('is finite, gradients too, however far policy and reference are apart', () => {
      for (const [chosen, rejected] of [
        [-1e4, -1],
        [-1, -1e4],
        [-1e-9, -1e4],
        [0, 0],
      ] as const) {
        const apart = oneRow({ chosen, rejected, referenceChosen: -1, referenceRejected: -1 });
        const { loss, chosenGradient, rejectedGradient } = evaluateObjective(objective, apart);
        for (const number of [loss, ...chosenGradient, ...rejectedGradient])
          expect(number).toSatisfy(Number.isFinite);
      }
    });
  },
);

/** A row whose reward margin is r when beta is 1. */
const withMargin = (r: number) => oneRow({ chosen: r, rejected: 0, referenceChosen: 0 });

describe('FPO', () => {
  it('has the closed-form gradient (1 − p)^gamma · (gamma · p · log p − (1 − p))', () => {
    const margins = fc.double({ min: -30, max: 30, noNaN: true });
    const gammas = fc.constantFrom(0, 0.5, 1, 2, 5);
    fc.assert(
      fc.property(margins, gammas, (r, gamma) => {
        const { chosenGradient, rejectedGradient } = evaluateObjective(
          createObjective({ name: 'fpo', beta: 1, gamma }),
          withMargin(r),
        );
        const [logP, log1MinusP] = [-Math.log1p(Math.exp(-r)), -Math.log1p(Math.exp(r))];
        const [p, rest] = [Math.exp(logP), Math.exp(log1MinusP)];
        const expected = rest ** gamma * (gamma * p * logP - rest);
        expect(Math.abs((chosenGradient[0] as number) - expected)).toBeLessThanOrEqual(1e-12);
        expect(rejectedGradient[0]).toBe(-(chosenGradient[0] as number));
      }),
    );
  });

  it('is DPO where gamma is 0, to the last bit', () => {
    const fpo = createObjective({ name: 'fpo', beta: 1, gamma: 0 });
    const dpo = createObjective({ name: 'dpo', beta: 1 });
    for (const r of [-1000, -3.7, 0, 1e-9, 2, 1000]) {
      expect(evaluateObjective(fpo, withMargin(r))).toEqual(evaluateObjective(dpo, withMargin(r)));
    }
  });

  it('neither overflows nor turns to NaN at r = ±1000', () => {
    for (const gamma of [0, 1, 2, 5]) {
      const objective = createObjective({ name: 'fpo', beta: 1, gamma });
      const [wrong, right] = [-1000, 1000].map((r) => evaluateObjective(objective, withMargin(r)));
      // p → 0: the loss is −r, its slope −1 whatever gamma. p → 1: nothing is left.
      expect([wrong?.loss, wrong?.chosenGradient[0]]).toEqual([1000, -1]);
      expect(right?.loss).toBe(0);
      expect(Math.abs(right?.chosenGradient[0] as number)).toBe(0);
    }
  });
});
