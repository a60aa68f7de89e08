/**
 * Every operation record: its gradient rule against finite differences of the reference kernel, its ONNX
 * lowering (and its gradient's) against the reference kernels, and the verifier on all graphs.
 */
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { evaluate } from '../../src/tensor/evaluate.ts';
import { input } from '../../src/tensor/functions.ts';
import { pullback } from '../../src/tensor/gradient.ts';
import type { Operation, Value } from '../../src/tensor/operation.ts';
import { nodesOf, type Tensor } from '../../src/tensor/tensor.ts';
import { verifyGraph } from '../../src/tensor/verify.ts';
import { cases } from './cases.ts';
import { misfits } from './misfits.ts';
import { type OnnxSession, openOnnx } from './onnx.ts';
import { drawInputs, drawValue, makeInputs, sizesOfShape, type Variant } from './variant.ts';

const folder = new URL('../../src/tensor/operations/', import.meta.url);

async function allOperations(): Promise<readonly Operation[]> {
  const modules = await Promise.all(
    readdirSync(folder).map((file) => import(new URL(file, folder).href) as Promise<Record<string, unknown>>),
  );
  return modules
    .flatMap((module) => Object.values(module))
    .filter((one): one is Operation => typeof one === 'object' && one !== null && 'lower' in one);
}

/** A variant's graph with the gradients of a random linear function of its float32 results. */
function build({ inputs: specs, build: apply }: Variant) {
  const inputs = makeInputs(specs);
  const results = apply(inputs);
  const cotangents = results.map(({ shape, dataType }, at) =>
    dataType === 'float32' ? input(`cotangent${at}`, shape) : null,
  );
  const wrt = inputs.filter((one, at) => one.dataType === 'float32' && !specs[at]?.frozen);
  const gradients = pullback(results, cotangents, wrt);
  verifyGraph([...results, ...gradients]);
  return { inputs, results, cotangents, wrt, gradients };
}

type Graph = ReturnType<typeof build>;

function dot(a: Value, b: Value): number {
  return a.data.reduce((total, value, at) => total + value * (b.data[at] as number), 0);
}

/** The gradients' directional derivative against central differences, one direction for each input. */
function expectDerivatives(graph: Graph, given: ReadonlyMap<Tensor, Value>, random: Random): void {
  const { results, cotangents, wrt, gradients } = graph;
  const objective = (values: ReadonlyMap<Tensor, Value>) =>
    evaluate(results, values).reduce((total, result, at) => {
      const cotangent = cotangents[at];
      return cotangent ? total + dot(result, given.get(cotangent) as Value) : total;
    }, 0);
  evaluate(gradients, given).forEach((gradient, at) => {
    const target = wrt[at] as Tensor;
    const point = given.get(target) as Value;
    const direction = drawValue(point.shape, () => 2 * random.uniform() - 1);
    const step = 1e-5;
    const moved = (sign: number) =>
      new Map(given).set(target, {
        shape: point.shape,
        data: point.data.map((value, i) => value + sign * step * (direction.data[i] as number)),
      });
    const difference = (objective(moved(1)) - objective(moved(-1))) / (2 * step);
    const derivative = dot(gradient, direction);
    expect(Math.abs(derivative - difference)).toBeLessThan(1e-6 * Math.max(1, Math.abs(difference)));
  });
}

function expectClose(actual: Value, expected: Value, name: string): void {
  expect([...actual.shape], `shape of ${name}`).toEqual([...expected.shape]);
  const size = expected.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  expected.data.forEach((value, at) => {
    const distance = Math.abs((actual.data[at] as number) - value);
    expect(distance, `${name}[${at}]: ${actual.data[at]}, expected ${value}`).toBeLessThan(5e-5 * size);
  });
}

const open: OnnxSession[] = [];
afterEach(async () => {
  for (const session of open.splice(0)) await session.close();
});

async function check(variant: Variant, seed: number): Promise<void> {
  const random = Random.fromSeed(seed);
  const graph = build(variant);
  const { inputs, results, cotangents, gradients } = graph;
  const outputs = Object.fromEntries([
    ...results.map((tensor, at) => [`result${at}`, tensor] as const),
    ...gradients.map((tensor, at) => [`gradient${at}`, tensor] as const),
  ]);
  let session: OnnxSession | null = null;
  for (const sizes of variant.sizes) {
    const given = new Map<Tensor, Value>();
    drawInputs(variant.inputs, random, sizes).forEach((value, at) => {
      given.set(inputs[at] as Tensor, value);
    });
    for (const cotangent of cotangents) {
      if (!cotangent) continue;
      const shape = sizesOfShape(cotangent.shape, sizes);
      given.set(
        cotangent,
        drawValue(shape, () => 2 * random.uniform() - 1),
      );
    }
    expectDerivatives(graph, given, random);
    const named = [...given].map(
      ([tensor, value]) =>
        [(tensor.node.attributes as { name: string }).name, { dataType: tensor.dataType, value }] as const,
    );
    if (!session) {
      const weights = named.filter((_, at) => variant.inputs[at]?.weight);
      session = await openOnnx(outputs, new Map(weights.map(([name, { value }]) => [name, value])));
      open.push(session);
    }
    const computed = await session.run(new Map(named));
    const expected = evaluate(Object.values(outputs), given);
    Object.keys(outputs).forEach((name, at) => {
      expectClose(computed.get(name) as Value, expected[at] as Value, `${name} for ${JSON.stringify(sizes)}`);
    });
  }
}

describe.each(Object.keys(cases))('%s', (name) => {
  const variants = cases[name] as fc.Arbitrary<Variant>;

  it('agrees with finite differences and with ONNX Runtime', async () => {
    await fc.assert(fc.asyncProperty(variants, fc.nat(), check), { numRuns: 25 });
  });

  it('is what its graphs are made of', () => {
    fc.assert(
      fc.property(variants, (variant) => {
        const nodes = nodesOf(build(variant).results);
        return nodes.some((node) => node.operation.name === name);
      }),
      { numRuns: 5 },
    );
  });

  it.each(Object.entries(misfits[name] ?? {}))('refuses %s', (_, make) => {
    // A complaint, not a failure on the way to one.
    expect(make).toThrow(expect.objectContaining({ name: 'Error' }));
  });
});

it('every operation has cases, and inputs it refuses', async () => {
  const names = (await allOperations()).map((operation) => operation.name).sort();
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(cases).sort()).toEqual(names);
  // These take whatever there is.
  expect([...Object.keys(misfits), 'input', 'weight', 'zerosLike'].sort()).toEqual(names);
});
