/**
 * Several LoRA adapters as one: their sum is the adapter whose ranks they share out, the rows of A and the columns
 * of B one adapter after another. alpha grows with the rank, so that alpha / rank stays, and the adapter is one
 * like any other to engines and to PEFT.
 */
import {
  type Adapter,
  type LoraAdapter,
  type LoraSettings,
  type LoraTensor,
  parseLoraTensorName,
} from '../model/adapter.ts';
import type { NamedMatrices } from './method.ts';

/** The sum of some adapters of one rank and alpha: `settings` are those of each, the matrices' names the last's. */
export function stackAdapters(all: readonly NamedMatrices[], settings: LoraSettings): LoraAdapter {
  const tensors = new Map(
    Array.from(all.at(-1)!.keys(), (name) => {
      const parts = all.map((one) => one.get(name)!);
      return [name, isA(name) ? rowsAfterRows(parts) : columnsAfterColumns(parts)];
    }),
  );
  const { rank, alpha, targets } = settings;
  return { settings: { rank: rank * all.length, alpha: alpha * all.length, targets }, tensors };
}

/** The last adapter of such a sum. */
export function lastOfStack({ tensors }: Pick<Adapter, 'tensors'>, settings: LoraSettings): LoraAdapter {
  const last = ({ shape: [rows, columns], data }: LoraTensor, name: string): LoraTensor => {
    const { rank } = settings;
    if (isA(name)) return { shape: [rank, columns], data: data.slice(-rank * columns) };
    const kept = data.filter((_, at) => at % columns >= columns - rank);
    return { shape: [rows, rank], data: kept };
  };
  return { settings, tensors: new Map(Array.from(tensors, ([name, tensor]) => [name, last(tensor, name)])) };
}

/** A, of shape [rank, in features]; B is the other. */
export function isA(name: string): boolean {
  return parseLoraTensorName(name)?.side === 'A';
}

function rowsAfterRows(parts: readonly LoraTensor[]): LoraTensor {
  const rows = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  const columns = parts[0]!.shape[1];
  const result = new Float32Array(rows * columns);
  let at = 0;
  for (const { data } of parts) {
    result.set(data, at);
    at += data.length;
  }
  return { shape: [rows, columns], data: result };
}

function columnsAfterColumns(parts: readonly LoraTensor[]): LoraTensor {
  const rows = parts[0]!.shape[0];
  const columns = parts.reduce((sum, { shape }) => sum + shape[1], 0);
  const result = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    let at = row * columns;
    for (const { shape, data } of parts) {
      result.set(data.subarray(row * shape[1], (row + 1) * shape[1]), at);
      at += shape[1];
    }
  }
  return { shape: [rows, columns], data: result };
}
