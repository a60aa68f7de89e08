/** Reading and accumulating at indices. */
import { printShape, sameShape } from '../dimension.ts';
import { int, type Lowering, type OnnxAttribute } from '../onnx/lowering.ts';
import type { Operation, Value } from '../operation.ts';
import { applySingle, expectDataTypes, type Tensor, type TensorType } from '../tensor.ts';
import { around } from './indexing.ts';
import { zerosLike } from './shape.ts';

function checkIndex(value: number, size: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= size) throw new Error(`index ${value} of ${size}`);
  return value;
}

export const gatherRowsOperation: Operation<Record<never, never>> = {
  name: 'gatherRows',
  shape: (inputs) => {
    expectDataTypes('gatherRows', inputs, ['any', 'int64']);
    const [{ shape, dataType }, indices] = inputs as [TensorType, TensorType];
    if (shape.length === 0 || indices.shape.length !== 1) {
      throw new Error(`cannot gather rows ${printShape(indices.shape)} of ${printShape(shape)}`);
    }
    return [{ shape: [...indices.shape, ...shape.slice(1)], dataType }];
  },
  gradient: (node, [cotangent]) => {
    const [table, indices] = node.inputs as [Tensor, Tensor];
    return [scatterAddRows(zerosLike(table), indices, cotangent as Tensor), null];
  },
  lower: (node, lowering) => [
    lowering.emitSingle(
      'Gather',
      node.inputs.map((tensor) => lowering.nameOf(tensor)),
      { attributes: { axis: int(0) } },
    ),
  ],
  evaluate: ([table, indices]) => {
    const { shape, data } = table as Value;
    const { inner } = around(shape, 0);
    const result = new Float64Array((indices as Value).data.length * inner);
    (indices as Value).data.forEach((row, at) => {
      checkIndex(row, shape[0] as number);
      result.set(data.subarray(row * inner, (row + 1) * inner), at * inner);
    });
    return [{ shape: [...(indices as Value).shape, ...shape.slice(1)], data: result }];
  },
};

/** Rows of a table [n, ...] at int64 indices [m]: [m, ...]. */
export function gatherRows(table: Tensor, indices: Tensor): Tensor {
  return applySingle(gatherRowsOperation, [table, indices], {});
}

/** Indices [m] as [m, 1]. */
function indexColumn(indices: Tensor, lowering: Lowering): string {
  const last = lowering.constant([1], [1], 'int64');
  return lowering.emitSingle('Unsqueeze', [lowering.nameOf(indices), last]);
}

/** Indices [m] repeated to the shape of the rows [m, d] they address. */
function expandIndices(indices: Tensor, rows: Tensor, lowering: Lowering): string {
  const column = indexColumn(indices, lowering);
  return lowering.emitSingle('Expand', [column, lowering.emitSingle('Shape', [lowering.nameOf(rows)])]);
}

export const scatterAddRowsOperation: Operation<Record<never, never>> = {
  name: 'scatterAddRows',
  shape: (inputs) => {
    expectDataTypes('scatterAddRows', inputs, ['float32', 'int64', 'float32']);
    const [table, indices, rows] = inputs as [TensorType, TensorType, TensorType];
    const fits =
      table.shape.length === 2 &&
      indices.shape.length === 1 &&
      sameShape(rows.shape, [...indices.shape, ...table.shape.slice(1)]);
    if (!fits) {
      throw new Error(
        `cannot add rows ${printShape(rows.shape)} at ${printShape(indices.shape)} to ${printShape(table.shape)}`,
      );
    }
    return [table];
  },
  gradient: (node, [cotangent]) => [
    cotangent as Tensor,
    null,
    gatherRows(cotangent as Tensor, node.inputs[1] as Tensor),
  ],
  lower: (node, lowering) => {
    const [table, indices, rows] = node.inputs as [Tensor, Tensor, Tensor];
    // ScatterElements adds in order on one thread, so rows addressed twice are safe and reproducible.
    const reduction: OnnxAttribute = { kind: 'string', value: 'add' };
    return [
      lowering.emitSingle(
        'ScatterElements',
        [lowering.nameOf(table), expandIndices(indices, rows, lowering), lowering.nameOf(rows)],
        { attributes: { axis: int(0), reduction } },
      ),
    ];
  },
  evaluate: ([table, indices, rows]) => {
    const { shape, data } = table as Value;
    const result = data.slice();
    const { inner } = around(shape, 0);
    (indices as Value).data.forEach((row, at) => {
      checkIndex(row, shape[0] as number);
      for (let column = 0; column < inner; column++) {
        result[row * inner + column]! += (rows as Value).data[at * inner + column]!;
      }
    });
    return [{ shape, data: result }];
  },
};

