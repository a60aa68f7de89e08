/** A GGUF file's place in the cache of model folders: found there, or converted into it. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileError } from '../../support/file-error.ts';
import { cachedSha256 } from '../weights/file-hash.ts';
import {
  type CachedModel,
  cachedModel,
  type ModelOptions,
  type ModelSource,
} from '../weights/model-cache.ts';
import { convertGguf } from './convert.ts';

/** Raised when the conversion writes other bytes, so that folders made before are not used. */
const CONVERSION = 1;

type GgufSource = Extract<ModelSource, { kind: 'gguf' }>;

/**
 * The model folder made from a GGUF file, converting it on first use.
 *
 * @param origin the package that brought the file, for the record
 */
export async function importGguf(
  path: string,
  options: ModelOptions = {},
  origin?: NonNullable<GgufSource['package']>,
): Promise<CachedModel> {
  const sha256 = await cachedSha256(path);
  const build = async (folder: string): Promise<GgufSource> => {
    await convertGguf(path, folder, options.progress);
    return {
      kind: 'gguf',
      file: basename(path),
      bytes: await fileSize(path),
      sha256,
      ...(origin === undefined ? {} : { package: origin }),
    };
  };
  return cachedModel(`gguf-${sha256}-${CONVERSION}`, build, options);
}

async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw fileError(error, path, 'read');
  }
}
