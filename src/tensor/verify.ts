/**
 * The graph verifier: what every well-made graph satisfies, checked independently of how it was made.
 * Tests run it on every graph they build.
 */
import { printShape, sameShape } from './dimension.ts';
import { type Node, nodesOf, type Tensor } from './tensor.ts';

/** Throws, naming the node, when a graph is not well-formed. */
export function verifyGraph(outputs: readonly Tensor[]): void {
  const named = new Map<string, Node>();
  for (const node of nodesOf(outputs)) {
    const complain = (problem: string): never => {
      throw new Error(`node ${node.order} (${node.operation.name}): ${problem}`);
    };
    for (const { node: maker, output } of node.inputs) {
      if (maker.order >= node.order) complain('an input was made after it');
      if (!maker.outputs[output]) complain(`its maker has no output ${output}`);
    }
    const types = node.operation.shape(node.inputs, node.attributes);
    if (types.length !== node.outputs.length) complain('the shape rule gives another number of outputs');
    types.forEach(({ shape, dataType }, at) => {
      const output = node.outputs[at] as Tensor;
      if (!sameShape(shape, output.shape) || dataType !== output.dataType) {
        complain(`output ${at} is ${printShape(output.shape)}, the shape rule says ${printShape(shape)}`);
      }
      if (output.node !== node || output.output !== at) complain(`output ${at} points elsewhere`);
    });
    if (node.operation.name === 'input' || node.operation.name === 'weight') {
      const { name } = node.attributes as { name: string };
      const other = named.get(name);
      if (other && other !== node) complain(`the name "${name}" is taken by node ${other.order}`);
      named.set(name, node);
    }
  }
}
