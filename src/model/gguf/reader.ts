/**
 * Reads a GGUF file's header: metadata and the place of each tensor. Everything it says is checked
 * against the file before it is used; the tensors' bytes are read later, by the conversion.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { UserError } from '../../support/errors.ts';
import { HeaderCursor } from './header-cursor.ts';
import {
  BLOCK_FORMATS,
  type GgufFile,
  type GgufScalar,
  type GgufTensor,
  type GgufTensorType,
  type GgufValue,
  TENSOR_TYPE_NAMES,
} from './types.ts';

/** `GGUF`, read as a little-endian number. */
const MAGIC = 0x46554747;
const DEFAULT_ALIGNMENT = 32;
const MAX_DIMENSIONS = 4;

/** Real headers hold a few dozen keys and at most some hundred thousand tokens and merges. */
const MAX_KEYS = 1 << 16;
const MAX_TENSORS = 1 << 20;
const MAX_ARRAY_ITEMS = 1 << 24;

const ARRAY_TYPE = 9;

/** How each metadata type is read, and the fewest bytes one takes. */
const SCALARS: Readonly<
  Record<number, { bytes: number; read: (cursor: HeaderCursor, field: string) => GgufScalar }>
> = {
  0: { bytes: 1, read: (cursor, field) => cursor.uint8(field) },
  1: { bytes: 1, read: (cursor, field) => cursor.int8(field) },
  2: { bytes: 2, read: (cursor, field) => cursor.uint16(field) },
  3: { bytes: 2, read: (cursor, field) => cursor.int16(field) },
  4: { bytes: 4, read: (cursor, field) => cursor.uint32(field) },
  5: { bytes: 4, read: (cursor, field) => cursor.int32(field) },
  6: { bytes: 4, read: (cursor, field) => cursor.float32(field) },
  7: { bytes: 1, read: readBoolean },
  8: { bytes: 8, read: (cursor, field) => cursor.string(field) },
  10: { bytes: 8, read: (cursor, field) => narrow(cursor.uint64(field)) },
  11: { bytes: 8, read: (cursor, field) => narrow(cursor.int64(field)) },
  12: { bytes: 8, read: (cursor, field) => cursor.float64(field) },
};

/**
 * Parses and checks the header of a GGUF file, version 2 or 3, little-endian.
 *
 * @throws UserError naming the file and the field at fault.
 */
export function readGguf(path: string): GgufFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw new UserError(`${path}: cannot be opened: ${(cause as Error).message}`, { cause });
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new UserError(`${path}: not a file`);
    return readHeader(new HeaderCursor(path, descriptor, status.size));
  } finally {
    closeSync(descriptor);
  }
}

function readHeader(cursor: HeaderCursor): GgufFile {
  if (cursor.remaining < 4 || cursor.uint32('magic number') !== MAGIC) {
    cursor.fail('magic number', 'not a GGUF file');
  }
  const version = cursor.uint32('version');
  if (version !== 2 && version !== 3) {
    cursor.fail('version', `${version} is not supported; expected 2 or 3, little-endian`);
  }
  // The least a tensor's entry takes: name length, dimension count, one dimension, type, offset.
  const tensorCount = cursor.count('tensor count', 8 + 4 + 8 + 4 + 8);
  if (tensorCount > MAX_TENSORS)
    cursor.fail('tensor count', `${tensorCount}; expected at most ${MAX_TENSORS}`);
  // And a key's: its length, its value's type, one byte of value.
  const keyCount = cursor.count('metadata count', 8 + 4 + 1);
  if (keyCount > MAX_KEYS) cursor.fail('metadata count', `${keyCount}; expected at most ${MAX_KEYS}`);

  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = cursor.string(`metadata key ${i + 1} of ${keyCount}`);
    if (metadata.has(key)) cursor.fail(`metadata key "${key}"`, 'occurs twice');
    metadata.set(key, readValue(cursor, `metadata "${key}"`));
  }
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (typeof alignment !== 'number' || !Number.isInteger(Math.log2(alignment)) || alignment > 1 << 20) {
    cursor.fail('metadata "general.alignment"', 'expected a power of two of at most 2^20');
  }
  return { path: cursor.path, metadata, tensors: readTensors(cursor, tensorCount, alignment) };
}

