/** Writes GGUF files of a few tensors: header, metadata, then each tensor at a multiple of 32 bytes. */
import { writeFileAtomicStream } from '../../support/atomic-file.ts';
import { encodeFloats, FLOAT_FORMATS, type FloatFormat } from '../weights/float-formats.ts';

/** Metadata is written as text, as an unsigned 32-bit integer, or as float32. */
export type GgufField =
  | { readonly text: string }
  | { readonly uint32: number }
  | { readonly float32: number };

export interface GgufTensorData {
  readonly name: string;
  /** Outermost dimension first, as Hugging Face writes shapes. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

/** `GGUF`, as a little-endian number. */
const MAGIC = 0x46554747;
const VERSION = 3;
const ALIGNMENT = 32;

/** Numbers of value types and of tensor types. [ggml's docs/gguf.md] */
const VALUE_TYPES = { uint32: 4, float32: 6, text: 8 } as const;
const TENSOR_TYPES: Readonly<Record<FloatFormat, number>> = { float32: 0, float16: 1, bfloat16: 30 };

/**
 * The same content always gives the same bytes.
 *
 * @throws {UserError} naming the path if it cannot be written or the disk is full.
 */
export async function writeGguf(
  path: string,
  metadata: ReadonlyMap<string, GgufField>,
  tensors: readonly GgufTensorData[],
  format: FloatFormat,
): Promise<void> {
  const header = [u32(MAGIC), u32(VERSION), u64(tensors.length), u64(metadata.size)];
  for (const [key, field] of metadata) header.push(text(key), fieldBytes(field));
  let offset = 0;
  for (const { name, shape, data } of tensors) {
    header.push(text(name), u32(shape.length), ...[...shape].reverse().map(u64));
    header.push(u32(TENSOR_TYPES[format]), u64(offset));
    offset += aligned(data.length * FLOAT_FORMATS[format].bytes);
  }
  await writeFileAtomicStream(path, async (sink) => {
    await sink.write(padded(Buffer.concat(header)));
    for (const { data } of tensors) await sink.write(padded(encodeFloats(format, data)));
  });
}

function fieldBytes(field: GgufField): Buffer {
  if ('text' in field) return Buffer.concat([u32(VALUE_TYPES.text), text(field.text)]);
  if ('uint32' in field) return Buffer.concat([u32(VALUE_TYPES.uint32), u32(field.uint32)]);
  const value = Buffer.alloc(4);
  value.writeFloatLE(field.float32);
  return Buffer.concat([u32(VALUE_TYPES.float32), value]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes], aligned(bytes.length));
}
