/**
 * Symbolic tensors: an immutable graph of nodes, each an application of one operation. Nothing is
 * computed here; graphs are differentiated (gradient.ts), checked (verify.ts), evaluated by reference
 * kernels (evaluate.ts) or emitted as ONNX (onnx/emit.ts).
 */
import type { Dimension, Shape } from './dimension.ts';
import type { Operation } from './operation.ts';
import { currentScope, type Scope } from './scope.ts';

export type DataType = 'float32' | 'int64' | 'int8' | 'bool';

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
  /** For profiles. */
  readonly scope: Scope;
}

let made = 0;

/** Applies an operation; its shape rule throws on inputs that do not fit. */
export function applyOperation<Attributes>(
  operation: Operation<Attributes>,
  inputs: readonly Tensor[],
  attributes: Attributes,
): readonly Tensor[] {
  const outputs: Tensor[] = [];
  const scope = currentScope();
  const node: Node<Attributes> = { operation, inputs, attributes, outputs, order: made++, scope };
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

/** A set of tensors, or a map keyed by them. */
export interface TensorSet {
  has(tensor: Tensor): boolean;
}

/**
 * All nodes the tensors depend on, inputs before users.
 * @param known tensors that are taken as given: what lies behind them is left out
 */
export function nodesOf(roots: readonly Tensor[], known: TensorSet = new Set<Tensor>()): readonly Node[] {
  const seen = new Set<Node>();
  const stack = [...roots];
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    if (known.has(tensor) || seen.has(tensor.node)) continue;
    seen.add(tensor.node);
    stack.push(...tensor.node.inputs);
  }
  return [...seen].sort((a, b) => a.order - b.order);
}

/** For shape rules: throws unless there is one tensor for each data type, of that type. */
export function expectDataTypes(
  operation: string,
  inputs: readonly TensorType[],
  expected: readonly (DataType | 'any')[],
): void {
  const fits =
    inputs.length === expected.length &&
    expected.every((dataType, at) => dataType === 'any' || dataType === inputs[at]?.dataType);
  if (!fits) {
    const given = inputs.map((input) => input.dataType).join(', ');
    throw new Error(`${operation} takes (${expected.join(', ')}), not (${given})`);
  }
}
