/**
 * RoPE scaling of a GGUF file, as `config.json` writes it. GGUF has no words for Llama 3's scaling; it
 * stores the resulting factor of each frequency in a tensor, from which the parameters are found again.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { UserError } from '../../support/errors.ts';
import { dequantise } from './dequantise.ts';
import { metadataOf } from './metadata.ts';
import type { GgufFile } from './types.ts';

/** Holds RoPE's frequency factors; they enter the config instead of the weights. */
export const ROPE_TENSOR = 'rope_freqs.weight';

/** The parameters every released Llama 3.1, 3.2 and 3.3 model has; only the factor differs (8 or 32). */
const LLAMA3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

/**
 * `null` for plain RoPE, else the `rope_scaling` of type llama3.
 *
 * @throws UserError for another kind of scaling, or factors that no known parameters give.
 */
export function readRopeScaling(file: GgufFile, prefix: string, headSize: number, theta: number) {
  const metadata = metadataOf(file);
  const typeKey = `${prefix}.rope.scaling.type`;
  const type = metadata.text(typeKey, 'none');
  if (type !== 'none')
    metadata.fail(typeKey, `"${type}" is not supported; supported: none, and Llama 3's factors`);
  const factors = readFactors(file, headSize);
  if (factors === null || factors.every((factor) => factor === 1)) return null;
  // The longest wavelength is always scaled in full.
  const factor = Math.max(...factors);
  const expected = llama3Factors(factor, headSize, theta);
  if (factors.some((value, i) => Math.abs(value / (expected[i] as number) - 1) > 1e-4)) {
    throw new UserError(
      `${file.path}: tensor "${ROPE_TENSOR}": these RoPE factors are not those of a known Llama 3 model; ` +
        "use the model's folder in Hugging Face layout instead",
    );
  }
  return { rope_type: 'llama3', factor, ...LLAMA3 };
}

/**
 * What each frequency is divided by: 1 for wavelengths short of the original context's quarter, the
 * factor for those beyond the context, and between them smoothly from one to the other.
 */
function llama3Factors(factor: number, headSize: number, theta: number): number[] {
  const { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: context } = LLAMA3;
  return Array.from({ length: headSize / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headSize);
    if (wavelength < context / high) return 1;
    if (wavelength > context / low) return factor;
    const smooth = (context / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

function readFactors(file: GgufFile, headSize: number): number[] | null {
  const tensor = file.tensors.get(ROPE_TENSOR);
  if (tensor === undefined) return null;
  if (tensor.shape.length !== 1 || tensor.shape[0] !== headSize / 2) {
    throw new UserError(
      `${file.path}: tensor "${ROPE_TENSOR}" has shape [${tensor.shape}]; expected [${headSize / 2}]`,
    );
  }
  const bytes = new Uint8Array(tensor.byteLength);
  const descriptor = openSync(file.path, 'r');
  try {
    if (readSync(descriptor, bytes, 0, bytes.length, tensor.offset) !== bytes.length) {
      throw new UserError(`${file.path}: became shorter while it was read`);
    }
  } finally {
    closeSync(descriptor);
  }
  const factors = new Float32Array(headSize / 2);
  dequantise(tensor.type, bytes, factors);
  return [...factors];
}
