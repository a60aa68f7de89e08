/**
 * What the tests of operations run: small graphs over inputs of symbolic shapes, with the sizes and values
 * to try them with.
 */
import type { Random } from '../../src/support/random.ts';
import { dimensionValue, type Shape } from '../../src/tensor/dimension.ts';
import { input, weight } from '../../src/tensor/functions.ts';
import type { Value } from '../../src/tensor/operation.ts';
import type { DataType, Tensor } from '../../src/tensor/tensor.ts';

export type Sizes = Readonly<Record<string, number>>;

export interface InputSpec {
  readonly shape: Shape;
  readonly dataType?: DataType;
  /** Draws the element at a row-major position; uniform in [-2, 2) unless told. */
  readonly values?: (random: Random, at: number, sizes: Sizes) => number;
  /** Not differentiated, though it is float32. */
  readonly frozen?: boolean;
  /** Comes from a file instead of being fed. */
  readonly weight?: boolean;
}

export interface Variant {
  readonly inputs: readonly InputSpec[];
  build(inputs: readonly Tensor[]): readonly Tensor[];
  /** Values of the named sizes, one run each. */
  readonly sizes: readonly Sizes[];
}

export const inputName = (at: number): string => `x${at}`;

export function makeInputs(specs: readonly InputSpec[]): readonly Tensor[] {
  return specs.map(({ shape, dataType, weight: isWeight }, at) =>
    isWeight ? weight(inputName(at), shape as number[]) : input(inputName(at), shape, dataType),
  );
}

export function sizesOfShape(shape: Shape, sizes: Sizes): number[] {
  const known = new Map(Object.entries(sizes));
  return shape.map((dimension) => dimensionValue(dimension, known));
}

/** Values that float32 holds exactly, so that engines start from the same numbers. */
export function drawValue(shape: readonly number[], draw: (at: number) => number): Value {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, data: Float64Array.from({ length: count }, (_, at) => Math.fround(draw(at))) };
}

export function drawInputs(specs: readonly InputSpec[], random: Random, sizes: Sizes): readonly Value[] {
  return specs.map(({ shape, values = uniform(-2, 2) }) =>
    drawValue(sizesOfShape(shape, sizes), (at) => values(random, at, sizes)),
  );
}

export function uniform(low: number, high: number): (random: Random) => number {
  return (random) => low + (high - low) * random.uniform();
}

/** Uniform integers below a bound, which may be a named size. */
export function below(bound: number | string): NonNullable<InputSpec['values']> {
  return (random, _, sizes) => random.integer(typeof bound === 'number' ? bound : (sizes[bound] as number));
}

/** Numbers of both signs whose size is at least 0.1: away from kinks at 0. */
export function awayFromZero(random: Random): number {
  const size = 0.1 + 1.9 * random.uniform();
  return random.integer(2) === 0 ? size : -size;
}
