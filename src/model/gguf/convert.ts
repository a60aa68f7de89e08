/**
 * A GGUF file becomes a model folder in Hugging Face layout with float32 weights: where quantised
 * models enter. One tensor at a time is in memory.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonFile } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import type { ProgressFactory } from '../../support/progress.ts';
import { parseDecoderConfig } from '../config.ts';
import { byteProgress } from '../weights/byte-progress.ts';
import { takeExpected } from '../weights/expected-tensors.ts';
import { writeSafetensorsStream } from '../weights/safetensors.ts';
import { architectureOf, configFromGguf, huggingFaceNames } from './architecture.ts';
import { dequantise } from './dequantise.ts';
import { readGguf } from './reader.ts';
import { tokenizerFromGguf } from './tokenizer.ts';
import { BLOCK_FORMATS, type GgufFile, type GgufTensor } from './types.ts';

/** Quantised bytes are read in pieces of about this size, so that they stay in the processor's cache. */
const CHUNK_BYTES = 1 << 20;

/** Maps a row of a tensor as the GGUF file stores it to its row in Hugging Face's layout. */
type RowMap = (row: number) => number;

/**
 * Writes `config.json`, `tokenizer.json`, `tokenizer_config.json` and `model.safetensors` into `folder`,
 * which must exist.
 *
 * @throws UserError naming the GGUF file and the field or tensor that is wrong or unsupported
 */
export async function convertGguf(path: string, folder: string, progress?: ProgressFactory): Promise<void> {
  const file = readGguf(path);
  const config = configFromGguf(file);
  const { tokenizer, tokenizerConfig } = tokenizerFromGguf(file, config['vocab_size'] as number);
  const write = (name: string, value: object) => writeJsonFile(join(folder, name), value);
  await writeWeights(file, config, join(folder, 'model.safetensors'), progress);
  await write('config.json', config);
  await write('tokenizer.json', tokenizer);
  await write('tokenizer_config.json', tokenizerConfig);
}

async function writeWeights(
  file: GgufFile,
  config: Record<string, unknown>,
  target: string,
  progress: ProgressFactory | undefined,
): Promise<void> {
  const names = takeExpected(parseDecoderConfig(config, file.path), huggingFaceNames(file), file.path);
  const specs = [...names].map(([name, tensor]) => ({ name, shape: tensor.shape }));
  const bytes = [...names.values()].reduce((sum, tensor) => sum + tensor.byteLength, 0);
  const meter = byteProgress('dequantising', bytes, progress);
  const descriptor = openSync(file.path, 'r');
  try {
    await writeSafetensorsStream(
      target,
      specs,
      async (write) => {
        for (const [name, tensor] of names) {
          await write(name, readGgufTensor(descriptor, file.path, tensor, rowMap(file, config, tensor)));
          meter.advance(tensor.byteLength);
        }
      },
      { format: 'pt' },
    );
  } finally {
    closeSync(descriptor);
    meter.stop();
  }
}

/**
 * Rotary position embedding turns pairs of numbers of a head: Hugging Face pairs number i with number
 * i + size/2, Llama's original code pairs neighbours 2i and 2i + 1. GGUF keeps the `llama`
 * architecture's query and key rows in the second order, so rows move back to the first. Other
 * architectures are stored as Hugging Face has them.
 */
function rowMap(file: GgufFile, config: Record<string, unknown>, tensor: GgufTensor): RowMap | undefined {
  if (architectureOf(file) !== 'llama' || !/\.attn_[qk]\.(weight|bias)$/.test(tensor.name)) return undefined;
  if (tensor.shape.length === 1 && BLOCK_FORMATS[tensor.type].elements > 1) {
    throw new UserError(`${file.path}: tensor "${tensor.name}": a quantised bias is not supported`);
  }
  const size = config['head_dim'] as number;
  return (row) => {
    const within = row % size;
    return row - within + (within % 2) * (size / 2) + (within >> 1);
  };
}

/** A tensor's values, row-major, rows moved as `rows` says. A bias is a column: a row per number. */
function readGgufTensor(
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
