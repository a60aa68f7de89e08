import { describe, expect, it } from 'vitest';
import type { RowLogProbs } from '../../src/engine/engine.ts';
import { rowWeights } from '../../src/method/cppo.ts';
import { createObjective } from '../../src/objective/index.ts';
import { evaluateObjective, oneRow } from '../objective/evaluate-objective.ts';
import { ToyEngine } from '../train/toy-engine.ts';
import { gradientCalls, runMethod, taskAdapter } from './runs.ts';
import { beginMethod } from './small-adapters.ts';

const pairs = (chosen: number[], rejected: number[]): RowLogProbs => ({
  chosen: Float64Array.from(chosen),
  rejected: Float64Array.from(rejected),
});

// Chosen log-probs: mean -5, standard deviation √(64 / 5) = 3.58. Margins the same around 5: row by row
// (chosen - reference chosen) - (rejected - reference rejected) is 9, 1, 9, 1, 5.
const chosen = [-1, -1, -9, -9, -5];
const reference = pairs([-2, -3, -4, -5, -6], [-1, -2, -3, -4, -5]);
const rejected = [9, 1, 9, 1, 5].map(
  (margin, row) => chosen[row]! - reference.chosen[row]! - margin + reference.rejected[row]!,
);
const policy = pairs(chosen, rejected);

describe('the weights of a row', () => {
  it('follow from where its log-prob and its margin lie in the batch', () => {
    expect(rowWeights({ policy, reference }, 1)).toEqual([
      { alpha: 2, beta: 2 },
      { alpha: 2, beta: 0.5 },
      { alpha: 2, beta: 0.5 },
      { alpha: 0.5, beta: 0.5 },
      { alpha: 1, beta: 1 },
    ]);
  });

  it('are 1 where either lies within so many standard deviations of the mean', () => {
    const ones = Array.from(chosen, () => ({ alpha: 1, beta: 1 }));
    expect(rowWeights({ policy, reference }, 1.2)).toEqual(ones);
    // Only the margins differ: no log-prob is high or low.
    expect(
      rowWeights({ policy: pairs([-5, -5, -5], [-9, -5, -1]), reference: pairs([0, 0, 0], [0, 0, 0]) }, 0.5),
    ).toEqual(ones.slice(0, 3));
  });

  it('are 1 in a batch of one row', () => {
    expect(rowWeights({ policy: pairs([-1], [-2]), reference: pairs([-3], [-5]) }, 1)).toEqual([
      { alpha: 1, beta: 1 },
    ]);
  });
});

describe('the weighted objective', () => {
  const weighting = beginMethod('cppo', { retention: 0.1, deviations: 1 }).weighting!;

  it('is alpha · loss + retention · beta · how far both log-probs moved, squared', () => {
    const taskStart = pairs([-1, -2, -3, -4, -5.5], [0, 0, 0, 0, 0]);
    const constants = weighting.constants({ policy, reference, taskStart });
    const weighted = weighting.objective(createObjective({ name: 'dpo', beta: 0.1 }));
    const names = weighted.constants.filter((name) => name in constants);
    expect(Object.keys(constants).sort()).toEqual([...names].sort());
    for (const [row, [alpha, beta]] of [
      [2, 2],
      [2, 0.5],
      [2, 0.5],
      [0.5, 0.5],
      [1, 1],
    ].entries()) {
      const margin = [9, 1, 9, 1, 5][row]!;
      const dpo = Math.log(1 + Math.exp(-0.1 * margin));
      const moved = (chosen[row]! - taskStart.chosen[row]!) ** 2 + rejected[row]! ** 2;
      const batch = oneRow({
        chosen: chosen[row]!,
        rejected: rejected[row]!,
        referenceChosen: reference.chosen[row]!,
        referenceRejected: reference.rejected[row]!,
      });
      const ofRow = Object.fromEntries(
        Object.entries(constants).map(([name, values]) => [name, [values[row]!]]),
      );
      const { loss } = evaluateObjective(weighted, { ...batch, constants: { ...batch.constants, ...ofRow } });
      expect(loss, `row ${row}`).toBeCloseTo(alpha! * dpo + 0.1 * beta! * moved, 10);
    }
  });

  it('keeps what else the objective is, under another key', () => {
    const fpo = createObjective({ name: 'fpo' });
    const weighted = weighting.objective(fpo);
    expect(weighted).toMatchObject({ name: 'fpo', normalizer: fpo.normalizer, responses: 'pair' });
    expect(weighted.focalFactor!(0)).toBe(0.25);
    expect(weighted.key).not.toBe(fpo.key);
  });
});

describe('in a run', () => {
  it('weights come from the policy before the step, and log-probs to keep from the task’s start', async () => {
    const { engine, output } = await runMethod('cppo');
    const weighting = beginMethod('cppo').weighting!;
    const oracle = new ToyEngine();
    const first = await taskAdapter(output, '1-low');
    let weighed = 0;
    for (const { rows, adapter, request } of gradientCalls(engine).slice(20)) {
      const { objective, constants } = request!;
      if (objective.responses === 'chosen') {
        expect(constants).toEqual({});
        continue;
      }
      const expected = weighting.constants({
        policy: await oracle.score(rows, adapter),
        reference: await oracle.score(rows, null),
        taskStart: await oracle.score(rows, first),
      });
      expect(constants).toMatchObject(expected);
      weighed++;
    }
    expect(weighed).toBe(10);
  });
});
