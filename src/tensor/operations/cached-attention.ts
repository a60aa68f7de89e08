/** Attention over a key-value cache: what generation has and training has not. */
import { addDimensions, multiplyDimension, printShape, type Shape, sameShape } from '../dimension.ts';
import { float, int, ints, type Lowering } from '../onnx/lowering.ts';
import type { Operation, Value } from '../operation.ts';
import { applySingle, expectDataTypes, type Tensor } from '../tensor.ts';
import { countOf } from './indexing.ts';

interface CachedAttentionAttributes {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly scale: number;
}

type Six<T> = readonly [T, T, T, T, T, T];

export const cachedAttentionOperation: Operation<CachedAttentionAttributes> = {
  name: 'cachedAttention',
  shape: (inputs, { heads, keyValueHeads }) => {
    expectDataTypes('cachedAttention', inputs, new Array(6).fill('float32'));
    const shapes = inputs.map((one) => one.shape) as unknown as Six<Shape>;
    const [query, key, value, keys, values, mask] = shapes;
    const [capacity, size] = [keys[1], keys[2]];
    const fits =
      typeof size === 'number' &&
      capacity !== undefined &&
      heads % keyValueHeads === 0 &&
      query.length === 2 &&
      query[1] === heads * size &&
      sameShape(key, [query[0]!, keyValueHeads * size]) &&
      sameShape(value, key) &&
      mask.length === 3 &&
      sameShape(keys, [multiplyDimension(mask[0]!, keyValueHeads), capacity, size]) &&
      sameShape(values, keys) &&
      mask[2] === addDimensions(capacity, mask[1]!);
    if (!fits) throw new Error(`cached attention of ${shapes.map(printShape).join(', ')}`);
    return [{ shape: query, dataType: 'float32' }];
  },
  gradient: () => {
    throw new Error('attention over a cache is not differentiated: training sees whole sequences');
  },
  lower: (node, lowering) => {
    const { heads, keyValueHeads, scale } = node.attributes;
    const names = node.inputs.map((tensor) => lowering.nameOf(tensor)) as unknown as Six<string>;
    const [query, key, value, keys, values, mask] = names;
    const size = node.inputs[3]?.shape[2] as number;
    const shapes = new Shapes(mask, lowering);
    const { rows, queries, seen, blocks } = shapes.of(keyValueHeads);
    const reshape = (name: string, ...shape: readonly (string | number)[]) =>
      lowering.emitSingle('Reshape', [name, shapes.join(shape)]);
    const transpose = (name: string, ...order: readonly number[]) =>
      lowering.emitSingle('Transpose', [name], { attributes: { perm: ints(order) } });
    // Query heads that share a key head lie below each other: one product for all of them.
    const group = heads / keyValueHeads;
    const grouped = (name: string, each: number) => {
      const split = reshape(name, rows, queries, keyValueHeads, each, size);
      return reshape(transpose(split, 0, 2, 3, 1, 4), blocks, -1, size);
    };
    const [q, k, v] = [grouped(query, group), grouped(key, 1), grouped(value, 1)];
    const scores = (of: string) =>
      lowering.emitSingle('FusedMatMul', [q, of], {
        domain: 'com.microsoft',
        attributes: { transB: int(1), alpha: float(scale) },
      });
    const last = { attributes: { axis: int(-1) } };
    const all = lowering.emitSingle('Concat', [scores(keys), scores(k)], last);
    const byHead = reshape(all, rows, heads, queries, -1);
    const everyHead = lowering.emitSingle('Unsqueeze', [mask, lowering.constant([1], [1], 'int64')]);
    const masked = lowering.emitSingle('Add', [byHead, everyHead]);
    const shares = reshape(lowering.emitSingle('Softmax', [masked], last), blocks, -1, seen);
    const capacity = lowering.emitSingle('Sub', [seen, queries]);
    const [old, fresh] = lowering.emit('Split', [shares, shapes.join([capacity, queries])], {
      ...last,
      outputs: 2,
    }) as [string, string];
    const parts = [lowering.emitSingle('MatMul', [old, values]), lowering.emitSingle('MatMul', [fresh, v])];
    const mixed = reshape(lowering.emitSingle('Add', parts), rows, keyValueHeads, group, queries, size);
    return [reshape(transpose(mixed, 0, 3, 1, 2, 4), -1, heads * size)];
  },
  evaluate: (inputs, { heads, keyValueHeads, scale }) => {
    const [query, key, value, keys, values, mask] = inputs as unknown as Six<Value>;
    const [rows, queries, seen] = mask.shape as [number, number, number];
    const [, capacity, size] = keys.shape as [number, number, number];
    const data = new Float64Array(countOf(query.shape));
    for (let row = 0; row < rows; row++) {
      for (let head = 0; head < heads; head++) {
        const shared = Math.floor(head / (heads / keyValueHeads));
        const block = row * keyValueHeads + shared;
        /** Where the cache or the new tokens hold what a query sees in that place. */
        const entry = (place: number): readonly [old: boolean, at: number] =>
          place < capacity
            ? [true, (block * capacity + place) * size]
            : [false, ((row * queries + place - capacity) * keyValueHeads + shared) * size];
        for (let token = 0; token < queries; token++) {
          const at = ((row * queries + token) * heads + head) * size;
          const scores = Array.from({ length: seen }, (_, place) => {
            const [old, from] = entry(place);
            const source = old ? keys.data : key.data;
            let dot = 0;
            for (let d = 0; d < size; d++) dot += query.data[at + d]! * source[from + d]!;
            return dot * scale + mask.data[(row * queries + token) * seen + place]!;
          });
          const largest = Math.max(...scores);
          const powers = scores.map((score) => Math.exp(score - largest));
          const total = powers.reduce((a, b) => a + b, 0);
          for (const [place, power] of powers.entries()) {
            const [old, from] = entry(place);
            const source = old ? values.data : value.data;
            for (let d = 0; d < size; d++) data[at + d]! += (power / total) * source[from + d]!;
          }
        }
      }
    }
    return [{ shape: query.shape, data }];
  },
};

