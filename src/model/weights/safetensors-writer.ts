/**
 * Writes safetensors files, whole or tensor by tensor. The same tensors always give the same bytes, and
 * the data starts at a multiple of 64 so that the file can be memory-mapped.
 */
import { writeFileAtomicStream } from '../../support/atomic-file.ts';
import { encodeFloats, FLOAT_FORMATS, type FloatFormat } from './float-formats.ts';

export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** What its values are rounded to, `float32` unless told. */
  readonly format?: FloatFormat;
}

export interface NamedTensor extends TensorSpec {
  /** Row-major. */
  readonly data: Float32Array;
}

/** Takes the declared tensors in their order, each whole or in pieces one after another. */
export type TensorSink = (name: string, data: Float32Array) => Promise<void>;

const ALIGNMENT = 64;

/** Writes tensors that are all in memory, in the order given. */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<NamedTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const list = [...tensors];
  const produce = async (write: TensorSink) => {
    for (const { name, data } of list) await write(name, data);
  };
  await writeSafetensorsStream(path, list, produce, metadata);
}

/**
 * Writes a file too big to hold: `produce` hands over the tensors one by one, in the order of
 * `specs`. Nothing is at `path` before all of them are on disk, nothing at all if `produce` fails.
 *
 * @throws {UserError} naming the path if it cannot be written or the disk is full.
 */
export async function writeSafetensorsStream(
  path: string,
  specs: readonly TensorSpec[],
  produce: (write: TensorSink) => Promise<void>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header = headerBytes(specs, metadata);
  await writeFileAtomicStream(path, async (sink) => {
    await sink.write(header);
    let next = 0;
    let filled = 0;
    await produce(async (name, data) => {
      const spec = specs[next];
      if (spec?.name !== name) throw new Error(`tensor "${name}" came where "${spec?.name}" was declared`);
      filled += data.length;
      const size = elementCount(spec.shape);
      if (filled > size) {
        throw new Error(`tensor "${name}" has ${filled} values for the shape [${spec.shape.join(', ')}]`);
      }
      await sink.write(encodeFloats(spec.format ?? 'float32', data));
      if (filled < size) return;
      next++;
      filled = 0;
    });
    const missing = specs[next];
    if (missing === undefined) return;
    if (filled === 0) throw new Error(`tensor "${missing.name}" was never written`);
    throw new Error(
      `tensor "${missing.name}" has ${filled} values for the shape [${missing.shape.join(', ')}]`,
    );
  });
}

/** What `writeSafetensors` writes, piece by piece: for whoever needs the bytes' hash before they have a name. */
export function* safetensorsPieces(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  yield headerBytes(tensors, metadata);
  for (const { data } of tensors) yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Length and JSON, the JSON padded with spaces up to where the data is aligned. */
function headerBytes(specs: readonly TensorSpec[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const names = new Set(['__metadata__']);
  const items: string[] = [];
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.length > 0) items.push(`"__metadata__":${JSON.stringify(Object.fromEntries(sorted))}`);
  let begin = 0;
  for (const { name, shape, format = 'float32' } of specs) {
    if (names.has(name)) throw new Error(`tensor name "${name}" is reserved or used twice`);
    names.add(name);
    const { safetensors: dtype, bytes } = FLOAT_FORMATS[format];
    const end = begin + bytes * elementCount(shape);
    // Joined by hand: an object would move integer-like names to the front.
    const description = JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
    items.push(`${JSON.stringify(name)}:${description}`);
    begin = end;
  }
  const json = Buffer.from(`{${items.join(',')}}`);
  const length = Math.ceil((8 + json.length) / ALIGNMENT) * ALIGNMENT - 8;
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  json.copy(header, 8);
  return header;
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
