/**
 * Weights as engines map them: float32, each tensor at a multiple of four bytes, all files in one
 * folder. Files that are so already are used in place; others get one converted copy in the cache.
 */
import { dirname, join } from 'node:path';
import { makeFolder } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { sha256, sha256File } from '../../support/hash.ts';
import { byteProgress } from './byte-progress.ts';
import { cachedModel, type ModelOptions, type ModelSource, recordedHash } from './model-cache.ts';
import {
  readSafetensorsHeader,
  readTensor,
  type SafetensorsEntry,
  writeSafetensorsStream,
} from './safetensors.ts';
import { SINGLE_FILE } from './weight-files.ts';

/** Raised when the conversion writes other bytes, so that copies made before are not used. */
const CONVERSION = 1;

const READABLE = ['F32', 'F16', 'BF16'];

/** Tensors in float32, and the hash of each file they lie in. */
export interface MappableWeights {
  readonly weights: ReadonlyMap<string, SafetensorsEntry>;
  readonly hashes: ReadonlyMap<string, string>;
}

interface CopyOptions extends ModelOptions {
  /** A folder of the caller's for the copy, instead of one in the cache. */
  readonly float32Folder?: string;
}

/**
 * The same tensors, ready to be mapped.
 *
 * @param hashes the SHA-256 of each file the tensors lie in
 * @param source where they came from, for the copy's record
 * @throws UserError for a tensor of another type than F32, F16 or BF16
 */
export async function mappableWeights(
  { weights, hashes }: MappableWeights,
  source: ModelSource,
  options: CopyOptions,
): Promise<MappableWeights> {
  for (const { name, dtype, file } of weights.values()) {
    if (!READABLE.includes(dtype)) {
      throw new UserError(`${file}: tensor "${name}" is ${dtype}; supported: ${READABLE.join(', ')}`);
    }
  }
  const entries = [...weights.values()];
  const isMappable = entries.every(({ dtype, offset }) => dtype === 'F32' && offset % 4 === 0);
  const lieTogether = new Set(entries.map(({ file }) => dirname(file))).size === 1;
  if (isMappable && lieTogether) return { weights, hashes };
  if (options.float32Folder !== undefined) {
    await makeFolder(options.float32Folder);
    const file = join(options.float32Folder, SINGLE_FILE);
    await writeCopy(weights, file, options);
    return {
      weights: readSafetensorsHeader(file).entries,
      hashes: new Map([[file, await sha256File(file)]]),
    };
  }
  const content = [...weights].map(([name, entry]) => `${name} ${hashes.get(entry.file)} ${entry.offset}`);
  const copy = await cachedModel(
    `f32-${sha256(content)}-${CONVERSION}`,
    async (folder) => {
      await writeCopy(weights, join(folder, SINGLE_FILE), options);
      return source;
    },
    options,
  );
  const file = join(copy.path, SINGLE_FILE);
  return {
    weights: new Map(readSafetensorsHeader(file).entries),
    hashes: new Map([[file, recordedHash(copy, SINGLE_FILE)]]),
  };
}

async function writeCopy(
  weights: ReadonlyMap<string, SafetensorsEntry>,
  path: string,
  options: ModelOptions,
): Promise<void> {
  const entries = [...weights.values()];
  const bytes = entries.reduce((sum, entry) => sum + entry.byteLength, 0);
  const meter = byteProgress('converting to float32', bytes, options.progress);
  try {
    await writeSafetensorsStream(
      path,
      entries,
      async (write) => {
        for (const entry of entries) {
          await write(entry.name, readTensor(entry));
          meter.advance(entry.byteLength);
        }
      },
      { format: 'pt' },
    );
  } finally {
    meter.stop();
  }
}
