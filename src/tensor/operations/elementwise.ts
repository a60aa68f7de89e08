/** Elementwise operations; the binary ones broadcast as numpy does. */
import type { Operation, Value } from '../operation.ts';
import { applySingle, type DataType, expectDataTypes, type Tensor, type TensorType } from '../tensor.ts';
import { broadcastShapes, sumTo } from './broadcast.ts';
import { broadcastReader, fill } from './indexing.ts';
import { scalar } from './source.ts';

type NoAttributes = Record<never, never>;

function binary(
  name: string,
  onnx: string,
  compute: (a: number, b: number) => number,
  gradient: (
    a: Tensor,
    b: Tensor,
    result: Tensor,
    cotangent: Tensor,
  ) => readonly [() => Tensor, () => Tensor] | null,
): Operation<NoAttributes> {
  return {
    name,
    shape: (inputs) => {
      expectDataTypes(name, inputs, ['float32', 'float32']);
      const [a, b] = inputs as [TensorType, TensorType];
      return [{ shape: broadcastShapes(a.shape, b.shape), dataType: 'float32' }];
    },
    gradient: (node, [cotangent], needs) => {
      const [a, b] = node.inputs as [Tensor, Tensor];
      const rules = gradient(a, b, node.outputs[0] as Tensor, cotangent as Tensor);
      return [a, b].map((input, at) =>
        needs[at] && rules ? sumTo((rules[at] as () => Tensor)(), input.shape) : null,
      );
    },
    lower: (node, lowering) => [
      lowering.emitSingle(
        onnx,
        node.inputs.map((tensor) => lowering.nameOf(tensor)),
      ),
    ],
    evaluate: ([a, b]) => {
      const shape = broadcastShapes((a as Value).shape, (b as Value).shape) as number[];
      const [left, right] = [broadcastReader(a as Value), broadcastReader(b as Value)];
      return [fill(shape, (index) => compute(left(index), right(index)))];
    },
  };
}

export const addOperation = binary(
  'add',
  'Add',
  (a, b) => a + b,
  (_a, _b, _y, g) => [() => g, () => g],
);
export const subtractOperation = binary(
  'subtract',
  'Sub',
  (a, b) => a - b,
  (_a, _b, _y, g) => [() => g, () => negate(g)],
);
export const multiplyOperation = binary(
  'multiply',
  'Mul',
  (a, b) => a * b,
  (a, b, _y, g) => [() => multiply(g, b), () => multiply(g, a)],
);
export const divideOperation = binary(
  'divide',
  'Div',
  (a, b) => a / b,
  (_a, b, y, g) => [() => divide(g, b), () => negate(multiply(g, divide(y, b)))],
);
export const lessOrEqualOperation: Operation<NoAttributes> = {
  ...binary(
    'lessOrEqual',
    'LessOrEqual',
    (a, b) => (a <= b ? 1 : 0),
    () => null,
  ),
  shape: (inputs) => {
    const dataType: DataType = inputs[0]?.dataType === 'int64' ? 'int64' : 'float32';
    expectDataTypes('lessOrEqual', inputs, [dataType, dataType]);
    const [a, b] = inputs as [TensorType, TensorType];
    return [{ shape: broadcastShapes(a.shape, b.shape), dataType: 'bool' }];
  },
};

export const add = (a: Tensor, b: Tensor): Tensor => applySingle(addOperation, [a, b], {});
export const subtract = (a: Tensor, b: Tensor): Tensor => applySingle(subtractOperation, [a, b], {});
export const multiply = (a: Tensor, b: Tensor): Tensor => applySingle(multiplyOperation, [a, b], {});
export const divide = (a: Tensor, b: Tensor): Tensor => applySingle(divideOperation, [a, b], {});
/** a <= b, as bool. */
export const lessOrEqual = (a: Tensor, b: Tensor): Tensor => applySingle(lessOrEqualOperation, [a, b], {});

function unary(
  name: string,
  onnx: string,
  compute: (x: number) => number,
  gradient: (x: Tensor, result: Tensor, cotangent: Tensor) => Tensor,
): Operation<NoAttributes> {
  return {
    name,
    shape: (inputs) => {
      expectDataTypes(name, inputs, ['float32']);
      return [inputs[0] as TensorType];
    },
    gradient: (node, [cotangent]) => [
      gradient(node.inputs[0] as Tensor, node.outputs[0] as Tensor, cotangent as Tensor),
    ],
    lower: (node, lowering) => [lowering.emitSingle(onnx, [lowering.nameOf(node.inputs[0] as Tensor)])],
    evaluate: ([x]) => [{ shape: (x as Value).shape, data: (x as Value).data.map(compute) }],
  };
}