/** table [n, d] with rows [m, d] added at int64 indices [m]; an index may occur several times. */
export function scatterAddRows(table: Tensor, indices: Tensor, rows: Tensor): Tensor {
  return applySingle(scatterAddRowsOperation, [table, indices, rows], {});
}

export const pickOperation: Operation<Record<never, never>> = {
  name: 'pick',
  shape: (inputs) => {
    expectDataTypes('pick', inputs, ['float32', 'int64']);
    const [{ shape }, indices] = inputs as [TensorType, TensorType];
    if (shape.length !== 2 || !sameShape(indices.shape, shape.slice(0, 1))) {
      throw new Error(`pick takes [m, n] and [m], not ${printShape(shape)} and ${printShape(indices.shape)}`);
    }
    return [{ shape: [...indices.shape, 1], dataType: 'float32' }];
  },
  gradient: (node, [cotangent]) => {
    const [tensor, indices] = node.inputs as [Tensor, Tensor];
    return [place(zerosLike(tensor), indices, cotangent as Tensor), null];
  },
  lower: (node, lowering) => {
    const [tensor, indices] = node.inputs as [Tensor, Tensor];
    const column = indexColumn(indices, lowering);
    return [
      lowering.emitSingle('GatherElements', [lowering.nameOf(tensor), column], {
        attributes: { axis: int(1) },
      }),
    ];
  },
  evaluate: ([tensor, indices]) => {
    const { shape, data } = tensor as Value;
    const width = shape[1] as number;
    const picked = (indices as Value).data.map(
      (column, row) => data[row * width + checkIndex(column, width)]!,
    );
    return [{ shape: [picked.length, 1], data: picked }];
  },
};

/** One element of each row: tensor [m, n] at int64 indices [m] gives [m, 1]. */
export function pick(tensor: Tensor, indices: Tensor): Tensor {
  return applySingle(pickOperation, [tensor, indices], {});
}

export const placeOperation: Operation<Record<never, never>> = {
  name: 'place',
  shape: (inputs) => {
    expectDataTypes('place', inputs, ['float32', 'int64', 'float32']);
    const [tensor, indices, values] = inputs as [TensorType, TensorType, TensorType];
    const rows = tensor.shape.slice(0, 1);
    if (
      tensor.shape.length !== 2 ||
      !sameShape(indices.shape, rows) ||
      !sameShape(values.shape, [...rows, 1])
    ) {
      throw new Error(
        `place takes [m, n], [m] and [m, 1], not ${inputs.map(({ shape }) => printShape(shape)).join(', ')}`,
      );
    }
    return [tensor];
  },
  gradient: (node, [cotangent]) => [
    cotangent as Tensor,
    null,
    pick(cotangent as Tensor, node.inputs[1] as Tensor),
  ],
  lower: (node, lowering) => {
    const [tensor, indices, values] = node.inputs as [Tensor, Tensor, Tensor];
    const column = indexColumn(indices, lowering);
    return [
      lowering.emitSingle('ScatterElements', [lowering.nameOf(tensor), column, lowering.nameOf(values)], {
        attributes: { axis: int(1), reduction: { kind: 'string', value: 'add' } },
      }),
    ];
  },
  evaluate: ([tensor, indices, values]) => {
    const { shape, data } = tensor as Value;
    const result = data.slice();
    (indices as Value).data.forEach((column, row) => {
      result[row * (shape[1] as number) + checkIndex(column, shape[1] as number)]! += (values as Value).data[
        row
      ]!;
    });
    return [{ shape, data: result }];
  },
};

/** tensor [m, n] with values [m, 1] added at one column of each row: the adjoint of `pick`. */
function place(tensor: Tensor, indices: Tensor, values: Tensor): Tensor {
  return applySingle(placeOperation, [tensor, indices, values], {});
}
