import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { projectGradient } from '../../src/method/gem.ts';
import { minimiseByActiveSets } from '../optim/active-sets.ts';
import { ToyEngine } from '../train/toy-engine.ts';
import { gradientCalls, runMethod } from './runs.ts';
import { beginMethod, smallAdapter, smallGradients } from './small-adapters.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, at) => sum + value * b[at]!, 0);
const floats = (...values: number[]) => Float32Array.from(values);

/** As written in the source, with the independent solver. */
function projected(g: ArrayLike<number>, earlier: readonly ArrayLike<number>[], margin: number): number[] {
  if (earlier.every((row) => dot(row, g) >= 0)) return Array.from(g);
  const gram = earlier.map((row) => earlier.map((other) => dot(row, other)));
  const v = minimiseByActiveSets(
    margin,
    gram,
    earlier.map((row) => dot(row, g)),
  );
  return Array.from(g, (value, at) => earlier.reduce((sum, row, k) => sum + v[k]! * row[at]!, value));
}

const numbers = fc.array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: 6, maxLength: 6 });
const earlierGradients = fc
  .array(numbers, { minLength: 1, maxLength: 4 })
  .filter((rows) => rows.every((row) => Math.hypot(...row) > 0.01));

/** The least share of a row's length that the rows before it do not span. */
function leastIndependence(rows: readonly (readonly number[])[]): number {
  const basis: number[][] = [];
  let least = 1;
  for (const row of rows) {
    let rest = [...row];
    for (const unit of basis) {
      const along = dot(unit, rest);
      rest = rest.map((value, at) => value - along * unit[at]!);
    }
    least = Math.min(least, Math.hypot(...rest) / Math.hypot(...row));
    basis.push(rest.map((value) => value / Math.hypot(...rest)));
  }
  return least;
}

describe('the projection', () => {
  it('leaves a gradient alone that conflicts with no earlier one, to the last bit', () => {
    const g = floats(1, 2);
    expect(projectGradient(g, [floats(1, 0), floats(-2, 1)], 0.1)).toBe(g);
    expect(projectGradient(g, [], 0.1)).toBe(g);
  });

  it('by hand: takes away what conflicts, or more where the margin asks for it', () => {
    // v = 2 makes (-2, 1) orthogonal to (1, 0); a margin of 3 goes beyond.
    expect(projectGradient(floats(-2, 1), [floats(1, 0)], 0.1)).toEqual(floats(0, 1));
    expect(projectGradient(floats(-2, 1), [floats(1, 0)], 3)).toEqual(floats(1, 1));
    // One conflicts: the other, which does not, still enters with the margin.
    const [x, y] = projectGradient(floats(-2, 1), [floats(1, 0), floats(0, 1)], 0.5);
    expect([x, y]).toEqual([0, 1.5]);
  });

  it('ends with no conflict', () => {
    fc.assert(
      fc.property(numbers, earlierGradients, fc.constantFrom(0, 0.1, 1), (values, rows, margin) => {
        const result = projectGradient(
          floats(...values),
          rows.map((row) => floats(...row)),
          margin,
        );
        for (const row of rows) {
          expect(dot(result, row)).toBeGreaterThanOrEqual(-1e-4 * (1 + Math.hypot(...result)));
        }
      }),
    );
  });

  it('is that of an independent solver', () => {
    fc.assert(
      fc.property(numbers, earlierGradients, fc.constantFrom(0.1, 1), (values, rows, margin) => {
        // Rows that are all but dependent have weights beyond float32's digits.
        fc.pre(leastIndependence(rows) > 1e-3);
        const result = projectGradient(
          floats(...values),
          rows.map((row) => floats(...row)),
          margin,
        );
        const expected = projected(values, rows, margin);
        result.forEach((value, at) => {
          expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-3);
        });
      }),
    );
  });

  it('passes over earlier gradients of zeros, and takes tiny ones as seriously as large ones', () => {
    expect([...projectGradient(floats(-2, 1), [floats(0, 0), floats(1, 0)], 0)]).toEqual([0, 1]);
    expect(projectGradient(floats(-2, 1), [floats(0, 0)], 0.1)).toEqual(floats(-2, 1));
    const [x, y] = projectGradient(floats(-2, 1), [floats(1e-12, 0)], 0);
    expect([x, y]).toEqual([expect.closeTo(0, 6), 1]);
  });

  it('protects a stage of tiny gradients beside large ones that are the same twice', () => {
    const earlier = [floats(1, 0), floats(1, 0), floats(0, 1e-9)];
    const [x, y] = projectGradient(floats(-1, -1), earlier, 0);
    expect([x, y]).toEqual([expect.closeTo(0, 6), expect.closeTo(0, 6)]);
  });

  it('is not confused by the same gradient twice', () => {
    const [x, y] = projectGradient(floats(-2, 1), [floats(1, 0.5), floats(1, 0.5)], 0);
    expect([x, y]).toEqual([expect.closeTo(-0.8, 5), expect.closeTo(1.6, 5)]);
  });
});

describe('earlier gradients', () => {
  const end = (values: number[]) => ({ before: smallAdapter(0, 0), after: smallAdapter(...values) }) as never;

  it('are exponential averages over a finished stage’s steps, begun by the first', async () => {
    const method = beginMethod('gem', { decay: 0.9 });
    method.gradients!(smallGradients(1, 0));
    method.gradients!(smallGradients(0, 10));
    await method.endStage!(end([0, 0]));
    const [average] = method.state!().finished;
    expect([...average!.get('A')!.data]).toEqual([expect.closeTo(0.9, 6), expect.closeTo(1, 6)]);
    expect(method.state!().running.size).toBe(0);
  });

  it('do not hold within the stage itself', () => {
    const method = beginMethod('gem');
    method.gradients!(smallGradients(1, 0));
    expect([...method.gradients!(smallGradients(-1, 0)).get('A')!]).toEqual([-1, 0]);
  });

  it('go on from what was remembered in the middle of a stage', async () => {
    const method = beginMethod('gem');
    method.gradients!(smallGradients(1, 2));
    const again = beginMethod('gem', {}, { remembered: method.state!() });
    for (const one of [method, again]) {
      one.gradients!(smallGradients(-3, 4));
      await one.endStage!(end([0, 0]));
    }
    expect(again.state!()).toEqual(method.state!());
  });
});

it('in a run turns gradients, matrix by matrix, before they are clipped', async () => {
  const margin = 0.2;
  const { engine, steps } = await runMethod('gem', { method_settings: { margin } });
  const oracle = new ToyEngine();
  const finished: Map<string, number[]>[] = [];
  let running = new Map<string, number[]>();
  let conflicts = 0;
  for (const [step, { request }] of gradientCalls(engine).entries()) {
    if (step > 0 && steps[step]!['step'] === 1) {
      finished.push(running);
      running = new Map();
    }
    const { gradients } = await oracle.gradients(request!);
    let squaredNorm = 0;
    for (const [name, gradient] of gradients) {
      const before = running.get(name);
      running.set(
        name,
        Array.from(gradient, (value, at) => (before ? 0.9 * before[at]! + 0.1 * value : value)),
      );
      const earlier = finished.map((stage) => stage.get(name)!);
      if (earlier.some((row) => dot(row, gradient) < 0)) conflicts++;
      squaredNorm += dot(projected(gradient, earlier, margin), projected(gradient, earlier, margin));
    }
    expect(steps[step]!['grad_norm'], `step ${step}`).toBeCloseTo(Math.sqrt(squaredNorm), 4);
  }
  expect(finished).toHaveLength(3);
  expect(conflicts).toBeGreaterThan(10);
});
