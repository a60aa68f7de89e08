/** The values of one tensor of a GGUF file, dequantised piece by piece; used by the conversion and for adapters. */
import { readSync } from 'node:fs';
import { UserError } from '../../support/errors.ts';
import { dequantise } from './dequantise.ts';
import { BLOCK_FORMATS, type GgufTensor } from './types.ts';

/** Quantised bytes are read in pieces of about this size, so that they stay in the processor's cache. */
const CHUNK_BYTES = 1 << 20;

/** Maps a row of a tensor as the GGUF file stores it to its row in Hugging Face's layout. */
export type RowMap = (row: number) => number;

/** A tensor's values, row-major, rows moved as `rows` says. A bias is a column: a row per number. */
export function readGgufTensor(
  descriptor: number,
  path: string,
  tensor: GgufTensor,
  rows: RowMap | undefined,
): Float32Array {
  const format = BLOCK_FORMATS[tensor.type];
  const elements = tensor.shape.reduce((product, size) => product * size, 1);
  // Without a row map the tensor is one long row: blocks never straddle rows.
  const columns = rows === undefined ? format.elements : elements / (tensor.shape[0] as number);
  const rowBytes = (columns / format.elements) * format.bytes;
  const chunkRows = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes));
  const values = new Float32Array(elements);
  const decoded = rows === undefined ? undefined : new Float32Array(chunkRows * columns);
  const bytes = new Uint8Array(chunkRows * rowBytes);
  for (let first = 0; first * columns < elements; first += chunkRows) {
    const count = Math.min(chunkRows, elements / columns - first);
    const source = bytes.subarray(0, count * rowBytes);
    if (readSync(descriptor, source, 0, source.length, tensor.offset + first * rowBytes) !== source.length) {
      throw new UserError(`${path}: tensor "${tensor.name}": the file became shorter while it was read`);
    }
    if (rows === undefined || decoded === undefined) {
      dequantise(tensor.type, source, values.subarray(first * columns, (first + count) * columns));
      continue;
    }
    dequantise(tensor.type, source, decoded.subarray(0, count * columns));
    for (let row = 0; row < count; row++) {
      values.set(decoded.subarray(row * columns, (row + 1) * columns), rows(first + row) * columns);
    }
  }
  return values;
}
