/** Evaluation by the reference kernels: slow, in float64, and the definition of every operation. */
import { isStatic, printShape } from './dimension.ts';
import type { Value } from './operation.ts';
import { nodesOf, type Tensor } from './tensor.ts';

/** Computes tensors from given values of their inputs and weights; checks every shape on the way. */
export function evaluate(outputs: readonly Tensor[], given: ReadonlyMap<Tensor, Value>): readonly Value[] {
  const values = new Map<Tensor, Value>(given);
  const value = (tensor: Tensor): Value => {
    const known = values.get(tensor);
    if (!known) throw new Error(`${tensor.node.operation.name} has no value`);
    return known;
  };
  for (const node of nodesOf(outputs)) {
    if (node.outputs.every((output) => values.has(output))) continue;
    const results = node.operation.evaluate(node.inputs.map(value), node.attributes, node);
    node.outputs.forEach((output, at) => {
      const result = results[at] as Value;
      const fits =
        result.shape.length === output.shape.length &&
        output.shape.every((dimension, axis) => !isStatic(dimension) || dimension === result.shape[axis]);
      if (!fits) {
        throw new Error(
          `${node.operation.name} gave ${printShape(result.shape)} for ${printShape(output.shape)}`,
        );
      }
      values.set(output, result);
    });
  }
  return outputs.map(value);
}
