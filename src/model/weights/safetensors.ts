/**
 * Reads safetensors files: where base weights and adapters enter. The header tells where each
 * tensor's bytes lie, so that an engine can map them from the file instead of reading them.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../../support/errors.ts';
import { fileError } from '../../support/file-error.ts';
import { widenBfloat16, widenFloat16 } from './float-formats.ts';
import {
  parseSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from './safetensors-header.ts';

export type { SafetensorsEntry, SafetensorsHeader } from './safetensors-header.ts';
export { writeSafetensors, writeSafetensorsStream } from './safetensors-writer.ts';

/** The reference implementation's bound on a header; a larger length is a lie or another format. */
const MAX_HEADER_BYTES = 100_000_000;

/** Widening goes through a buffer of this many bytes, so that no second copy of a tensor is held. */
const CHUNK_BYTES = 4 << 20;

/**
 * Reads and checks the header: lengths against the file's size, data types, shapes, and that the
 * tensors fill the file without overlap or hole.
 *
 * @throws UserError naming the file, and the tensor where one is at fault.
 */
export function readSafetensorsHeader(path: string): SafetensorsHeader {
  return withFile(path, (descriptor) => {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new UserError(`${path}: not a file`);
    const fileSize = status.size;
    if (fileSize < 8) throw new UserError(`${path}: ${fileSize} bytes are too few for a safetensors file`);
    const length = Buffer.alloc(8);
    readFully(descriptor, length, 0, path);
    const headerBytes = length.readBigUInt64LE();
    if (headerBytes > BigInt(Math.min(MAX_HEADER_BYTES, fileSize - 8))) {
      throw new UserError(
        `${path}: claims a header of ${headerBytes} bytes in a file of ${fileSize}: truncated, or not safetensors`,
      );
    }
    const header = Buffer.alloc(Number(headerBytes));
    readFully(descriptor, header, 8, path);
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
    } catch (cause) {
      throw new UserError(`${path}: the safetensors header is not UTF-8`, { cause });
    }
    return parseSafetensorsHeader(text, path, 8 + header.length, fileSize);
  });
}

/**
 * A tensor's values as float32, row-major; F32, F16 and BF16 exactly, F64 rounded. Bytes are taken
 * as the host orders them: little-endian, as on every platform of Node's that the engines run on.
 *
 * @throws UserError for other data types, or a file that has shrunk since its header was read.
 */
export function readTensor(entry: SafetensorsEntry): Float32Array {
  return withFile(entry.file, (descriptor) => {
    const read = (bytes: Uint8Array, from: number) =>
      readFully(descriptor, bytes, entry.offset + from, entry.file);
    switch (entry.dtype) {
      case 'F32': {
        const values = new Float32Array(entry.byteLength / 4);
        read(new Uint8Array(values.buffer), 0);
        return values;
      }
      case 'F16':
        return readWidened(entry, 2, read, (bytes, target) => widenFloat16(new Uint16Array(bytes), target));
      case 'BF16':
        return readWidened(entry, 2, read, (bytes, target) => widenBfloat16(new Uint16Array(bytes), target));
      case 'F64':
        return readWidened(entry, 8, read, (bytes, target) => target.set(new Float64Array(bytes)));
      default:
        throw new UserError(
          `${entry.file}: tensor "${entry.name}" is ${entry.dtype}; expected F32, F16, BF16 or F64`,
        );
    }
  });
}

/** Some rows of a matrix as float32, one after another, in the order they are asked for. */
export function readRows(entry: SafetensorsEntry, rows: ArrayLike<number>): Float32Array {
  const { file, name, dtype, shape, offset, byteLength } = entry;
  const [count = 0, columns = 0] = shape;
  if (dtype !== 'F32') {
    const bytes = byteLength / count;
    const row = (at: number): SafetensorsEntry => {
      if (at < 0 || at >= count) throw new RangeError(`tensor "${name}" has no row ${at}`);
      return { ...entry, shape: [columns], offset: offset + at * bytes, byteLength: bytes };
    };
    const values = new Float32Array(rows.length * columns);
    Array.from(rows, (at, place) => values.set(readTensor(row(at)), place * columns));
    return values;
  }
  return withFile(file, (descriptor) => {
    const values = new Float32Array(rows.length * columns);
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at] as number;
      if (row < 0 || row >= count) throw new RangeError(`tensor "${name}" has no row ${row}`);
      const target = values.subarray(at * columns, (at + 1) * columns);
      const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
      readFully(descriptor, bytes, offset + row * target.byteLength, file);
    }
    return values;
  });
}

function readWidened(
  entry: SafetensorsEntry,
  elementBytes: number,
  read: (bytes: Uint8Array, from: number) => void,
  widen: (bytes: ArrayBuffer, target: Float32Array) => void,
): Float32Array {
  const values = new Float32Array(entry.byteLength / elementBytes);
  for (let from = 0; from < entry.byteLength; from += CHUNK_BYTES) {
    const bytes = new Uint8Array(Math.min(CHUNK_BYTES, entry.byteLength - from));
    read(bytes, from);
    const first = from / elementBytes;
    widen(bytes.buffer, values.subarray(first, first + bytes.length / elementBytes));
  }
  return values;
}

function readFully(descriptor: number, bytes: Uint8Array, position: number, path: string): void {
  // One read call moves at most 2 GiB.
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(descriptor, bytes, done, Math.min(bytes.length - done, 1 << 30), position + done);
    if (count === 0)
      throw new UserError(`${path}: ends before byte ${position + bytes.length}; it was truncated`);
    done += count;
  }
}

function withFile<T>(path: string, use: (descriptor: number) => T): T {
  try {
    const descriptor = openSync(path, 'r');
    try {
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}