export const negateOperation = unary(
  'negate',
  'Neg',
  (x) => -x,
  (_x, _y, g) => negate(g),
);
export const exponentialOperation = unary('exp', 'Exp', Math.exp, (_x, y, g) => multiply(g, y));
export const logarithmOperation = unary('log', 'Log', Math.log, (x, _y, g) => divide(g, x));
export const squareRootOperation = unary('sqrt', 'Sqrt', Math.sqrt, (_x, y, g) =>
  divide(g, multiply(scalar(2), y)),
);
const logistic = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
export const sigmoidOperation = unary('sigmoid', 'Sigmoid', logistic, (_x, y, g) =>
  multiply(g, multiply(y, subtract(scalar(1), y))),
);
export const reluOperation = unary(
  'relu',
  'Relu',
  (x) => Math.max(x, 0),
  (x, _y, g) => where(lessOrEqual(x, scalar(0)), scalar(0), g),
);

export const negate = (x: Tensor): Tensor => applySingle(negateOperation, [x], {});
export const exp = (x: Tensor): Tensor => applySingle(exponentialOperation, [x], {});
export const log = (x: Tensor): Tensor => applySingle(logarithmOperation, [x], {});
export const sqrt = (x: Tensor): Tensor => applySingle(squareRootOperation, [x], {});
export const sigmoid = (x: Tensor): Tensor => applySingle(sigmoidOperation, [x], {});
/** max(x, 0); the gradient at 0 is taken as 0. */
export const relu = (x: Tensor): Tensor => applySingle(reluOperation, [x], {});

/** x times a number. */
export const scale = (x: Tensor, factor: number): Tensor => (factor === 1 ? x : multiply(x, scalar(factor)));

export const softplusOperation = unary(
  'softplus',
  'Softplus',
  (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  (x, _y, g) => multiply(g, sigmoid(x)),
);
/** log(1 + eˣ), overflowing nowhere; −softplus(−x) is log sigmoid(x). */
export const softplus = (x: Tensor): Tensor => applySingle(softplusOperation, [x], {});

export const siluOperation: Operation<NoAttributes> = {
  name: 'silu',
  shape: (inputs) => {
    expectDataTypes('silu', inputs, ['float32']);
    return [inputs[0] as TensorType];
  },
  gradient: (node, [cotangent]) => {
    // d silu = s + silu·(1 − s) with s = sigmoid(x)
    const gate = sigmoid(node.inputs[0] as Tensor);
    const result = node.outputs[0] as Tensor;
    return [multiply(cotangent as Tensor, add(gate, subtract(result, multiply(result, gate))))];
  },
  // The runtime has a kernel for it (QuickGelu), half as fast as these two.
  lower: (node, lowering) => {
    const [x] = node.inputs as [Tensor];
    return [lowering.nameOf(multiply(x, sigmoid(x)))];
  },
  evaluate: ([x]) => [{ shape: (x as Value).shape, data: (x as Value).data.map((v) => v * logistic(v)) }],
};
/** x · sigmoid(x), the Llama family's activation. */
export const silu = (x: Tensor): Tensor => applySingle(siluOperation, [x], {});

export const whereOperation: Operation<NoAttributes> = {
  name: 'where',
  shape: (inputs) => {
    expectDataTypes('where', inputs, ['bool', 'float32', 'float32']);
    const [condition, a, b] = inputs as [TensorType, TensorType, TensorType];
    return [
      { shape: broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape)), dataType: 'float32' },
    ];
  },
  gradient: (node, [cotangent], needs) => {
    const [condition, a, b] = node.inputs as [Tensor, Tensor, Tensor];
    const g = cotangent as Tensor;
    return [
      null,
      needs[1] ? sumTo(where(condition, g, scalar(0)), a.shape) : null,
      needs[2] ? sumTo(where(condition, scalar(0), g), b.shape) : null,
    ];
  },
  lower: (node, lowering) => [
    lowering.emitSingle(
      'Where',
      node.inputs.map((tensor) => lowering.nameOf(tensor)),
    ),
  ],
  evaluate: (values) => {
    const [condition, a, b] = values as [Value, Value, Value];
    const shape = broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape)) as number[];
    const [test, yes, no] = [condition, a, b].map(broadcastReader) as [
      (index: readonly number[]) => number,
      (index: readonly number[]) => number,
      (index: readonly number[]) => number,
    ];
    return [fill(shape, (index) => (test(index) ? yes(index) : no(index)))];
  },
};
/** a where the condition holds, else b. */
export const where = (condition: Tensor, a: Tensor, b: Tensor): Tensor =>
  applySingle(whereOperation, [condition, a, b], {});
