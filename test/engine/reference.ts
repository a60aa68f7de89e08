/** The oracle of the engines: the graphs of a tiny model, evaluated by the reference kernels in float64. */
import type { GradientRequest, GradientResult, RowLogProbs } from '../../src/engine/engine.ts';
import { constantName, gradientGraph, gradientName, scoringGraph } from '../../src/engine/ort/graphs.ts';
import {
  type Adapter,
  type LoraAdapter,
  loraTensorName,
  parseLoraTensorName,
} from '../../src/model/adapter.ts';
import type { Recompute } from '../../src/model/graph/decoder.ts';
import type { LayoutOptions } from '../../src/model/graph/layout.ts';
import { adapterShape } from '../../src/model/graph/parameters.ts';
import type { ModelFolder } from '../../src/model/model-folder.ts';
import { evaluate } from '../../src/tensor/evaluate.ts';
import type { Value } from '../../src/tensor/operation.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import {
  adapterValues,
  batchValues,
  feed,
  HEAD_PIECES as headPieces,
  makeValue,
  weightValues,
} from '../model/tiny.ts';

function run(outputs: Readonly<Record<string, Tensor>>, values: ReadonlyMap<string, Value>) {
  const tensors = Object.values(outputs);
  const results = evaluate(tensors, feed(tensors, values));
  return (name: string): Float64Array => (results[Object.keys(outputs).indexOf(name)] as Value).data;
}

function logProbs(values: Float64Array, rows: number, responses: LayoutOptions['responses']): RowLogProbs {
  if (responses === 'chosen') return { chosen: values, rejected: new Float64Array(rows) };
  return {
    chosen: values.filter((_, at) => at % 2 === 0),
    rejected: values.filter((_, at) => at % 2 === 1),
  };
}

export function referenceScore(
  model: ModelFolder,
  rows: readonly EncodedRow[],
  adapter: Adapter | null,
  weights = weightValues(model),
): RowLogProbs {
  const layout = { pairs: rows.length, responses: 'pair', headPieces } as const;
  const graph = scoringGraph(model.config, layout, adapter && adapterShape(adapter));
  const result = run(
    graph,
    new Map([...weights, ...batchValues(model, rows, 'pair'), ...adapterValues(adapter)]),
  );
  return logProbs(result('logps'), rows.length, 'pair');
}

/** The base's weights with an adapter's products (alpha / rank) B A added to them. */
export function mergedWeights(model: ModelFolder, adapter: LoraAdapter): Map<string, Value> {
  const weights = weightValues(model);
  const { scaling } = adapterShape(adapter);
  for (const [name, { shape, data: a }] of adapter.tensors) {
    const parsed = parseLoraTensorName(name);
    if (parsed?.side !== 'A') continue;
    const b = adapter.tensors.get(loraTensorName(parsed.modulePath, 'B'))!;
    const weight = weights.get(`${parsed.modulePath}.weight`)!;
    const [rank, columns] = shape;
    weight.data.forEach((_, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns];
      for (let k = 0; k < rank; k++)
        weight.data[at]! += scaling * b.data[row * rank + k]! * a[k * columns + column]!;
    });
  }
  return weights;
}

/** As the engine's, but gradients in float64. */
export function referenceGradients(
  model: ModelFolder,
  { rows, adapter, objective, constants }: GradientRequest,
  recompute: Recompute = 'nothing',
): Omit<GradientResult, 'gradients'> & { readonly gradients: ReadonlyMap<string, Float64Array> } {
  const { responses } = objective;
  const layout = { pairs: rows.length, responses, headPieces };
  const graph = gradientGraph(model.config, layout, adapterShape(adapter), objective, { recompute });
  const lengths = (name: 'chosen' | 'rejected') => rows.map((row) => row[name].length);
  const vector = (data: ArrayLike<number>) => makeValue([data.length], data);
  const total =
    objective.normalizer === 'rows' ? rows.length : lengths('chosen').reduce((sum, one) => sum + one, 0);
  const result = run(
    graph,
    new Map([
      ...weightValues(model),
      ...batchValues(model, rows, responses),
      ...adapterValues(adapter),
      ['weight', vector(rows.map(() => 1 / total))],
      ['chosen_length', vector(lengths('chosen'))],
      ['rejected_length', vector(lengths('rejected'))],
      ...Object.entries(constants).map(([name, data]) => [constantName(name), vector(data)] as const),
    ]),
  );
  return {
    loss: result('loss')[0] as number,
    logps: logProbs(result('logps'), rows.length, responses),
    gradients: new Map([...adapter.tensors.keys()].map((name) => [name, result(gradientName(name))])),
  };
}
