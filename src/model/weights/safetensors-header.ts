/**
 * The header of a safetensors file, parsed and checked without trusting a word of it. A file is an
 * eight-byte little-endian length, that many bytes of JSON, then the tensors' bytes end to end.
 * [Format: huggingface.co/docs/safetensors]
 */
import { UserError } from '../../support/errors.ts';

/** Bytes per element of every data type this reader can locate; sub-byte types are refused. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
  C64: 8,
};

export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file: string;
  /** Of the tensor's first byte, counted from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes in the file. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Parses the JSON of a header. `dataStart` is where the tensors' bytes start in the file and
 * `fileSize` where they must end.
 *
 * @throws UserError naming the file, and the tensor where one is at fault.
 */
export function parseSafetensorsHeader(
  text: string,
  file: string,
  dataStart: number,
  fileSize: number,
): SafetensorsHeader {
  const header = parseObject(text, file);
  const metadata = parseMetadata(header.__metadata__, file);
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, description]) => parseEntry(name, description, file, dataStart, fileSize))
    .sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);

  let expected = dataStart;
  for (const entry of entries) {
    if (entry.offset !== expected) {
      const problem = entry.offset < expected ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw new UserError(`${file}: tensor "${entry.name}" ${problem} (safetensors bytes are contiguous)`);
    }
    expected += entry.byteLength;
  }
  if (expected !== fileSize) {
    throw new UserError(
      `${file}: the header describes ${expected - dataStart} bytes of tensors, the file holds ${fileSize - dataStart}`,
    );
  }
  return { entries: new Map(entries.map((entry) => [entry.name, entry])), metadata };
}

function parseObject(text: string, file: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${file}: the safetensors header is not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (!isObject(header)) throw new UserError(`${file}: the safetensors header is not a JSON object`);
  // JSON.parse keeps the last of two equal keys without a word; two readers could see two models.
  const keysWritten = [...text.matchAll(/"(?:[^"\\]|\\.)*"[ \t\r\n]*(:?)/g)].filter(
    (m) => m[1] === ':',
  ).length;
  if (keysWritten !== countKeys(header)) {
    throw new UserError(`${file}: the safetensors header has a key more than once`);
  }
  return header;
}

function countKeys(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countKeys(item), 0);
  if (!isObject(value)) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + 1 + countKeys(item), 0);
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || !Object.values(value).every((item) => typeof item === 'string')) {
    throw new UserError(`${file}: __metadata__ must map strings to strings`);
  }
  return value as Record<string, string>;
}

function parseEntry(
  name: string,
  description: unknown,
  file: string,
  dataStart: number,
  fileSize: number,
): SafetensorsEntry {
  const fail = (problem: string) => new UserError(`${file}: tensor "${name}" ${problem}`);
  if (!isObject(description)) throw fail('is not described by an object');
  const { dtype, shape, data_offsets: offsets, ...others } = description;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw fail(`has an unknown field "${unknown}"`);
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype)) {
    throw fail(`has the data type ${JSON.stringify(dtype)}; known: ${Object.keys(ELEMENT_BYTES).join(', ')}`);
  }
  if (!isCountList(shape)) throw fail('has a shape that is not a list of non-negative integers');
  if (!isCountList(offsets) || offsets.length !== 2) {
    throw fail('has data_offsets that are not two non-negative integers');
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > fileSize - dataStart) {
    throw fail(
      `claims bytes ${begin} to ${end} of ${fileSize - dataStart}: the file is truncated or its header lies`,
    );
  }
  const byteLength = shapeBytes(shape, ELEMENT_BYTES[dtype] as number);
  if (byteLength !== end - begin) {
    throw fail(`has ${end - begin} bytes where ${dtype} [${shape.join(', ')}] needs ${byteLength}`);
  }
  return { name, dtype, shape, file, offset: dataStart + begin, byteLength };
}

/**
 * Products past 2^53 lose their last bits, so they could meet no honest length by accident only if
 * they came back down: a zero dimension is the one way, and is taken first.
 */
function shapeBytes(shape: readonly number[], elementBytes: number): number {
  return shape.includes(0) ? 0 : shape.reduce((product, dimension) => product * dimension, elementBytes);
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
