/** Each objective on numbers worked by hand. */
import { describe, expect, it } from 'vitest';
import { createObjective } from '../../src/objective/index.ts';
import { evaluateObjective, oneRow } from './evaluate-objective.ts';

const value = (settings: unknown, row: Parameters<typeof oneRow>[0]) =>
  evaluateObjective(createObjective(settings), oneRow(row));

// Log-ratios: chosen −10 − (−12) = 2, rejected −9 − (−8) = −1; their difference is 3.
const pair = { chosen: -10, rejected: -9, referenceChosen: -12, referenceRejected: -8 };

describe('SFT', () => {
  it('is the mean over all tokens, not the mean of row means', () => {
    const batch = {
      chosen: [-6, -6],
      rejected: [0, 0],
      chosenLength: [3, 1],
      rejectedLength: [1, 1],
      constants: {},
    };
    const result = evaluateObjective(createObjective({ name: 'sft' }), batch);
    // (6 + 6) / (3 + 1) = 3; the mean of 6/3 and 6/1 would be 4.
    expect(result.loss).toBe(3);
    // d/d chosen = −1 / 4 for either row.
    expect(result.chosenGradient).toEqual([-0.25, -0.25]);
    expect(result.rejectedGradient).toEqual([0, 0]);
  });
});

describe('DPO', () => {
  it('is −log sigmoid of the reward margin', () => {
    // r = 0.5 · 3 = 1.5; −log sigmoid(1.5) = log(1 + e^−1.5) = log 1.2231302 = 0.2014133
    expect(value({ name: 'dpo', beta: 0.5 }, pair).loss).toBeCloseTo(0.2014133, 7);
    // Without any difference from the reference r = 0 and the loss is log 2.
    expect(value({ name: 'dpo' }, { chosen: -3, rejected: -70 }).loss).toBeCloseTo(Math.LN2, 12);
  });

  it('with label smoothing weighs in the flipped label', () => {
    // −log sigmoid(−1.5) = 1.5 + 0.2014133 = 1.7014133; 0.9 · 0.2014133 + 0.1 · 1.7014133 = 0.3514133
    const smoothed = value({ name: 'dpo', beta: 0.5, label_smoothing: 0.1 }, pair);
    expect(smoothed.loss).toBeCloseTo(0.3514133, 7);
  });
});

describe('FPO', () => {
  it('scales the DPO loss by (1 − p)^gamma', () => {
    // r = 1.5: p = 0.8175745, 1 − p = 0.1824255. gamma 2: 0.0332791 · 0.2014133 = 0.00670285
    expect(value({ name: 'fpo', beta: 0.5, gamma: 2 }, pair).loss).toBeCloseTo(0.00670285, 8);
    // gamma 1: 0.1824255 · 0.2014133 = 0.0367429
    expect(value({ name: 'fpo', beta: 0.5, gamma: 1 }, pair).loss).toBeCloseTo(0.0367429, 7);
    // r = 0: (1/2)^5 · log 2 = 0.0216608
    expect(value({ name: 'fpo', gamma: 5 }, { chosen: -3, rejected: -4 }).loss).toBeCloseTo(0.0216608, 7);
  });

  it('with label smoothing weighs in the flipped label', () => {
    // Flipped: (1 − 0.1824255)^2 · 1.7014133 = 0.6684281 · 1.7014133 = 1.1372725
    // 0.75 · 0.00670285 + 0.25 · 1.1372725 = 0.2893453
    const smoothed = value({ name: 'fpo', beta: 0.5, gamma: 2, label_smoothing: 0.25 }, pair);
    expect(smoothed.loss).toBeCloseTo(0.2893453, 6);
  });
});

describe('IPO', () => {
  it('draws the per-token log-ratio difference to 1 / (2 beta)', () => {
    // 2/4 − (−1)/2 = 1; 1 / (2 · 0.25) = 2; (1 − 2)² = 1
    const lengths = { chosenLength: 4, rejectedLength: 2 };
    expect(value({ name: 'ipo', beta: 0.25 }, { ...pair, ...lengths }).loss).toBe(1);
  });

  it('takes sums when told so', () => {
    // (3 − 2)² = 1 and (3 − 5)² = 4
    expect(value({ name: 'ipo', beta: 0.25, length_normalized: false }, pair).loss).toBe(1);
    expect(value({ name: 'ipo', length_normalized: false }, { ...pair, chosenLength: 4 }).loss).toBe(4);
  });
});

describe('SimPO', () => {
  it('compares mean log-probs with a margin, without a reference', () => {
    // 2 · (−10/5 − (−9/3)) − 1 = 2 · 1 − 1 = 1; log(1 + e^−1) = 0.3132617
    const row = { chosen: -10, rejected: -9, chosenLength: 5, rejectedLength: 3 };
    expect(value({ name: 'simpo', beta: 2, gamma: 1 }, row).loss).toBeCloseTo(0.3132617, 7);
    // Flipped: 1.3132617; 0.9 · 0.3132617 + 0.1 · 1.3132617 = 0.4132617
    const smoothed = value({ name: 'simpo', beta: 2, gamma: 1, label_smoothing: 0.1 }, row);
    expect(smoothed.loss).toBeCloseTo(0.4132617, 7);
  });
});

describe('ORPO', () => {
  it('adds the odds-ratio term to the mean negative log-prob', () => {
    // Mean log-probs log ½ and log ¼: odds 1 and 1/3, ratio 3; −log sigmoid(log 3) = −log ¾ = 0.2876821
    // log 2 + 0.5 · 0.2876821 = 0.8369882
    const row = {
      chosen: 4 * Math.log(0.5),
      rejected: 2 * Math.log(0.25),
      chosenLength: 4,
      rejectedLength: 2,
    };
    expect(value({ name: 'orpo', lambda: 0.5 }, row).loss).toBeCloseTo(0.8369882, 7);
  });
});

describe('KTO', () => {
  it('counts each pair as a desirable and an undesirable example', () => {
    // kl 1: desirable 1 − sigmoid(0.5 · (2 − 1)) = 1 − 0.6224593 = 0.3775407
    // undesirable 1 − sigmoid(0.5 · (1 − (−1))) = 1 − 0.7310586 = 0.2689414; their mean 0.323241
    expect(value({ name: 'kto', beta: 0.5 }, { ...pair, kl: 1 }).loss).toBeCloseTo(0.323241, 6);
    // (1.5 · 0.3775407 + 0.5 · 0.2689414) / 2 = 0.3503909
    const weighted = { name: 'kto', beta: 0.5, desirable_weight: 1.5, undesirable_weight: 0.5 };
    expect(value(weighted, { ...pair, kl: 1 }).loss).toBeCloseTo(0.3503909, 7);
  });
});

describe('hinge', () => {
  it('leaves pairs alone that lead by 1 / beta', () => {
    expect(value({ name: 'hinge', beta: 0.2 }, pair).loss).toBeCloseTo(0.4, 12); // 1 − 0.2 · 3
    const led = value({ name: 'hinge', beta: 0.5 }, pair); // 1 − 1.5 < 0
    for (const number of [led.loss, led.chosenGradient[0], led.rejectedGradient[0]])
      expect(number).toBeCloseTo(0, 15);
  });
});
