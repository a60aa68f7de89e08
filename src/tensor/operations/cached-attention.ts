/** Attention over a key-value cache: what generation has and training has not. */
import { printShape, type Shape, sameShape } from '../dimension.ts';
import { float, int, type Lowering } from '../onnx/lowering.ts';
import type { Operation, Value } from '../operation.ts';
import { applyOperation, expectDataTypes, type Tensor } from '../tensor.ts';
import { countOf } from './indexing.ts';

interface CachedAttentionAttributes {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly scale: number;
}

type Seven<T> = readonly [T, T, T, T, T, T, T];

const inputTypes = ['float32', 'float32', 'float32', 'float32', 'float32', 'int64', 'int64'] as const;

export const cachedAttentionOperation: Operation<CachedAttentionAttributes> = {
  name: 'cachedAttention',
  shape: (inputs, { heads, keyValueHeads }) => {
    expectDataTypes('cachedAttention', inputs, inputTypes);
    const shapes = inputs.map((one) => one.shape) as unknown as Seven<Shape>;
    const [query, key, value, keys, values, lengths, longest] = shapes;
    const size = keys[3];
    const fits =
      typeof size === 'number' &&
      heads % keyValueHeads === 0 &&
      query.length === 2 &&
      query[1] === heads * size &&
      sameShape(key, [query[0]!, keyValueHeads * size]) &&
      sameShape(value, key) &&
      keys.length === 4 &&
      keys[1] === keyValueHeads &&
      sameShape(values, keys) &&
      sameShape(lengths, [keys[0]!]) &&
      sameShape(longest, [1]);
    if (!fits) throw new Error(`cached attention of ${shapes.map(printShape).join(', ')}`);
    return [query, keys, values].map((shape) => ({ shape, dataType: 'float32' }));
  },
  gradient: () => {
    throw new Error('attention over a cache is not differentiated: training sees whole sequences');
  },
  lower: (node, lowering) => {
    const names = node.inputs.map((tensor) => lowering.nameOf(tensor)) as unknown as Seven<string>;
    const [query, key, value, keys, values, lengths, longest] = names;
    const { heads, keyValueHeads, scale } = node.attributes;
    const width = (at: number) => node.inputs[at]?.shape[1] as number;
    // The kernel takes rows apart, each row's last position, and 32-bit integers.
    const rows = (name: string, at: number) => byRow(name, width(at), lengths, lowering);
    const last = lowering.emitSingle('Sub', [lengths, lowering.constant([1], [1], 'int64')]);
    const inputs = [rows(query, 0), rows(key, 1), rows(value, 2), keys, values];
    const [mixed, newKeys, newValues] = lowering.emit(
      'GroupQueryAttention',
      [...inputs, int32(last, lowering), int32(longest, lowering)],
      {
        domain: 'com.microsoft',
        attributes: { num_heads: int(heads), kv_num_heads: int(keyValueHeads), scale: float(scale) },
        outputs: 3,
      },
    ) as [string, string, string];
    const flat = lowering.constant([-1, width(0)], [2], 'int64');
    return [lowering.emitSingle('Reshape', [mixed, flat]), newKeys, newValues];
  },
  evaluate: (inputs, { heads, keyValueHeads, scale }) => {
    const [query, key, value, keys, values, lengths, longest] = inputs as unknown as Seven<Value>;
    const [batch, , capacity, size] = keys.shape as [number, number, number, number];
    const queries = (query.shape[0] as number) / batch;
    const data = new Float64Array(countOf(query.shape));
    const cachedKeys = keys.data.slice();
    const cachedValues = values.data.slice();
    for (let row = 0; row < batch; row++) {
      const length = lengths.data[row] as number;
      const start = longest.data[0] === queries ? 0 : length - queries;
      const cached = (head: number, position: number) =>
        ((row * keyValueHeads + head) * capacity + position) * size;
      for (let position = start; position < Math.min(length, start + queries); position++) {
        const token = row * queries + position - start;
        for (let head = 0; head < keyValueHeads; head++) {
          const from = (token * keyValueHeads + head) * size;
          cachedKeys.set(key.data.subarray(from, from + size), cached(head, position));
          cachedValues.set(value.data.subarray(from, from + size), cached(head, position));
        }
        for (let head = 0; head < heads; head++) {
          const at = (token * heads + head) * size;
          const shared = Math.floor(head / (heads / keyValueHeads));
          const powers = Array.from({ length: position + 1 }, (_, other) => {
            let dot = 0;
            for (let d = 0; d < size; d++) {
              dot += query.data[at + d]! * cachedKeys[cached(shared, other) + d]!;
            }
            return Math.exp(dot * scale);
          });
          const total = powers.reduce((a, b) => a + b, 0);
          for (const [other, power] of powers.entries()) {
            for (let d = 0; d < size; d++) {
              data[at + d]! += (power / total) * cachedValues[cached(shared, other) + d]!;
            }
          }
        }
      }
    }
    return [
      { shape: query.shape, data },
      { shape: keys.shape, data: cachedKeys },
      { shape: values.shape, data: cachedValues },
    ];
  },
};

/** [rows · queries, width] as [rows, queries, width]; there are as many rows as lengths. */
function byRow(name: string, width: number, lengths: string, lowering: Lowering): string {
  const rest = lowering.constant([-1, width], [2], 'int64');
  const shape = lowering.emitSingle('Concat', [lowering.emitSingle('Shape', [lengths]), rest], {
    attributes: { axis: int(0) },
  });
  return lowering.emitSingle('Reshape', [name, shape]);
}

/** ONNX's number for the data type. */
const INT32 = 6;

function int32(name: string, lowering: Lowering): string {
  return lowering.emitSingle('Cast', [name], { attributes: { to: int(INT32) } });
}

export interface CachedAttentionInputs {
  /** [rows · queries, heads · size]: equally many for each row, row by row. */
  readonly query: Tensor;
  /** [rows · queries, keyValueHeads · size] */
  readonly key: Tensor;
  readonly value: Tensor;
  /** [rows, keyValueHeads, capacity, size]: what earlier calls returned. The size is a multiple of 8. */
  readonly keys: Tensor;
  readonly values: Tensor;
  /** int64 [rows]: each row's tokens in the cache after this call, at least 1. */
  readonly lengths: Tensor;
  /** int64 [1]: the greatest of `lengths`. */
  readonly longest: Tensor;
}

/**
 * Causal attention of new tokens to themselves and to the tokens before, whose keys and values a cache
 * holds. Two cases: every row begins (`longest` is the number of queries; shorter rows are padded at their
 * end), or every row goes on: its queries are its last tokens (ONNX Runtime: one query a row, or one row).
 *
 * @returns what the queries see, in the queries' shape, and the caches with the new tokens written in.
 *   What belongs to padding, and what caches hold from a row's length on, is undefined. A runtime may write
 *   into the buffers the caches came in.
 */
export function cachedAttention(
  { query, key, value, keys, values, lengths, longest }: CachedAttentionInputs,
  attributes: CachedAttentionAttributes,
): { mixed: Tensor; keys: Tensor; values: Tensor } {
  const inputs = [query, key, value, keys, values, lengths, longest];
  const outputs = applyOperation(cachedAttentionOperation, inputs, attributes);
  const [mixed, newKeys, newValues] = outputs as [Tensor, Tensor, Tensor];
  return { mixed, keys: newKeys, values: newValues };
}
