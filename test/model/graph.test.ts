/** The decoder's graph, by the reference kernels in float64, against a decoder written as plain loops. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { LoraAdapter } from '../../src/model/adapter.ts';
import type { Recompute } from '../../src/model/graph/decoder.ts';
import { batchInputs } from '../../src/model/graph/layout.ts';
import { adapterShape, Parameters } from '../../src/model/graph/parameters.ts';
import { rotaryFrequencies } from '../../src/model/graph/rope.ts';
import { sequenceLogProbs } from '../../src/model/graph/sequence-log-probs.ts';
import type { ModelFolder } from '../../src/model/model-folder.ts';
import { Random } from '../../src/support/random.ts';
import { evaluate } from '../../src/tensor/evaluate.ts';
import { multiply, sum } from '../../src/tensor/functions.ts';
import { gradients } from '../../src/tensor/gradient.ts';
import type { Value } from '../../src/tensor/operation.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { verifyGraph } from '../../src/tensor/verify.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import { naiveFrequencies, naiveLogProb } from './naive-decoder.ts';
import {
  adapterValues,
  batchValues,
  feed,
  HEAD_PIECES,
  openTiny,
  randomRows,
  TINY_MODELS,
  weightValues,
} from './tiny.ts';

const lengths = [
  [1, 3, 2],
  [5, 1, 4],
  [4, 6, 1],
] as const;

/** Graph and values of the log-probs of a batch. */
function logProbGraph(
  model: ModelFolder,
  rows: readonly EncodedRow[],
  responses: 'chosen' | 'pair',
  parameters: Parameters,
  { recompute = 'nothing', tiles = 1 }: { recompute?: Recompute; tiles?: number } = {},
) {
  const inputs = batchInputs({ pairs: rows.length, responses, tiles, headPieces: HEAD_PIECES });
  const logps = sequenceLogProbs(model.config, inputs, parameters, recompute);
  const values = new Map([...weightValues(model), ...batchValues(model, rows, responses, tiles)]);
  return { logps, values };
}

function dot(a: Value, b: Value): number {
  return a.data.reduce((total, value, at) => total + value * (b.data[at] as number), 0);
}

describe.each(TINY_MODELS)('%s', (name, adapterName) => {
  let model: ModelFolder;
  let adapter: LoraAdapter;
  let rows: readonly EncodedRow[];
  beforeAll(async () => {
    ({ model, adapter } = await openTiny(name, adapterName));
    rows = randomRows(lengths, model.config.vocabularySize, 7);
  });

  it.each(['pair', 'chosen'] as const)('has the log-probs of separate sequences (%s)', (responses) => {
    for (const policy of [null, adapter]) {
      const parameters = new Parameters(policy && adapterShape(policy));
      const { logps, values } = logProbGraph(model, rows, responses, parameters);
      verifyGraph([logps]);
      const all = new Map([...values, ...adapterValues(policy)]);
      const [result] = evaluate([logps], feed([logps], all)) as [Value];
      const weights = weightValues(model);
      const expected = rows.flatMap(({ prompt, chosen, rejected }) =>
        (responses === 'pair' ? [chosen, rejected] : [chosen]).map((response) =>
          naiveLogProb(model.config, weights, policy, prompt, response),
        ),
      );
      expected.forEach((value, at) => {
        expect(Math.abs((result.data[at] as number) - value)).toBeLessThan(1e-9 * Math.abs(value));
      });
    }
  });

  /** Log-prob sums' gradients with respect to every base weight, for one way of computing them. */
  function weightGradients(
    way: { recompute?: Recompute; tiles?: number },
    given: readonly EncodedRow[] = rows.slice(0, 2),
  ) {
    const names = new Set(model.weights.keys());
    const parameters = new Parameters(null, names);
    const { logps, values } = logProbGraph(model, given, 'pair', parameters, way);
    const loss = sum(multiply(logps, logps));
    const trained = [...parameters.trainable.values()];
    const results = gradients(loss, trained);
    verifyGraph([loss, ...results]);
    const fed = feed([loss, ...results], values);
    return { loss, trained, given: fed, values: evaluate(results, fed) };
  }

  function expectSame(one: ReturnType<typeof weightGradients>, other: ReturnType<typeof weightGradients>) {
    one.values.forEach((value, index) => {
      const scale = Math.sqrt(dot(value, value));
      const { data } = other.values[index] as Value;
      const distance = Math.sqrt(value.data.reduce((s, v, i) => s + (v - (data[i] as number)) ** 2, 0));
      expect(scale).toBeGreaterThan(0);
      expect(distance, kindOf(one.trained[index] as Tensor)).toBeLessThan(1e-10 * scale);
    });
  }

  it('has the gradients of finite differences, for every weight', () => {
    const { loss, trained, given, values } = weightGradients({});
    expect(trained).toHaveLength(model.weights.size);
    const random = Random.fromSeed(3);
    const at = (moved: ReadonlyMap<Tensor, Value>, sign: number) => {
      const values = new Map(given);
      for (const [tensor, { shape, data }] of moved) {
        const point = (given.get(tensor) as Value).data;
        values.set(tensor, {
          shape,
          data: point.map((value, i) => value + sign * 1e-5 * (data[i] as number)),
        });
      }
      return (evaluate([loss], values)[0] as Value).data[0] as number;
    };
    // One direction for each kind of tensor, over all layers.
    const kinds = new Set(trained.map((tensor) => kindOf(tensor)));
    for (const kind of kinds) {
      const moved = new Map(
        trained
          .filter((tensor) => kindOf(tensor) === kind)
          .map((tensor) => {
            const { shape, data } = given.get(tensor) as Value;
            return [tensor, { shape, data: data.map(() => 2 * random.uniform() - 1) }] as const;
          }),
      );
      const derivative = trained.reduce((total, tensor, index) => {
        const direction = moved.get(tensor);
        return direction ? total + dot(values[index] as Value, direction) : total;
      }, 0);
      const difference = (at(moved, 1) - at(moved, -1)) / 2e-5;
      expect(Math.abs(derivative - difference), kind).toBeLessThan(1e-5 * Math.max(1, Math.abs(difference)));
    }
  });

  it.each(['gates', 'activations', 'layers'] as const)(
    'has the same gradients when %s are recomputed',
    (recompute) => expectSame(weightGradients({}), weightGradients({ recompute })),
  );

  it.each(['nothing', 'layers'] as const)(
    'has the same gradients when segments are cut into tiles (%s recomputed)',
    (recompute) => {
      const long = randomRows(
        [
          [4, 3, 8],
          [7, 5, 3],
        ],
        model.config.vocabularySize,
        11,
      );
      expectSame(weightGradients({}, long), weightGradients({ recompute, tiles: 3 }, long));
    },
  );

  it('turns by the frequencies of its configuration', () => {
    const frequencies = rotaryFrequencies(model.config);
    naiveFrequencies(model.config).forEach((expected, pair) => {
      expect(Math.abs((frequencies[pair] as number) - expected)).toBeLessThan(1e-12 * expected);
    });
  });
});

/** A parameter's name without its layer's number. */
function kindOf(tensor: Tensor): string {
  return (tensor.node.attributes as { name: string }).name.replace(/\.\d+\./, '.');
}
