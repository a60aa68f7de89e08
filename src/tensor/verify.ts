/**
 * The graph verifier: what every well-made graph satisfies, checked independently of how it was made.
 * Tests run it on every graph they build.
 */
import { isCanonical, printShape, sameShape } from './dimension.ts';
import { regionBody } from './operations/region.ts';
import { type Node, nodesOf, type Tensor, type TensorSet } from './tensor.ts';

/** Throws, naming the node, when a graph is not well-formed. */
export function verifyGraph(outputs: readonly Tensor[]): void {
  verifyNodes(outputs, new Set());
}

function verifyNodes(outputs: readonly Tensor[], known: TensorSet): void {
  const named = new Map<string, Node>();
  for (const node of nodesOf(outputs, known)) {
    const complain = (problem: string): never => {
      throw new Error(`node ${node.order} (${node.operation.name}): ${problem}`);
    };
    for (const tensor of node.inputs) {
      if (tensor.node.order >= node.order) complain('an input was made after it');
      if (tensor.node.outputs[tensor.output] !== tensor) complain('an input is no output of its maker');
    }
    const types = node.operation.shape(node.inputs, node.attributes);
    if (types.length !== node.outputs.length) complain('the shape rule gives another number of outputs');
    types.forEach(({ shape, dataType }, at) => {
      const output = node.outputs[at] as Tensor;
      if (!sameShape(shape, output.shape) || dataType !== output.dataType) {
        complain(
          `output ${at} is ${output.dataType} ${printShape(output.shape)}, ` +
            `the shape rule says ${dataType} ${printShape(shape)}`,
        );
      }
      if (!shape.every(isCanonical)) complain(`output ${at} has a misspelt dimension: ${printShape(shape)}`);
      if (output.node !== node || output.output !== at) complain(`output ${at} points elsewhere`);
    });
    if (node.operation.name === 'input' || node.operation.name === 'weight') {
      const { name } = node.attributes as { name: string };
      const other = named.get(name);
      if (other) complain(`the name "${name}" is taken by node ${other.order}`);
      named.set(name, node);
    }
    const body = regionBody(node);
    if (body) verifyNodes(body.results, new Set(body.parameters));
  }
}
