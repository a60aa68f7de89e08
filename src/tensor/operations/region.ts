/** A stretch of graph that is forgotten after the forward pass and run again in the backward pass. */
import { printShape, sameShape } from '../dimension.ts';
import { evaluate } from '../evaluate.ts';
import { pullback } from '../gradient.ts';
import type { Operation } from '../operation.ts';
import { applyOperation, nodesOf, type Tensor } from '../tensor.ts';
import { barrier } from './shape.ts';
import { input } from './source.ts';

interface RegionAttributes {
  readonly parameters: readonly Tensor[];
  readonly results: readonly Tensor[];
}

/** The results with the parameters replaced: nodes that depend on none are shared, not copied. */
function instantiate({ parameters, results }: RegionAttributes, inputs: readonly Tensor[]): readonly Tensor[] {
  const replaced = new Map<Tensor, Tensor>(parameters.map((one, at) => [one, inputs[at] as Tensor]));
  const current = (tensor: Tensor) => replaced.get(tensor) ?? tensor;
  for (const node of nodesOf(results)) {
    if (!node.inputs.some((one) => replaced.has(one))) continue;
    const copies = applyOperation(node.operation, node.inputs.map(current), node.attributes);
    node.outputs.forEach((output, at) => replaced.set(output, copies[at] as Tensor));
  }
  return results.map(current);
}

export const regionOperation: Operation<RegionAttributes> = {
  name: 'region',
  shape: (inputs, { parameters, results }) => {
    parameters.forEach((parameter, at) => {
      const given = inputs[at];
      if (!given || !sameShape(given.shape, parameter.shape)) {
        throw new Error(`region: input ${at} is not ${printShape(parameter.shape)}`);
      }
    });
    return results;
  },
  gradient: (node, cotangents) => {
    const trigger = cotangents.find((cotangent) => cotangent !== null) as Tensor;
    // The first input carries the activations: held back, everything computed from it is held back.
    const inputs = node.inputs.map((tensor, at) => (at === 0 ? barrier(tensor, trigger) : tensor));
    return pullback(instantiate(node.attributes, inputs), cotangents, inputs);
  },
  lower: (node, lowering) =>
    instantiate(node.attributes, node.inputs).map((result) => lowering.nameOf(result)),
  evaluate: (values, { parameters, results }) =>
    evaluate(results, new Map(parameters.map((one, at) => [one, values[at] as (typeof values)[number]]))),
};

/**
 * Runs `body` on the inputs. Only the inputs and results are kept for the backward pass, which computes
 * the inside again: memory for time. [Chen et al. 2016, arXiv:1604.06174] The first input is the
 * activation; tensors that are to be differentiated must be inputs, other tensors may be captured.
 */
export function region(
  inputs: readonly Tensor[],
  body: (...inputs: Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const parameters = inputs.map((tensor, at) => input(`region.${at}`, tensor.shape, tensor.dataType));
  return applyOperation(regionOperation, inputs, { parameters, results: body(...parameters) });
}
