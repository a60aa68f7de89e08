/**
 * A GGUF file becomes a model folder in Hugging Face layout with float32 weights: where quantised
 * models enter. One tensor at a time is in memory.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonFile } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import type { ProgressFactory } from '../../support/progress.ts';
import { parseDecoderConfig } from '../config.ts';
import { byteProgress } from '../weights/byte-progress.ts';
import { takeExpected } from '../weights/expected-tensors.ts';
import { writeSafetensorsStream } from '../weights/safetensors.ts';
import { architectureOf, configFromGguf, huggingFaceNames } from './architecture.ts';
import { readGguf } from './reader.ts';
import { huggingFaceRow, isReordered } from './row-order.ts';
import { type RowMap, readGgufTensor } from './tensor-values.ts';
import { tokenizerFromGguf } from './tokenizer.ts';
import { BLOCK_FORMATS, type GgufFile, type GgufTensor } from './types.ts';

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

/** How rows move to Hugging Face's order; undefined where they are in it. */
function rowMap(file: GgufFile, config: Record<string, unknown>, tensor: GgufTensor): RowMap | undefined {
  const module = /\.([a-z_]+)\.(?:weight|bias)$/.exec(tensor.name)?.[1] ?? '';
  if (!isReordered(architectureOf(file), module)) return undefined;
  if (tensor.shape.length === 1 && BLOCK_FORMATS[tensor.type].elements > 1) {
    throw new UserError(`${file.path}: tensor "${tensor.name}": a quantised bias is not supported`);
  }
  const size = config['head_dim'] as number;
  return (row) => huggingFaceRow(row, size);
}
