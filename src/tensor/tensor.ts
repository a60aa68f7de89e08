/**
 * Symbolic tensors: an immutable graph of nodes, each an application of one operation. Nothing is
 * computed here; graphs are differentiated (gradient.ts), checked (verify.ts), evaluated by reference
 * kernels (evaluate.ts) or emitted as ONNX (onnx/emit.ts).
 */
import type { Dimension, Shape } from './dimension.ts';
import type { Operation } from './operation.ts';

export type DataType = 'float32' | 'int64' | 'bool';

/** What is known of a tensor before it is computed. */
export interface TensorType {
  readonly shape: Shape;
  readonly dataType: DataType;
}

export interface Tensor extends TensorType {
  readonly node: Node;
  /** Which of the node's outputs this is. */
  readonly output: number;
}

export interface Node<Attributes = unknown> {
  readonly operation: Operation<Attributes>;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly outputs: readonly Tensor[];
  /** Nodes are numbered in the order of their making: inputs always come before their users. */
  readonly order: number;
}

let made = 0;

/** Applies an operation; its shape rule throws on inputs that do not fit. */
export function applyOperation<Attributes>(
  operation: Operation<Attributes>,
  inputs: readonly Tensor[],
  attributes: Attributes,
): readonly Tensor[] {
  const outputs: Tensor[] = [];
  const node: Node<Attributes> = { operation, inputs, attributes, outputs, order: made++ };
  operation.shape(inputs, attributes).forEach((type, output) => {
    outputs.push({ ...type, node: node as Node, output });
  });
  return outputs;
}

/** As `applyOperation`, for operations with one output. */
export function applySingle<Attributes>(
  operation: Operation<Attributes>,
  inputs: readonly Tensor[],
  attributes: Attributes,
): Tensor {
  return applyOperation(operation, inputs, attributes)[0] as Tensor;
}

/** A dimension by axis; negative axes count from the end. */
export function dimensionAt(tensor: TensorType, axis: number): Dimension {
  const dimension = tensor.shape.at(axis);
  if (dimension === undefined) throw new Error(`no axis ${axis} in rank ${tensor.shape.length}`);
  return dimension;
}

/** All nodes the tensors depend on, inputs before users. */
export function nodesOf(roots: readonly Tensor[]): readonly Node[] {
  const seen = new Set<Node>();
  const stack = roots.map((root) => root.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return [...seen].sort((a, b) => a.order - b.order);
}
