import type { DataType, Node, Tensor } from '../tensor.ts';

export type OnnxAttribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] };

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly domain?: 'com.microsoft';
  /** Number of outputs, 1 unless told. */
  readonly outputs?: number;
}

/** What an operation's lowering may do. Equal nodes are emitted once: names are values. */
export interface Lowering {
  /** The name of a tensor's value, lowering it first where needed. */
  nameOf(tensor: Tensor): string;
  /** Emits one ONNX node; the same node asked for twice gives the same names. */
  emit(type: string, inputs: readonly string[], options?: EmitOptions): readonly string[];
  /** As `emit`, for one output. */
  emitSingle(type: string, inputs: readonly string[], options?: EmitOptions): string;
  constant(data: readonly number[], shape: readonly number[], dataType: DataType): string;
  /** Declares a graph input and returns its name. */
  input(name: string, tensor: Tensor): string;
  /** Declares an initializer whose bytes lie in a weight file and returns its name. */
  weight(name: string, tensor: Tensor): string;
  /** Whether anything depends on that output of the node. */
  isUsed(node: Node, output: number): boolean;
}

export const int = (value: number): OnnxAttribute => ({ kind: 'int', value });
export const float = (value: number): OnnxAttribute => ({ kind: 'float', value });
export const ints = (value: readonly number[]): OnnxAttribute => ({ kind: 'ints', value });
