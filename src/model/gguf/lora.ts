/**
 * LoRA adapters as llama.cpp takes them, one GGUF file: where an adapter leaves for programs that run GGUF models,
 * and where such a file is read again to be checked. [llama.cpp's llama-adapter.cpp and convert_lora_to_gguf.py]
 *
 * Of y = x Wᵀ the adapter changes W's rows by B's, so where the base's GGUF file has the rows of W in another order
 * (row-order.ts), B's rows go along; A sees x, which is the same.
 */
import { closeSync, openSync } from 'node:fs';
import { UserError } from '../../support/errors.ts';
import { fileError } from '../../support/file-error.ts';
import {
  compareModulePaths,
  type LoraAdapter,
  type LoraSide,
  type LoraTensor,
  loraTensorName,
  parseLoraTensorName,
} from '../adapter.ts';
import type { DecoderConfig, DecoderFamily } from '../config.ts';
import type { FloatFormat } from '../weights/float-formats.ts';
import { LAYER_MODULES } from './architecture.ts';
import { metadataOf } from './metadata.ts';
import { readGguf } from './reader.ts';
import { huggingFaceRow, isReordered } from './row-order.ts';
import { readGgufTensor } from './tensor-values.ts';
import { type GgufField, type GgufTensorData, writeGguf } from './writer.ts';

/** llama.cpp has no architecture of its own for Mistral: its models are stored as Llama's. */
const ARCHITECTURES: Readonly<Partial<Record<DecoderFamily, string>>> = {
  llama: 'llama',
  mistral: 'llama',
  qwen2: 'qwen2',
};

/** @throws {UserError} for a family whose adapters have not been shown to work there */
function architectureFor(path: string, { family }: Base): string {
  const found = ARCHITECTURES[family];
  if (found !== undefined) return found;
  throw new UserError(
    `${path}: GGUF adapters for "${family}" are not supported; supported: ${Object.keys(ARCHITECTURES).join(', ')}`,
  );
}

/** `general.file_type` of a file whose tensors are all in one format. */
const FILE_TYPES: Readonly<Record<FloatFormat, number>> = { float32: 0, float16: 1, bfloat16: 32 };

type Base = Pick<DecoderConfig, 'family' | 'headSize'>;

export interface GgufLoraOptions {
  readonly format: FloatFormat;
  /** What the adapter was trained on, for people who read the file's metadata. */
  readonly baseModel: string;
}

/**
 * Writes the adapter for a base of this family.
 *
 * @throws {UserError} for an alpha of 0, which llama.cpp takes for no scaling at all, and naming the path if it
 *   cannot be written.
 */
export async function writeGgufLora(
  path: string,
  adapter: LoraAdapter,
  base: Base,
  { format, baseModel }: GgufLoraOptions,
): Promise<void> {
  const { alpha } = adapter.settings;
  if (Math.fround(alpha) === 0) {
    throw new UserError(
      `${path}: the adapter's alpha is ${alpha}, so it changes nothing; llama.cpp would take that for no scaling`,
    );
  }
  const metadata = new Map<string, GgufField>([
    ['general.architecture', { text: architectureFor(path, base) }],
    ['general.type', { text: 'adapter' }],
    ['adapter.type', { text: 'lora' }],
    ['adapter.lora.alpha', { float32: alpha }],
    ['general.file_type', { uint32: FILE_TYPES[format] }],
    ['general.base_model.count', { uint32: 1 }],
    ['general.base_model.0.name', { text: baseModel }],
  ]);
  const tensors = [...adapter.tensors].map(([name, tensor]) => ggufTensor(name, tensor, base));
  await writeGguf(path, metadata, tensors, format);
}

function ggufTensor(name: string, { shape, data }: LoraTensor, base: Base): GgufTensorData {
  const parsed = parseLoraTensorName(name);
  const [, layer, module] = /^model\.layers\.(\d+)\.(.+)$/.exec(parsed?.modulePath ?? '') ?? [];
  const own = Object.entries(LAYER_MODULES).find(([, theirs]) => theirs === module)?.[0];
  if (parsed === undefined || own === undefined) throw new Error(`"${name}" has no name in a GGUF file`);
  const [, columns] = shape;
  const rows = rowOrder(own, parsed.side, base);
  return {
    name: `blk.${layer}.${own}.weight.lora_${parsed.side.toLowerCase()}`,
    shape,
    data: rows === undefined ? data : inOrder(data, columns, rows),
  };
}

/**
 * Reads an adapter for a base of this family; half-precision values are widened.
 *
 * @throws {UserError} naming file and key or tensor: another architecture or kind of adapter, a module without both
 *   matrices, or none at all.
 */
export function readGgufLora(path: string, base: Base): LoraAdapter {
  const file = readGguf(path);
  const metadata = metadataOf(file);
  const expected = {
    'general.architecture': architectureFor(path, base),
    'general.type': 'adapter',
    'adapter.type': 'lora',
  };
  for (const [key, value] of Object.entries(expected)) {
    const found = metadata.text(key);
    if (found !== value) metadata.fail(key, `"${found}"; expected "${value}"`);
  }
  const tensors = new Map<string, LoraTensor>();
  const descriptor = openFile(path);
  try {
    for (const tensor of file.tensors.values()) {
      const [, layer, own = '', side = ''] =
        /^blk\.(\d+)\.([a-z_]+)\.weight\.lora_([ab])$/.exec(tensor.name) ?? [];
      const module = LAYER_MODULES[own];
      const [height, width, ...more] = tensor.shape;
      if (module === undefined || height === undefined || width === undefined || more.length > 0) {
        throw new UserError(`${path}: tensor "${tensor.name}" is no LoRA matrix of a decoder's layer`);
      }
      const upper = side.toUpperCase() as LoraSide;
      const rows = rowOrder(own, upper, base);
      const data = readGgufTensor(descriptor, path, tensor, rows);
      tensors.set(loraTensorName(`model.layers.${layer}.${module}`, upper), { shape: [height, width], data });
    }
  } finally {
    closeSync(descriptor);
  }
  return assembled(path, tensors, metadata.number('adapter.lora.alpha'));
}

function assembled(path: string, tensors: ReadonlyMap<string, LoraTensor>, alpha: number): LoraAdapter {
  const paths = [...new Set([...tensors.keys()].map((name) => parseLoraTensorName(name)!.modulePath))];
  paths.sort(compareModulePaths);
  const ordered = new Map<string, LoraTensor>();
  for (const name of paths.flatMap((one) => [loraTensorName(one, 'A'), loraTensorName(one, 'B')])) {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new UserError(`${path}: the matrix "${name}" is missing`);
    ordered.set(name, tensor);
  }
  const rank = ordered.values().next().value?.shape[0];
  if (rank === undefined) throw new UserError(`${path}: holds no LoRA matrices`);
  return { settings: { rank, alpha, targets: paths }, tensors: ordered };
}

function rowOrder(module: string, side: LoraSide, base: Base): ((row: number) => number) | undefined {
  if (side === 'A' || !isReordered(ARCHITECTURES[base.family]!, module)) return undefined;
  return (row) => huggingFaceRow(row, base.headSize);
}

/** Row `row` of the result is row `rows(row)` of what is given. */
function inOrder(data: Float32Array, columns: number, rows: (row: number) => number): Float32Array {
  const moved = new Float32Array(data.length);
  for (let row = 0; row * columns < data.length; row++) {
    const from = rows(row) * columns;
    moved.set(data.subarray(from, from + columns), row * columns);
  }
  return moved;
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}
