/** EWC's penalty, worked out by hand and, over a whole run, from the engine's gradients row by row. */
import { describe, expect, it } from 'vitest';
import { createObjective } from '../../src/objective/index.ts';
import { ToyEngine } from '../train/toy-engine.ts';
import { gradientCalls, runMethod } from './runs.ts';
import { beginMethod, smallAdapter, smallGradients, stageEnd } from './small-adapters.ts';

const penaltyAt = (method: ReturnType<typeof beginMethod>, ...values: number[]) => {
  const { value, gradients } = method.penalty!(smallAdapter(...values), []);
  return { value, gradient: [...gradients.get('A')!] };
};

describe('the penalty', () => {
  it('is 0 before any stage is finished', () => {
    expect(penaltyAt(beginMethod('ewc'), 3, 4)).toEqual({ value: 0, gradient: [0, 0] });
  });

  it('squares each row’s gradient before the mean, so that opposite ones do not cancel', async () => {
    const method = beginMethod('ewc', { lambda: 2 });
    await method.endStage!(stageEnd(smallAdapter(1, 1), smallGradients(1, 2), smallGradients(-1, 4)));
    // F = ((1 + 1) / 2, (4 + 16) / 2) = (1, 10); (2 / 2) · (1 · 2² + 10 · 0.5²)
    expect(penaltyAt(method, 3, 0.5)).toEqual({ value: 6.5, gradient: [4, -10] });
  });

  it('has a term for every finished stage, or for the last one', async () => {
    const finish = async (terms: string) => {
      const method = beginMethod('ewc', { lambda: 1, terms });
      await method.endStage!(stageEnd(smallAdapter(0, 0), smallGradients(1, 0)));
      await method.endStage!(stageEnd(smallAdapter(2, 2), smallGradients(0, 2)));
      return method;
    };
    expect(penaltyAt(await finish('all'), 1, 1)).toEqual({ value: 0.5 + 2, gradient: [1, -4] });
    expect(penaltyAt(await finish('last'), 1, 1)).toEqual({ value: 2, gradient: [0, -4] });
  });

  it('goes on from what it remembered', async () => {
    const method = beginMethod('ewc');
    await method.endStage!(stageEnd(smallAdapter(1, 1), smallGradients(1, 2)));
    const again = beginMethod('ewc', {}, { remembered: method.state!() });
    expect(penaltyAt(again, 5, 6)).toEqual(penaltyAt(method, 5, 6));
  });

  it('remembers nothing of a stage whose end was broken off', async () => {
    const method = beginMethod('ewc');
    const broken = { ...stageEnd(smallAdapter(1, 1)), rowGradients: brokenOff };
    await expect(method.endStage!(broken)).rejects.toThrow('aborted');
    expect(method.state!().finished).toEqual([]);
  });
});

it('in a run is the formula written out, of loss and gradient, over all finished stages', async () => {
  const lambda = 500;
  const { engine, steps } = await runMethod('ewc', { method_settings: { lambda } });
  const oracle = new ToyEngine();
  const terms: { anchor: ReadonlyMap<string, Float32Array>; importance: Map<string, number[]> }[] = [];
  const calls = gradientCalls(engine);
  let step = 0;
  for (let at = 0; at < calls.length; ) {
    // Steps are of four or two rows, the passes at a stage's end of one.
    const { adapter, rows, request } = calls[at]!;
    if (rows.length === 1) {
      const ofStage = calls.slice(at, at + 18);
      const squares = new Map<string, number[]>();
      for (const { request: single } of ofStage) {
        const { gradients } = await oracle.gradients({
          ...single!,
          objective: createObjective({ name: single!.objective.name }),
        });
        for (const [name, gradient] of gradients) {
          const sum = squares.get(name) ?? Array.from(gradient, () => 0);
          squares.set(
            name,
            sum.map((value, i) => value + gradient[i]! ** 2 / 18),
          );
        }
      }
      expect(new Set(ofStage.map((call) => call.rows[0])).size).toBe(18);
      const anchor = new Map(Array.from(adapter!.tensors, ([name, { data }]) => [name, data]));
      terms.push({ anchor, importance: squares });
      at += 18;
      continue;
    }
    const { gradients } = await oracle.gradients(request!);
    let penalty = 0;
    let squaredNorm = 0;
    for (const [name, { data }] of adapter!.tensors) {
      data.forEach((value, i) => {
        let slope = gradients.get(name)![i]!;
        for (const { anchor, importance } of terms) {
          const distance = value - anchor.get(name)![i]!;
          penalty += (lambda / 2) * importance.get(name)![i]! * distance ** 2;
          slope += lambda * importance.get(name)![i]! * distance;
        }
        squaredNorm += slope ** 2;
      });
    }
    expect(steps[step]!['penalty'], `step ${step}`).toBeCloseTo(penalty, 5);
    expect(steps[step]!['grad_norm'], `step ${step}`).toBeCloseTo(Math.sqrt(squaredNorm), 4);
    step++;
    at++;
  }
  expect([step, terms.length]).toEqual([steps.length, 4]);
  expect(Math.max(...steps.map((record) => Number(record['penalty'])))).toBeGreaterThan(0.01);
});

async function* brokenOff() {
  yield smallGradients(1, 2);
  throw new Error('aborted');
}
