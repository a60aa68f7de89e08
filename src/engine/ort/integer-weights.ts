/**
 * 8-bit copies of the linear layers' frozen weights, for backward passes that run in integers. They are made from
 * the weights when first asked for, take a quarter of their size, and are given to the runtime as inputs.
 */
import type { DecoderConfig } from '../../model/config.ts';
import { integerName, scaleName } from '../../model/graph/parameters.ts';
import { linearModules } from '../../model/linear-modules.ts';
import { readTensor, type SafetensorsEntry } from '../../model/weights/safetensors.ts';
import { LEVELS } from '../../tensor/operations/quantised-matrix.ts';
import type { Feeds } from './open-session.ts';

export class IntegerWeights {
  readonly #config: DecoderConfig;
  readonly #weights: ReadonlyMap<string, SafetensorsEntry>;
  #made: Feeds | undefined;

  constructor(config: DecoderConfig, weights: ReadonlyMap<string, SafetensorsEntry>) {
    this.#config = config;
    this.#weights = weights;
  }

  get feeds(): Feeds {
    this.#made ??= Object.fromEntries(
      linearModules(this.#config).flatMap(({ path, inFeatures, outFeatures }) => {
        const name = `${path}.weight`;
        const entry = this.#weights.get(name);
        if (!entry) throw new Error(`the model has no weight "${name}"`);
        const { levels, scales } = quantiseColumns(readTensor(entry), inFeatures);
        return [
          [integerName(name), { data: levels, shape: [outFeatures, inFeatures], constant: true }],
          [scaleName(name), { data: scales, shape: [inFeatures], constant: true }],
        ] as const;
      }),
    );
    return this.#made as Feeds;
  }
}

/**
 * A matrix [rows, columns] as levels ∘ scales, each column in steps of its own largest magnitude / 127.
 * @returns levels [rows, columns], scales [columns]
 */
function quantiseColumns(matrix: Float32Array, columns: number): { levels: Int8Array; scales: Float32Array } {
  const scales = new Float32Array(columns);
  for (let at = 0, column = 0; at < matrix.length; at++) {
    const magnitude = Math.abs(matrix[at] as number);
    if (magnitude > (scales[column] as number)) scales[column] = magnitude;
    if (++column === columns) column = 0;
  }
  const inverse = new Float64Array(columns);
  for (let column = 0; column < columns; column++) {
    scales[column] = (scales[column] as number) / LEVELS;
    inverse[column] = scales[column] === 0 ? 0 : 1 / (scales[column] as number);
  }
  const levels = new Int8Array(matrix.length);
  for (let at = 0, column = 0; at < matrix.length; at++) {
    levels[at] = Math.round((matrix[at] as number) * (inverse[column] as number));
    if (++column === columns) column = 0;
  }
  return { levels, scales };
}
