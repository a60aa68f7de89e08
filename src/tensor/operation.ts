/**
 * One record per operation. All four parts are required, so that an operation without a gradient rule,
 * a lowering or a reference kernel does not compile.
 */
import type { Lowering } from './onnx/lowering.ts';
import type { Node, Tensor, TensorType } from './tensor.ts';

/** A computed tensor of the reference kernels: row-major, in float64 (integers and booleans too). */
export interface Value {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface Operation<Attributes = unknown> {
  readonly name: string;
  /** Output types from input types; throws when the inputs do not fit. */
  shape(inputs: readonly TensorType[], attributes: Attributes): readonly TensorType[];
  /**
   * Reverse mode: from the cotangents of the outputs (null where nothing flows) the cotangents of the
   * inputs, built as tensors; null for inputs that are not differentiable. Rules may skip inputs whose
   * `needs` is false.
   */
  gradient(
    node: Node<Attributes>,
    cotangents: readonly (Tensor | null)[],
    needs: readonly boolean[],
  ): readonly (Tensor | null)[];
  /** Emits ONNX nodes and returns the names of the outputs that are used (the others may be ''). */
  lower(node: Node<Attributes>, lowering: Lowering): readonly string[];
  /** The reference kernel: the operation's definition in plain loops, the oracle for every engine. */
  evaluate(inputs: readonly Value[], attributes: Attributes, node: Node<Attributes>): readonly Value[];
}
