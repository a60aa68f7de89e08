/**
 * Frames, the unit host and worker speak in: a JSON header and the raw bytes of named tensors (worker/PROTOCOL.md).
 * Nothing that arrives is trusted: sizes are checked before anything is kept, and whatever is not exactly a frame
 * is a `ProtocolError`.
 */

/** Header length (uint32) and payload length (uint64), little-endian. */
const PREFIX = 12;
export const MAX_HEADER = 16 * 2 ** 20;
export const MAX_PAYLOAD = 4 * 2 ** 30;
/** Most bytes of a first frame, which comes from who knows whom. */
export const MAX_GREETING = 64 * 2 ** 10;
const MAX_DIMENSIONS = 8;

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;

export type DataType = keyof typeof ARRAYS;

/** Row-major. */
export interface FrameTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array;
}

export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, FrameTensor>;
}

/** The other side does not speak the protocol; there is no going on. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

function dataTypeOf(data: FrameTensor['data']): DataType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Float64Array ? 'float64' : 'int32';
}

/** The pieces of a frame, in order; tensors are not copied. @throws {ProtocolError} for one that is too large. */
export function encodeFrame({ header, tensors }: Frame): readonly Uint8Array[] {
  const listed = [...tensors].map(([name, { shape, data }]) => ({ name, dtype: dataTypeOf(data), shape }));
  const text = Buffer.from(JSON.stringify({ ...header, tensors: listed }));
  const pieces = Array.from(
    tensors.values(),
    ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  const payload = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (text.length > MAX_HEADER || payload > MAX_PAYLOAD) {
    throw new ProtocolError(
      `a frame of ${text.length} + ${payload} bytes is larger than the protocol allows`,
    );
  }
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32LE(text.length, 0);
  prefix.writeBigUInt64LE(BigInt(payload), 4);
  return [Buffer.concat([prefix, text]), ...pieces];
}

/** Puts frames together from bytes as they arrive. */
export class FrameReader {
  #chunks: Uint8Array[] = [];
  #held = 0;
  #sizes: { readonly header: number; readonly payload: number } | null = null;
  #isFirst = true;

  /**
   * The frames that are whole now.
   * @throws {ProtocolError} for what is no frame; nothing may be read afterwards
   */
  push(chunk: Uint8Array): readonly Frame[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      if (!this.#sizes) {
        if (this.#held < PREFIX) return frames;
        this.#sizes = this.#parsePrefix(this.#take(PREFIX));
      }
      const { header, payload } = this.#sizes;
      if (this.#held < header + payload) return frames;
      frames.push(decodeFrame(this.#take(header), this.#take(payload)));
      this.#sizes = null;
      this.#isFirst = false;
    }
  }

  /** @throws {ProtocolError} unless the stream may end here. */
  end(): void {
    if (this.#held === 0 && !this.#sizes) return;
    throw new ProtocolError('the stream ended within a frame');
  }

  #parsePrefix(bytes: Buffer) {
    const [header, payload] = [bytes.readUInt32LE(0), Number(bytes.readBigUInt64LE(4))];
    const [mostHeader, mostPayload] = this.#isFirst
      ? [MAX_GREETING, MAX_GREETING]
      : [MAX_HEADER, MAX_PAYLOAD];
    if (header <= mostHeader && payload <= mostPayload) return { header, payload };
    throw new ProtocolError(
      `a frame announces a header of ${header} and a payload of ${payload} bytes; ` +
        `at most ${mostHeader} and ${mostPayload} are allowed`,
    );
  }

  /** The next bytes, in memory of their own that begins where numbers of any kind may. */
  #take(size: number): Buffer {
    const result = Buffer.from(new ArrayBuffer(size));
    let at = 0;
    while (at < size) {
      const [first] = this.#chunks as [Uint8Array];
      const part = first.subarray(0, size - at);
      result.set(part, at);
      at += part.length;
      if (part.length === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(part.length);
    }
    this.#held -= size;
    return result;
  }
}

function decodeFrame(text: Buffer, payload: Buffer): Frame {
  const header = parseHeader(text);
  const { tensors: listed, ...rest } = header;
  if (!Array.isArray(listed)) throw new ProtocolError('a frame\'s header lacks the list "tensors"');
  const tensors = new Map<string, FrameTensor>();
  let at = 0;
  for (const entry of listed as unknown[]) {
    const { name, dtype, shape } = tensorEntry(entry);
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = count * ARRAYS[dtype].BYTES_PER_ELEMENT;
    if (tensors.has(name)) throw new ProtocolError(`a frame has two tensors "${name}"`);
    if (bytes > payload.length - at) {
      throw new ProtocolError(
        `the tensor "${name}" needs ${bytes} bytes; ${payload.length - at} are left of the payload`,
      );
    }
    // Copied: a tensor may begin anywhere in the payload, and a typed array may not.
    const data = payload.buffer.slice(payload.byteOffset + at, payload.byteOffset + at + bytes);
    tensors.set(name, { shape, data: new ARRAYS[dtype](data as ArrayBuffer) });
    at += bytes;
  }
  if (at !== payload.length) {
    throw new ProtocolError(`a frame's payload has ${payload.length} bytes, its tensors ${at}`);
  }
  return { header: rest, tensors };
}

function parseHeader(text: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (error) {
    throw new ProtocolError("a frame's header is not JSON", { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError("a frame's header is not an object");
  }
  return value as Record<string, unknown>;
}

function tensorEntry(entry: unknown): { name: string; dtype: DataType; shape: readonly number[] } {
  const { name, dtype, shape } = (entry ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof dtype !== 'string' || !Object.hasOwn(ARRAYS, dtype)) {
    throw new ProtocolError("a tensor's entry is not {name, dtype, shape}");
  }
  const isShape = (value: unknown): value is readonly number[] =>
    Array.isArray(value) &&
    value.length <= MAX_DIMENSIONS &&
    value.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!isShape(shape)) {
    throw new ProtocolError(`the shape of "${name.slice(0, 80)}" is not of whole numbers in range`);
  }
  return { name, dtype: dtype as DataType, shape };
}
