/**
 * An adapter merged into the base's weights, W + (alpha / r) B A, a few rows at a time: however large the model,
 * some megabytes are in memory.
 */
import { type LoraAdapter, loraTensorName } from '../model/adapter.ts';
import { readRows, readTensor, type SafetensorsEntry } from '../model/weights/safetensors.ts';

/** Numbers in a piece. */
const PIECE_NUMBERS = 1 << 20;

/** The update of one module's weight. */
interface LowRankUpdate {
  /** A [rank, in], B [out, rank]. */
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
}

/** The update that an adapter has for a weight of the base; undefined for one that it leaves as it is. */
function updateOf(adapter: LoraAdapter, weightName: string): LowRankUpdate | undefined {
  const path = weightName.replace(/\.weight$/, '');
  const a = adapter.tensors.get(loraTensorName(path, 'A'));
  const b = adapter.tensors.get(loraTensorName(path, 'B'));
  if (path === weightName || a === undefined || b === undefined) return undefined;
  const { rank, alpha } = adapter.settings;
  return { a: a.data, b: b.data, rank, scale: alpha / rank };
}

/** The merged values of one tensor, row-major, in pieces one after another. */
export function* mergedPieces(entry: SafetensorsEntry, adapter: LoraAdapter): Generator<Float32Array> {
  const [rows = 0, columns = 0] = entry.shape;
  if (entry.shape.length !== 2) {
    yield readTensor(entry);
    return;
  }
  const update = updateOf(adapter, entry.name);
  const height = Math.max(1, Math.floor(PIECE_NUMBERS / columns));
  for (let first = 0; first < rows; first += height) {
    const numbers = Array.from({ length: Math.min(height, rows - first) }, (_, row) => first + row);
    const values = readRows(entry, numbers);
    if (update !== undefined) addRows(values, first, columns, update);
    yield values;
  }
}

/** Adds the update's rows from `first` on; sums are taken in double precision and rounded once. */
function addRows(
  values: Float32Array,
  first: number,
  columns: number,
  { a, b, rank, scale }: LowRankUpdate,
): void {
  const sums = new Float64Array(columns);
  for (let start = 0, row = first; start < values.length; start += columns, row++) {
    const target = values.subarray(start, start + columns);
    sums.set(target);
    for (let inner = 0; inner < rank; inner++) {
      const factor = scale * b[row * rank + inner]!;
      const offset = inner * columns;
      for (let column = 0; column < columns; column++) sums[column]! += factor * a[offset + column]!;
    }
    target.set(sums);
  }
}