/** Sizes known only at run time, as one-element int64 vectors; all of them are read off the mask. */
class Shapes {
  readonly #mask: string;
  readonly #lowering: Lowering;

  constructor(mask: string, lowering: Lowering) {
    this.#mask = mask;
    this.#lowering = lowering;
  }

  of(keyValueHeads: number) {
    const [rows, queries, seen] = [0, 1, 2].map((axis) =>
      this.#lowering.emitSingle('Shape', [this.#mask], {
        attributes: { start: int(axis), end: int(axis + 1) },
      }),
    ) as [string, string, string];
    const blocks = this.#lowering.emitSingle('Mul', [rows, this.#number(keyValueHeads)]);
    return { rows, queries, seen, blocks };
  }

  join(sizes: readonly (string | number)[]): string {
    const names = sizes.map((size) => (typeof size === 'number' ? this.#number(size) : size));
    return this.#lowering.emitSingle('Concat', names, { attributes: { axis: int(0) } });
  }

  #number(value: number): string {
    return this.#lowering.constant([value], [1], 'int64');
  }
}

export interface CachedAttentionInputs {
  /** [rows · queries, heads · size]: equally many for each row, row by row. */
  readonly query: Tensor;
  /** [rows · queries, keyValueHeads · size]: of the new tokens. */
  readonly key: Tensor;
  readonly value: Tensor;
  /** [rows · keyValueHeads, capacity, size]: of tokens before; what the mask hides is any finite number. */
  readonly keys: Tensor;
  readonly values: Tensor;
  /**
   * [rows, queries, capacity + queries], added to the scores: 0 where a query sees a place of the cache or a
   * new token, −1e30 where it does not. Every query sees something.
   */
  readonly mask: Tensor;
}

/**
 * Attention of new tokens to each other and to tokens before, whose keys and values a cache holds. The caller
 * writes the new ones into it: nothing of the cache is an output, which ONNX Runtime's Node binding would copy.
 * The capacity is at least 1 at run time (see `matmul`).
 * @returns what the queries see, in the queries' shape
 */
export function cachedAttention(
  { query, key, value, keys, values, mask }: CachedAttentionInputs,
  attributes: CachedAttentionAttributes,
): Tensor {
  return applySingle(cachedAttentionOperation, [query, key, value, keys, values, mask], attributes);
}
