/** Reverse-mode differentiation: from a graph, the graph of its gradients. */
import { printShape, sameShape } from './dimension.ts';
import { add } from './operations/elementwise.ts';
import { zerosLike } from './operations/shape.ts';
import { constant } from './operations/source.ts';
import { inScope } from './scope.ts';
import { type Node, nodesOf, type Tensor, type TensorSet } from './tensor.ts';

/**
 * Vector-Jacobian product: the cotangents of `wrt` from those of `outputs`. Tensors of `wrt` that no
 * output depends on get zeros.
 * @param known tensors that are taken as given: no cotangent flows to what lies behind them
 */
export function pullback(
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | null)[],
  wrt: readonly Tensor[],
  known?: TensorSet,
): readonly Tensor[] {
  const nodes = nodesOf(outputs, known);
  const targets = new Set(wrt);
  // Nodes through which a target can be reached: only these take part.
  const active = new Set<Node>();
  const isActive = (tensor: Tensor) => targets.has(tensor) || active.has(tensor.node);
  for (const node of nodes) {
    if (node.inputs.some(isActive)) active.add(node);
  }
  const arrived = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, cotangent: Tensor) => {
    if (!sameShape(tensor.shape, cotangent.shape)) {
      throw new Error(
        `${tensor.node.operation.name}: cotangent ${printShape(cotangent.shape)} of ${printShape(tensor.shape)}`,
      );
    }
    const before = arrived.get(tensor);
    arrived.set(tensor, before ? add(before, cotangent) : cotangent);
  };
  outputs.forEach((output, at) => {
    const cotangent = cotangents[at];
    if (cotangent) accumulate(output, cotangent);
  });
  for (const node of nodes.toReversed()) {
    if (!active.has(node)) continue;
    const received = node.outputs.map((output) => arrived.get(output) ?? null);
    if (received.every((cotangent) => cotangent === null)) continue;
    const needs = node.inputs.map(isActive);
    inScope({ ...node.scope, pass: 'backward' }, () => {
      node.operation.gradient(node, received, needs).forEach((cotangent, at) => {
        if (cotangent && needs[at]) accumulate(node.inputs[at] as Tensor, cotangent);
      });
    });
  }
  return wrt.map((tensor) => arrived.get(tensor) ?? zerosLike(tensor));
}

/** The gradients of a tensor of one element with respect to others, of their shapes. */
export function gradients(output: Tensor, wrt: readonly Tensor[]): readonly Tensor[] {
  if (!output.shape.every((dimension) => dimension === 1)) {
    throw new Error(`gradients are of one number, not of ${printShape(output.shape)}`);
  }
  return pullback([output], [constant([1], output.shape as number[])], wrt);
}
