/** Evaluation by the reference kernels: slow, in float64, and the definition of every operation. */
import { matchDimension, printShape } from './dimension.ts';
import type { Value } from './operation.ts';
import { nodesOf, type Tensor } from './tensor.ts';

/**
 * Computes tensors from given values: those of the inputs and weights, or of any tensors between. Every
 * shape on the way is checked, and that a named size has one value.
 */
export function evaluate(outputs: readonly Tensor[], given: ReadonlyMap<Tensor, Value>): readonly Value[] {
  const sizes = new Map<string, number>();
  const values = new Map<Tensor, Value>();
  const keep = (tensor: Tensor, value: Value): void => {
    const fits =
      value.shape.length === tensor.shape.length &&
      tensor.shape.every((dimension, axis) => matchDimension(dimension, value.shape[axis] as number, sizes));
    if (!fits) {
      throw new Error(
        `${tensor.node.operation.name} has ${printShape(value.shape)} for ${printShape(tensor.shape)}`,
      );
    }
    values.set(tensor, value);
  };
  for (const [tensor, value] of given) keep(tensor, value);
  const known = (tensor: Tensor): Value => values.get(tensor) as Value;
  for (const node of nodesOf(outputs, given)) {
    const results = node.operation.evaluate(node.inputs.map(known), node.attributes, node);
    node.outputs.forEach((output, at) => {
      keep(output, results[at] as Value);
    });
  }
  return outputs.map(known);
}