function readValue(cursor: HeaderCursor, field: string): GgufValue {
  const type = cursor.uint32(`type of ${field}`);
  const scalar = SCALARS[type];
  if (scalar !== undefined) return scalar.read(cursor, field);
  if (type !== ARRAY_TYPE) return cursor.fail(field, `unknown value type ${type}`);
  const itemType = cursor.uint32(`item type of ${field}`);
  const item = SCALARS[itemType];
  if (item === undefined) return cursor.fail(field, `an array of value type ${itemType} is not supported`);
  const count = cursor.count(`length of ${field}`, item.bytes);
  if (count > MAX_ARRAY_ITEMS)
    cursor.fail(field, `an array of ${count}; expected at most ${MAX_ARRAY_ITEMS}`);
  const items: GgufScalar[] = [];
  for (let i = 0; i < count; i++) items.push(item.read(cursor, field));
  return items;
}

function readTensors(cursor: HeaderCursor, count: number, alignment: number): Map<string, GgufTensor> {
  const relative: GgufTensor[] = [];
  const names = new Set<string>();
  for (let i = 0; i < count; i++) {
    const tensor = readTensorEntry(cursor, `tensor ${i + 1} of ${count}`);
    const field = `tensor "${tensor.name}"`;
    if (names.has(tensor.name)) cursor.fail(field, 'occurs twice');
    if (tensor.offset % alignment !== 0) {
      cursor.fail(field, `offset ${tensor.offset} is not a multiple of the alignment ${alignment}`);
    }
    names.add(tensor.name);
    relative.push(tensor);
  }
  // Offsets count from the first aligned byte after the header.
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;
  const fileSize = cursor.position + cursor.remaining;
  const tensors = relative.map((tensor) => ({ ...tensor, offset: dataStart + tensor.offset }));
  let end = dataStart;
  for (const tensor of [...tensors].sort((a, b) => a.offset - b.offset)) {
    const field = `tensor "${tensor.name}"`;
    if (tensor.offset < end) cursor.fail(field, 'overlaps another tensor');
    end = tensor.offset + tensor.byteLength;
    if (end > fileSize) {
      cursor.fail(
        field,
        `ends at byte ${end} of a file of ${fileSize}; the file was truncated or the header lies`,
      );
    }
  }
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

/** One tensor's entry, its offset still counted from the start of the data. */
function readTensorEntry(cursor: HeaderCursor, position: string): GgufTensor {
  const name = cursor.string(`name of ${position}`);
  const field = `tensor "${name}"`;
  const dimensions = cursor.uint32(`dimension count of ${field}`);
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    cursor.fail(field, `${dimensions} dimensions; expected 1 to ${MAX_DIMENSIONS}`);
  }
  const sizes: number[] = [];
  let elements = 1;
  for (let i = 0; i < dimensions; i++) {
    const size = narrow(cursor.uint64(`dimension ${i + 1} of ${field}`));
    elements *= Number(size);
    if (typeof size !== 'number' || size < 1 || !Number.isSafeInteger(8 * elements)) {
      return cursor.fail(field, `dimension ${i + 1} is ${size}, which can't be`);
    }
    sizes.push(size);
  }
  const typeNumber = cursor.uint32(`type of ${field}`);
  const type = TENSOR_TYPE_NAMES[typeNumber] ?? `number ${typeNumber}`;
  if (!isSupported(type)) {
    const supported = Object.keys(BLOCK_FORMATS).join(', ');
    return cursor.fail(field, `is of type ${type}, which is not supported; supported: ${supported}`);
  }
  const format = BLOCK_FORMATS[type];
  const rowLength = sizes[0] as number;
  if (rowLength % format.elements !== 0) {
    cursor.fail(field, `rows of ${rowLength} numbers are not whole ${type} blocks of ${format.elements}`);
  }
  const offset = narrow(cursor.uint64(`offset of ${field}`));
  if (typeof offset !== 'number' || offset > cursor.position + cursor.remaining) {
    return cursor.fail(field, `offset ${offset} lies beyond the end of the file`);
  }
  return {
    name,
    type,
    shape: sizes.reverse(),
    offset,
    byteLength: (elements / format.elements) * format.bytes,
  };
}

function isSupported(type: string): type is GgufTensorType {
  return Object.hasOwn(BLOCK_FORMATS, type);
}

function readBoolean(cursor: HeaderCursor, field: string): boolean {
  const value = cursor.uint8(field);
  if (value > 1) cursor.fail(field, `${value} is not a boolean`);
  return value === 1;
}

function narrow(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
